package act

import (
	"context"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// logScript prints the end of the app's log. Arguments: root, link, log, app. All releases of a process share its log, which has
// its default name: its start leaves the size that the log had then, and what is before that is of earlier starts. Where trikk
// runs the app's own commands, it is not known what of a log is of which start.
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
	if [ -e "$log" ]; then
		echo "$log is no file"
	elif [ -n "$3" ]; then
		echo "$log is not there"
	fi
	exit 0
fi
if [ ! -s "$log" ]; then
	echo "$log is empty"
	exit 0
fi
if [ ! -r "$log" ]; then
	echo "$(id -un) may not read $log"
	exit 0
fi
before=0
if [ -z "$3" ] && [ ! -f "$root/.trikk/$4.started" ] && [ -f "$root/.trikk/$4.printed" ]; then
	IFS= read -r before <"$root/.trikk/$4.printed" || :
fi
case $before in
'' | *[!0-9]*) before=0 ;;
esac
size=$(wc -c <"$log")
if [ "$size" -eq "$before" ]; then
	echo "(nothing was written to $log since $4 was started)"
	exit 0
fi
[ "$size" -gt "$before" ] || before=0
echo "last lines of $log:"
tail -c "+$((before + 1))" "$log" | tail -n 20`

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
