package act

import (
	"context"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// logScript prints the end of the app's log. Arguments: root, link, log, app. All releases of a process share its log, which has
// its default name: the pid file is as old as its start, so a log that is older has nothing of it. Where trikk runs the app's own
// commands, files of these names are the app's and tell nothing.
const logScript = `case $1 in
'~' | '~/'*) root=$HOME${1#'~'} ;;
*) root=$1 ;;
esac
case $3 in
'') log=$root/shared/log/$4.out ;;
/*) log=$3 ;;
'~/'*) log=$HOME${3#'~'} ;;
*) log=$root/$2/$3 ;;
esac
if [ ! -f "$log" ]; then
	[ -z "$3" ] || echo "$log is not there"
	exit 0
fi
if [ ! -s "$log" ]; then
	echo "$log is empty"
	exit 0
fi
pidfile=
if [ -z "$3" ] && [ -f "$root/shared/$4.pid" ] && [ ! -f "$root/.trikk/$4.started" ]; then
	pidfile=$root/shared/$4.pid
fi
if [ -n "$pidfile" ] && [ -n "$(find "$pidfile" -newer "$log" 2>/dev/null)" ]; then
	echo "(nothing was written to $log since $4 was started)"
	exit 0
fi
echo "last lines of $log:"
tail -n 20 "$log"
[ -n "$pidfile" ] || exit 0
since=$(date -u -r "$pidfile" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null) || exit 0
[ -z "$(tail -c 1 "$log")" ] || echo
echo "($4 was started at $since; lines from before that are of an earlier start)"
exit 0`

// logTail reads the end of the app's log, for a failed probe's result.
func (d *doing) logTail(ctx context.Context, h host.Host, op plan.ProbeOp) string {
	if op.Root == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	out, err := h.Query(ctx, host.NewQuery(d.seg.As, logScript, op.Root, op.Current, op.Log, op.App))
	if err != nil {
		return "the log can't be read: " + err.Error()
	}
	return string(out.Stdout)
}
