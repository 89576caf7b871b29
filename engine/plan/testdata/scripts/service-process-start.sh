set -eu
app=hello
root="$HOME"/hello
current=current
TRIKK_APP=hello TRIKK_VERSION=1.0
seconds=10
log=log/hello.out
command='exec bin/hello --port 8080'

release=$(cd -P "$root/$current" 2>/dev/null && pwd -P) || release=
root=$(cd -P "$root" 2>/dev/null && pwd -P) || root=
TRIKK_ROOT=$root TRIKK_RELEASE=$release
export TRIKK_APP TRIKK_VERSION TRIKK_ROOT TRIKK_RELEASE
started=$root/.trikk/$app.started

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

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
