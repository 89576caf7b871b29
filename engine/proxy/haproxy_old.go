package proxy

import (
	"context"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/host"
)

// haproxyProcess is what `show info` says of the process that answers.
type haproxyProcess struct {
	pid string // as the process sees itself; "": not told
	age time.Duration
}

// oldProcesses is how long after a reload the process that was replaced is looked for.
const oldProcesses = time.Hour

// haproxyOld counts the connections that this host has to the address $2, as long as a process lives that $1, one of HAProxy, has replaced:
// it was started with -sf and their numbers. It prints 0 where there is none, and fails where it can't know.
const haproxyOld = shConnections + `old=
for word in $(tr '\0' ' ' <"/proc/$1/cmdline"); do
	case $word in
	-sf | -st) list=1 ;;
	-*) list= ;;
	*) [ -z "$list" ] || [ "$(cat "/proc/$word/comm" 2>/dev/null)" != "$(cat "/proc/$1/comm")" ] || old=1 ;;
	esac
done
if [ -z "$old" ]; then echo 0; else connections "$2"; fi`

// withOld notes what a process may be doing that was replaced by a reload: its requests are not in the counters of the one that answers.
// HAProxy's own connections to a server that is out look the same, so that they are waited for no longer than what can't be seen.
func (r haproxyRow) withOld(ctx context.Context, on host.Reader, p haproxyProcess) haproxyRow {
	if p.pid == "" || p.age > oldProcesses || r.inFlight > 0 || r.address == "" || !r.mayBeEmpty() {
		return r
	}
	out, err := on.Query(ctx, host.NewQuery("", haproxyOld, p.pid, r.address))
	if err != nil || out.Exit != 0 {
		return r
	}
	r.old, _ = strconv.Atoi(strings.TrimSpace(string(out.Stdout)))
	return r
}

// processOf reads the answer to `show info`, which may stand behind others.
func processOf(answer []byte) haproxyProcess {
	p := haproxyProcess{}
	for line := range strings.Lines(string(answer)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch n, err := strconv.Atoi(value); {
		case err != nil || n < 0:
		case name == "Pid":
			p.pid = value
		case name == "Uptime_sec":
			p.age = time.Duration(n) * time.Second
		}
	}
	return p
}
