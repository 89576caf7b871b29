set -eu
root=/srv/hello
release=1.0-3f2a8b1c
path=config/disabled
target=../../../shared/config/disabled

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

# inside PATH DIR: PATH, with all links resolved, is DIR or below it
inside() {
	case $(readlink -m "$1")/ in
	"$(readlink -m "$2")"/*) return 0 ;;
	esac
	return 1
}

# discard DIR: removes a tree; a link is removed, not followed
discard() {
	[ -L "$1" ] || [ ! -d "$1" ] || chmod -R u+rwX "$1" 2>/dev/null || :
	rm -rf "${1:?}"
}

dir=$root/releases/$release
link=$dir/$path
shared=$root/shared/$path
umask 022
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
inside "${link%/*}" "$dir" || fail "$path is behind a link that leaves the release"
place "${shared%/*}"
mkdir -p "${link%/*}"

[ ! -d "$shared" ] || fail "$shared is a directory"
if [ "$(readlink "$link" || :)" = "$target" ]; then
	same "$path is linked already"
fi
[ -L "$link" ] || [ ! -d "$link" ] || fail "$link is a directory"

[ ! -e "$link" ] && [ ! -L "$link" ] || discard "$link"
ln -s "$target" "$link"
