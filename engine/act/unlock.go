package act

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// unlockTime bounds one unlocking, which waits up to 8 s for a holder to end.
const unlockTime = 30 * time.Second

// Unlock removes a lock that ReadLocks told of. What was lock.info becomes the mark of a run that was cut off. A holder that is
// alive is a *LockedError, unless end says to end it: then the holder's process ends on the server, so that from this moment the
// run's scripts are refused there, and the run learns that it has lost the lock. A script of it that has begun goes on to the end
// of its step. A lock that has changed hands since it was read is an error, and stays.
func Unlock(ctx context.Context, hosts proxy.Hosts, s LockState, end bool) error {
	h, err := hosts.Host(ctx, s.Host)
	if err != nil {
		return err
	}
	step := host.ScriptStep{ID: "unlock", Text: unlockScript(s, end), Timeout: unlockTime}
	records, err := h.Run(ctx, host.Script{As: s.As, Steps: []host.ScriptStep{step}}, nil)
	if err != nil {
		return err
	}
	if len(records) != 1 {
		return &host.Error{Host: s.Host, Kind: host.Protocol, Doing: "unlocking " + s.Root, Err: errors.New("the script ended without a record")}
	}
	r := records[0]
	if r.Exit == 0 {
		return nil
	}
	line := lastLine(r.Output)
	if info, ok := strings.CutPrefix(line, "locked "); ok {
		return &LockedError{Host: s.Host, Holder: *parseHolder(info)}
	}
	return fmt.Errorf("%s: unlocking %s: %s", s.Host, s.Root, shortLine(line))
}

func unlockScript(s LockState, end bool) string {
	how := "leave"
	if end {
		how = "end"
	}
	return "info=" + shellescape.Quote(s.info) + "\nhow=" + how + "\nroot=" + plan.QuotePath(s.Root) + "\n" + shUnlock
}

// shUnlock finds the holder of the very lock by two things that only it has: the lock's file open, and this run's info as an
// argument. It ends what the holder started, last of all the shell that waits for heartbeats and cleans up; the flocks end then by
// themselves. Who doesn't within 5 s is killed.
const shUnlock = `state=$root/.trikk
lock=$state/lock mark=$state/lock.info
now=$(head -n 1 "$mark" 2>/dev/null) || now=

# free: nobody holds the lock
free() {
	flock -n "$lock" true
}

if [ -z "$now" ]; then
	free || fail "the lock is held by a process, but $mark does not say for which run: see fuser -v $lock there"
	same "$mark is gone already"
fi
[ "$now" = "$info" ] || fail "the lock has changed hands: $now"

# holders: processes of the run that have the lock open
holders() {
	for file in $(grep -lF -e "$info" /proc/[0-9]*/cmdline 2>/dev/null); do
		for fd in "${file%/cmdline}"/fd/*; do
			if [ "$fd" -ef "$lock" ]; then
				file=${file#/proc/}
				printf '%s ' "${file%/cmdline}"
				break
			fi
		done
	done
}

# family PID...: these processes and all that descends from them
family() {
	parents=$(cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/^\([0-9]*\) (.*) [A-Za-z] \([0-9]*\) .*/\1 \2/p')
	young=" $* "
	while [ -n "${young% }" ]; do
		printf '%s' "$young"
		young=$(printf '%s\n' "$parents" | while read -r pid parent; do
			case $young in
			*" $parent "*) printf ' %s ' "$pid" ;;
			esac
		done)
	done
}

# within TENTHS: waits until the lock is free
within() {
	tenths=$1
	while ! free; do
		[ "$tenths" -gt 0 ] || return 1
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

held=
if ! free; then
	[ "$how" = end ] || fail "locked $info"
	held=$(holders)
	[ -n "$held" ] || fail "the lock is held, but by no process of $(id -un) that is this run's: see fuser -v $lock there"
	all=$(family $held)
	for pid in $all; do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = flock ] || kill -TERM "$pid" 2>/dev/null
	done
	if ! within 50; then
		kill -KILL $all 2>/dev/null
		within 30 || fail "the holder, process $held, could not be ended"
	fi
fi
# leave LOCK.INFO INFO CUT HELD: the run is known as cut off, whatever its holder could still do
leave='now=$(head -n 1 "$1" 2>/dev/null) || now=
if [ "$now" = "$2" ]; then
	mv -f "$1" "$3"
elif [ -n "$4" ] && [ -z "$now" ]; then
	printf "%s\n" "$2" >"$3.new" && mv -f "$3.new" "$3"
fi'
code=0
flock -n -E 75 "$lock" /bin/sh -c "$leave" trikk-unlock "$mark" "$info" "$state/cut" "$held" || code=$?
case $code in
0) ;;
75) fail "locked $(head -n 1 "$mark" 2>/dev/null)" ;;
*) fail "$(id -un) can't move $mark to $state/cut" ;;
esac
`
