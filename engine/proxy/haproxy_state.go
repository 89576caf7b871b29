package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"trikk.dev/engine/host"
)

// haproxyState says by status 1 and a reason that a reload can't keep the servers' state in the file $2 for HAProxy's process $1. What HAProxy
// is told is seen where its configuration can be read; where that can't be, nothing is wrong.
const haproxyState = `d=${2%/*}; d=${d:-/}
[ ! -d "$2" ] || { echo "it is a directory"; exit 1; }
[ -d "$d" ] || { echo "$d is not there, or $(id -un) can't enter it"; exit 1; }
[ -w "$d" ] && [ -x "$d" ] || { echo "$(id -un) may not write to $d: give it that directory"; exit 1; }
command -v socat >/dev/null 2>&1 || command -v nc >/dev/null 2>&1 || { echo "neither socat nor nc is there to read it from the socket: install one"; exit 1; }
[ "$(cat "/proc/$1/comm" 2>/dev/null)" = haproxy ] || exit 0
texts=$(
	tr '\0' '\n' <"/proc/$1/cmdline" | sed -n '/^-f$/{n;p;}' | while IFS= read -r f; do
		case $f in /*) ;; *) exit 1 ;; esac
		if [ -d "$f" ]; then cat "$f"/*.cfg; else cat "$f"; fi || exit 1
	done 2>/dev/null
) || exit 0
[ -n "$texts" ] || exit 0
lines() { printf '%s\n' "$texts" | sed -n "s/^[[:space:]]*$1[[:space:]]\{1,\}\([^[:space:]#]*\).*/\1/p" | tr -d "\"'"; }
lines load-server-state-from-file | grep -q -x global || { echo "load-server-state-from-file global is not in its defaults"; exit 1; }
lines server-state-file | grep -q -x -F -e "$2" -e "${2##*/}" || lines server-state-file | grep -q '[$]' || { echo "server-state-file $2 is not in its global section"; exit 1; }`

// keepsState checks that a reload by trikk would keep who is held out of rotation, where that is wanted.
func (h haproxy) keepsState(ctx context.Context, api runtimeAPI, r host.Reader) error {
	if h.stateFile == "" {
		return nil
	}
	q, err := host.NewQuestion("show info\n")
	if err != nil {
		return err
	}
	info, err := api.ask(ctx, r, q)
	if err != nil {
		return err
	}
	out, err := r.Query(ctx, host.NewQuery("", haproxyState, processOf(info).pid, h.stateFile))
	if err != nil {
		return err
	}
	if out.Exit != 0 {
		why := strings.TrimSpace(string(out.Stdout))
		if why == "" {
			why = fmt.Sprintf("exit status %d", out.Exit)
		}
		return stop(fmt.Errorf("haproxy on %s would not keep its servers' state over a reload, in %s: %w", api.host, h.stateFile, errors.New(why)))
	}
	return nil
}
