package act

import (
	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/plan"
)

// stepLog is the shell that keeps the step log of a segment's app, <root>/.trikk/log: a line when a step is started and one when
// it is done, each with the run's ID. So any machine can tell which steps a run began and did not end. With
// trikk_sync set the line is on the disk before the step begins. "" where nothing is locked for the segment.
func (l *Lock) stepLog(seg plan.Segment) string {
	t, ok := l.target(seg)
	if !ok {
		return ""
	}
	owner := t.As
	if owner == seg.As {
		owner = ""
	}
	return stepLogScript(l.actor.o.Run, t.Root, owner)
}

// busy is the file that a segment's script locks while it works, as a shell word, and the user that it belongs to where that is not
// the script's: so that a lock is not given to anybody while a script of a run that was cut off still works. "" where nothing is locked
// for the segment.
func (l *Lock) busy(seg plan.Segment) (file, owner string) {
	t, ok := l.target(seg)
	if !ok {
		return "", ""
	}
	if t.As != seg.As {
		owner = t.As
	}
	return plan.QuotePath(t.Root) + "/.trikk/busy", owner
}

// stepLogScript gets a step's ID and what became of it as arguments. owner is the user that owns the root when that is not the
// user of the script. A lane's first step cuts the log when it has grown long.
func stepLogScript(run, root, owner string) string {
	write := "log=" + plan.QuotePath(root) + "/.trikk/log\n" + shStepLog
	line := "run=" + shellescape.Quote(run) + "\n"
	if owner == "" {
		return line + write
	}
	return line + "sudo -n -H -u " + shellescape.Quote(owner) + " /bin/sh -c " + shellescape.Quote("run=$1 trikk_sync=$2\nshift 2\n"+write) + ` trikk-log "$run" "${trikk_sync:-}" "$@"`
}

const shStepLog = `umask 022
case "$1 $2" in
*"/1 started")
	if [ "$(wc -c <"$log")" -gt 1000000 ]; then
		tail -n 2000 "$log" >"$log.new" && mv -f "$log.new" "$log"
	fi ;;
esac
printf '%s\n' "$run $*" >>"$log" || exit 1
[ -z "${trikk_sync:-}" ] || sync "$log" 2>/dev/null || sync
`
