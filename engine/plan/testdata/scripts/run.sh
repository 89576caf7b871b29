set -eu
root=/srv/hello
release=1.0-3f2a8b1c
command='bin/migrate --all'
phase=before
TRIKK_APP=hello TRIKK_VERSION=1.0

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

cd -P "$root/releases/$release" 2>/dev/null || fail "$root/releases/$release is not there"
TRIKK_RELEASE=$(pwd -P)
TRIKK_ROOT=$(cd -P "$root" && pwd -P)
export TRIKK_APP TRIKK_VERSION TRIKK_RELEASE TRIKK_ROOT
place "$root/.trikk"
out=$TRIKK_ROOT/.trikk/hook.$$.out
trap 'rm -f "$out"' EXIT
trap 'exit 129' HUP INT TERM
(umask 077 && : >"$out") || fail "$(id -un) can't write $out"
status=0
/bin/sh -c "$command" </dev/null >"$out" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- || status=$?
tail -n 200 "$out"
last=$(tail -n 1 "$out")
[ "$status" = 0 ] || fail "the hook $phase ended with status $status${last:+: $last}"
