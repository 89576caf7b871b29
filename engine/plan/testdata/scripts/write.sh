set -eu
root=/srv/hello
release=1.0-3f2a8b1c
path=config/itas.properties
mode=644
content='jmx.port=7070
jvm.xmx=512m
'

# because WORDS: the reason in what a tool printed, in one line, a full disk above all; $5 is what df calls available, in kB
because() {
	set -- "$1" $(df -Pk "$root" 2>/dev/null | tail -n 1)
	if [ "${5:-64}" -lt 64 ] 2>/dev/null; then
		echo "the disk of $root is full"
		return
	fi
	case $1 in
	*'No space left'* | *'disk full'* | *'quota exceeded'*) echo "the disk of $root is full, or has no inodes left" ;;
	*'signature not found'*) echo "it is no zip archive, or a part of it is missing" ;;
	*) printf '%s\n' "$1" | grep -v -e '^tar: Exiting with failure' -e '^tar: Error is not recoverable' | tail -n 3 | tr -s ' \n' ' ' | sed 's/ $//' ;;
	esac
}

# inside PATH DIR: PATH, with all links resolved, is DIR or below it
inside() {
	case $(readlink -m "$1")/ in
	"$(readlink -m "$2")"/*) return 0 ;;
	esac
	return 1
}

dir=$root/releases/$release
target=$dir/$path
parent=${target%/*}
part=$parent/.${target##*/}.trikk
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
inside "$parent" "$dir" || fail "$path is behind a link that leaves the release"
[ -L "$target" ] || [ ! -d "$target" ] || fail "$target is a directory"
umask 022
why=$(mkdir -p "$parent" 2>&1) || fail "$(id -un) can't create $parent: $(because "$why")"
trap 'rm -f "$part"' EXIT
rm -f "$part"
why=$( { printf %s "$content" >"$part"; } 2>&1 && chmod "$mode" "$part" 2>&1) || fail "$(id -un) can't write $target: $(because "$why")"
if [ -f "$target" ] && [ ! -L "$target" ] && [ "$(stat -c %a "$target")" = "$mode" ] &&
	[ "$(sha256sum <"$target")" = "$(sha256sum <"$part")" ]; then
	same "$path is so already"
fi
mv -fT "$part" "$target"
