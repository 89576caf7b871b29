set -eu
root=/srv/hello
path=config/disabled
marker=$root/shared/$path

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

[ ! -d "$marker" ] || fail "$marker is a directory"
[ ! -e "$marker" ] || same "$path is there already"
umask 022
place "${marker%/*}"
: >"$marker" || fail "$(id -un) can't create $marker"
