set -eu
root=/srv/hello
release=1.0-3f2a8b1c
glob='bin/*.sh'
mode=755

# inside PATH DIR: PATH, with all links resolved, is DIR or below it
inside() {
	case $(readlink -m "$1")/ in
	"$(readlink -m "$2")"/*) return 0 ;;
	esac
	return 1
}

dir=$root/releases/$release
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
cd -P "$dir"
here=$(pwd -P)
changed=
IFS=
for path in ./$glob; do
	[ -e "$path" ] || continue
	inside "$path" "$here" || fail "$path is outside of the release"
	[ "$(stat -L -c %a "$path")" != "$mode" ] || continue
	why=$(chmod "$mode" "$path" 2>&1) || fail "$(id -un) can't change $path: $why"
	changed=yes
done
[ -n "$changed" ] || same "nothing that matches $glob has another mode"
