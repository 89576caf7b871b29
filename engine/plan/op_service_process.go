package plan

// process is the script for a program that trikk starts itself, detached.
func (s ServiceOp) process(p Process) string {
	if s.Action == Stop {
		return script(s.head(p.Timeout), shInstalled, shMembers, shProcessStop)
	}
	log := p.Log
	if log == "" {
		log = "log/" + s.App + ".out"
	}
	return script(s.head(p.Timeout), let("log", log), let("command", p.Command), shInstalled, shPlace, shMembers, shProcessStart)
}

// The process leads a session and a group of its own, so the group's ID is the ID in the pid file. That a number was given to
// somebody else meanwhile is told by the working directory, which is the release's, or by the environment.
const shMembers = `
pidfile=$root/shared/$app.pid
pid=
# known: reads the pid file
known() {
	pid=
	IFS= read -r pid 2>/dev/null <"$pidfile" || :
	case $pid in
	*[!0-9]* | 0 | 1) pid= ;;
	esac
}
known

# members PID: the living processes of the group
members() {
	sed -n "s/^\([0-9]*\) (.*) [^ZX] [0-9]* $1 [^)]*$/\1/p" /proc/[0-9]*/stat 2>/dev/null || :
}

# lives PID: the group has a living process; most often it is the one that leads it
lives() {
	stat=
	IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || :
	case ${stat##*) } in
	[!ZX]' '[0-9]*" $1 "*) return 0 ;;
	esac
	[ -n "$(members "$1")" ]
}

# ours: the group in the pid file lives and is the app's
ours() {
	[ -n "$pid" ] || return 1
	for member in $(members "$pid"); do
		case $(readlink "/proc/$member/cwd" 2>/dev/null || :) in
		"$root/releases"/*) return 0 ;;
		esac
		if tr '\000' '\n' 2>/dev/null <"/proc/$member/environ" | grep -qxF "TRIKK_ROOT=$root"; then
			return 0
		fi
	done
	return 1
}
`

const shProcessStart = `
[ -n "$release" ] || fail "$current points to no release: there is nothing to start"
if ours; then
	case $(readlink "/proc/$pid/cwd" || :) in
	"$release") same "$app runs already, as process $pid" ;;
	esac
	fail "$app still runs another release, as process $pid: stop it first"
fi
log=$root/shared/$log
place "${log%/*}"
place "${pidfile%/*}"
place "$root/.trikk"
[ -e "$log" ] || : >>"$log" || fail "$(id -un) can't write $log"
# What a log that is a file has now is of earlier starts. Whether that can be told or kept is no reason not to start.
printed=
[ ! -f "$log" ] || printed=$(stat -L -c %s "$log" 2>/dev/null) || printed=
echo "${printed:-0}" 2>/dev/null >"$root/.trikk/$app.printed" || rm -f "$root/.trikk/$app.printed" 2>/dev/null || :
rm -f "$pidfile"
command -v setsid >/dev/null || fail "setsid is not installed on this server (it is in util-linux)"
cd -P "$release"
setsid /bin/sh -c '
	echo "$$" >"$1.new" && mv -f "$1.new" "$1" || exit 1
	exec /bin/sh -c "$2"
' "$app" "$pidfile" "$command" </dev/null >>"$log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &

tries=0
while [ "$tries" -lt 10 ]; do
	sleep 0.1
	tries=$((tries + 1))
	known
	[ -n "$pid" ] || continue
	if ! lives "$pid"; then
		rm -f "$pidfile"
		[ -z "$printed" ] || tail -c "+$((printed + 1))" "$log" 2>&1 | tail -n 20
		fail "$app ended right after its start: $command"
	fi
done
if [ -z "$pid" ]; then
	kill "$!" 2>/dev/null || :
	[ ! -p "$log" ] || fail "$app was not started: nobody reads $log, which is a pipe"
	fail "$app was not started: $pidfile did not appear"
fi
`

const shProcessStop = `
if ! ours; then
	rm -f "$pidfile"
	same "$app does not run"
fi
# gone TENTHS: waits until the group ended
gone() {
	tries=0
	while lives "$pid"; do
		[ "$tries" -lt "$1" ] || return 1
		sleep 0.1
		tries=$((tries + 1))
	done
}
kill -s TERM -- "-$pid" || :
if ! gone "$((seconds * 10))"; then
	echo "$app did not end within $seconds s of SIGTERM: killed"
	kill -s KILL -- "-$pid" || :
	gone 50 || fail "$app, process $pid, can't be killed by $(id -un)"
fi
rm -f "$pidfile"
`
