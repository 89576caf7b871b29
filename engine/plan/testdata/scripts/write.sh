set -eu
root=/srv/hello
release=1.0-3f2a8b1c
path=config/itas.properties
run=20260101-1
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

# kept RELEASE/PATH: the edit of that file that this run kept last, in $kept; fails where it kept none
kept() {
	kept=$root/.trikk/kept/$1.$run
	[ -f "$kept" ] || return 1
	n=2
	while [ -f "$root/.trikk/kept/$1.$run.$n" ]; do
		kept=$root/.trikk/kept/$1.$run.$n
		n=$((n + 1))
	done
}

# aside FILE RELEASE/PATH: copies an edited file to where edits are kept
aside() {
	now=$(sha256sum <"$1") || fail "$1 was edited by hand and $(id -un) can't read it to keep the edit (give it to $(id -un))"
	n=1
	to=$root/.trikk/kept/$2.$run
	while [ -f "$to" ]; do
		[ "$(sha256sum <"$to")" != "$now" ] || return 0
		n=$((n + 1))
		to=$root/.trikk/kept/$2.$run.$n
	done
	why=$( { umask 077 && mkdir -p "${to%/*}" && cp -pL "$1" "$to.part" && mv -fT "$to.part" "$to"; } 2>&1) || fail "$(id -un) can't keep the edit of $1: $(because "$why")"
	printf '%s\n' "$2 was edited by hand: the edit is kept in $to"
}

dir=$root/releases/$release
target=$dir/$path
parent=${target%/*}
part=$parent/.${target##*/}.trikk
files=$dir/.trikk/files
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
inside "$parent" "$dir" || fail "$path is behind a link that leaves the release"
[ -L "$target" ] || [ ! -d "$target" ] || fail "$target is a directory"
# digest: the file as a line of sha256sum, which ends in the file's name
digest() { (cd "$dir" && sha256sum -- "$path" 2>/dev/null) || echo unread; }
# edited LINE: trikk wrote the file, and it was something else
edited() {
	[ -f "$files" ] || return 1
	while IFS= read -r was; do
		[ "$was" != "$1" ] || return 1
		[ "${was#*  }" != "${1#*  }" ] || return 0
	done <"$files"
	[ "$1" = unread ]
}
# recorded LINE: trikk wrote the file as it is. The digest of a file with secrets is for no list of processes.
recorded() {
	[ -f "$files" ] || return 1
	while IFS= read -r was; do
		[ "$was" != "$1" ] || return 0
	done <"$files"
	return 1
}
umask 022

why=$(mkdir -p "$parent" "$dir/.trikk" 2>&1) || fail "$(id -un) can't create $parent: $(because "$why")"
trap 'rm -f "$part" "$files.new"' EXIT
rm -f "$part"
umask 077
why=$( { printf %s "$content" >"$part"; } 2>&1 && chmod "$mode" "$part" 2>&1) || fail "$(id -un) can't write $target: $(because "$why")"
new=$(sha256sum <"$part")
new=${new%% *}

copy=$dir/.trikk/generated/$path
if [ ! -f "$copy" ] || [ "$(sha256sum <"$copy")" != "$new  -" ]; then
	fresh=${copy%/*}/.${copy##*/}.trikk
	why=$( { umask 077 && mkdir -p "${copy%/*}" && printf %s "$content" >"$fresh" && mv -fT "$fresh" "$copy"; } 2>&1) || fail "$(id -un) can't write $copy: $(because "$why")"
fi

if [ -f "$target" ]; then
	line=$(digest)
	old=${line%% *}
	old=${old#\\}
	if [ "$old" = "$new" ] && [ ! -L "$target" ] && [ "$(stat -c %a "$target")" = "$mode" ] && recorded "$line"; then
		same "$path is so already"
	fi
	if [ "$old" != "$new" ] && edited "$line"; then
		aside "$target" "$release/$path"
	fi
fi
mv -fT "$part" "$target"
line=$(digest)
why=$( {
	[ ! -f "$files" ] || while IFS= read -r was; do
		[ "${was#*  }" = "${line#*  }" ] || printf '%s\n' "$was"
	done <"$files"
	printf '%s\n' "$line"
} 2>&1 >"$files.new") || fail "$(id -un) can't write $files: $(because "$why")"
mv -fT "$files.new" "$files"
