set -eu
app=hello
root="$HOME"/hello
current=current
TRIKK_APP=hello TRIKK_VERSION=1.0
seconds=10

release=$(cd -P "$root/$current" 2>/dev/null && pwd -P) || release=
root=$(cd -P "$root" 2>/dev/null && pwd -P) || root=
TRIKK_ROOT=$root TRIKK_RELEASE=$release
export TRIKK_APP TRIKK_VERSION TRIKK_ROOT TRIKK_RELEASE
started=$root/.trikk/$app.started

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
