package act

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"trikk.dev/engine/host"
	"trikk.dev/engine/proxy"
)

// LockState is what a root says of its lock.
type LockState struct {
	LockTarget
	Holder *Holder // who holds the lock, or left it behind; nil: it is free
	Cut    *Holder // the run that was cut off here and not taken up since; nil: none
	info   string  // what the holder wrote
}

// ReadLocks asks all hosts at once about the locks of all targets, and gives them in the order of the targets. It takes no lock,
// not even for a moment. Hosts that can't be read are all told in the
// error, and have an empty state.
func ReadLocks(ctx context.Context, rs proxy.Readers, targets []LockTarget) ([]LockState, error) {
	states, errs := make([]LockState, len(targets)), make([]error, len(targets))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() { states[i], errs[i] = readLock(ctx, rs, t) })
	}
	all.Wait()
	return states, errors.Join(errs...)
}

func readLock(ctx context.Context, rs proxy.Readers, t LockTarget) (LockState, error) {
	r, err := rs.Reader(ctx, t.Host)
	if err != nil {
		return LockState{}, err
	}
	out, err := r.Query(ctx, host.NewQuery(t.As, lockScript, t.Root))
	if err != nil {
		return LockState{}, err
	}
	s := LockState{LockTarget: t}
	last := ""
	for line := range strings.Lines(string(out.Stdout)) {
		verb, info, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch last = verb; verb {
		case "held", "left":
			s.info, s.Holder = info, parseHolder(info)
			s.Holder.Alive = verb == "held"
		case "cut":
			s.Cut = parseHolder(info)
		}
	}
	if last != "end" {
		return LockState{}, &host.Error{Host: t.Host, Kind: host.Protocol, Doing: "reading the lock of " + t.Root, Output: string(out.Stdout), Err: fmt.Errorf("exit status %d", out.Exit)}
	}
	return s, nil
}

// shLocked tells whether a lock file is held. A line of /proc/locks names a file by its number, which another file has too on another
// disk, and by a device, which some file systems have under two names: so the process that holds the lock must have the file itself open.
// One whose files can't be seen counts. Nothing is locked to find out.
const shLocked = `
# locked FILE: a process holds its lock
locked() {
	number=$(stat -c %i "$1" 2>/dev/null) || return 1
	for holder in $(sed -n "s/^[^>]* \([0-9-]*\) [0-9a-f]*:[0-9a-f]*:$number 0 EOF\$/\1/p" /proc/locks 2>/dev/null); do
		[ -r "/proc/$holder/fd" ] || return 0
		for open in "/proc/$holder/fd"/*; do
			[ -L "$open" ] || return 0
			[ ! "$open" -ef "$1" ] || return 0
		done
	done
	return 1
}
`

// lockScript tells of the root $1 whether its lock is held, or was left behind, and which run was cut off there.
const lockScript = shLocked + `case $1 in
'~' | '~/'*) state=$HOME${1#'~'}/.trikk ;;
*) state=$1/.trikk ;;
esac
info=$(head -n 1 "$state/lock.info" 2>/dev/null)
if locked "$state/lock"; then
	echo "held $info"
elif [ -n "$info" ]; then
	echo "left $info"
fi
cut=$(head -n 1 "$state/cut" 2>/dev/null)
[ -z "$cut" ] || echo "cut $cut"
echo end
exit 0`
