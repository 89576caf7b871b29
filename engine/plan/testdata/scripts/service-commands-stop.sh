set -eu
app=hello
root="$HOME"/hello
current=current
TRIKK_APP=hello TRIKK_VERSION=1.0
seconds=60
stop='itas stop'

release=$(cd -P "$root/$current" 2>/dev/null && pwd -P) || release=
root=$(cd -P "$root" 2>/dev/null && pwd -P) || root=
TRIKK_ROOT=$root TRIKK_RELEASE=$release
export TRIKK_APP TRIKK_VERSION TRIKK_ROOT TRIKK_RELEASE
started=$root/.trikk/$app.started

deadline=$(($(date +%s) + seconds))
late() { [ "$(date +%s)" -ge "$deadline" ]; }
setsid=$(command -v setsid || :)
# perform WHAT COMMAND: runs a command of the app in its release; leaves the status in $code and the output in $out
perform() {
	out=$root/.trikk/$app.$1.out
	code=0
	mkdir -p "$root/.trikk" && rm -f "$out" && (umask 077 && : >"$out") || fail "$(id -un) can't write to $root/.trikk"
	(
		cd -P "$release"
		exec $setsid timeout -k 5 "$seconds" /bin/sh -c "$2" </dev/null >"$out" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
	) || code=$?
	tail -n 20 "$out" || :
	[ "$code" != 124 ] || fail "'$2' did not end within $seconds s"
}

# pids DIR: the app's processes: no terminal, and the working directory or the program is in DIR
pids() {
	own=$(cat /proc/$$/stat)
	own=$(set -- ${own##*) } && echo "$4")
	ls -l /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null | sed 's|$|/|' | grep -F " -> $1/" | sed 's|.*/proc/\([0-9]*\)/.*|\1|' | sort -un | while read -r pid; do
		stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
		(set -- ${stat##*) } && [ "$1" != Z ] && [ "$4" != "$own" ] && [ "$5" = 0 ]) && echo "$pid"
	done || :
}
status='itas status'

# running: the app's status command says so
running() {
	code=0
	(
		cd -P "$release"
		exec timeout -k 5 "$seconds" /bin/sh -c "$status" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
	) || code=$?
	case $code in
	126 | 127) fail "the status command can't be run: $status" ;;
	esac
	return "$code"
}
# before: it is this release that runs: trikk started it, or a process is in its directory
before() { running && { [ "$(cat "$started" 2>/dev/null || :)" = "$release" ] || [ -n "$(pids "$release")" ]; }; }
after() { running; }

[ -n "$release" ] || same "nothing is installed"
ran=yes
running || ran=
rm -f "$started"
[ -n "$ran" ] || [ -z "${status:-}" ] || same "$app does not run"
perform stop "$stop"
ended=$code
while running; do
	if late; then
		fail "$app still runs $seconds s after '$stop', which ended with status $ended"
	fi
	sleep 0.2
done
[ -n "$ran" ] || [ "$ended" = 0 ] || same "$app does not run"
