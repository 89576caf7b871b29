set -eu
root=/srv/hello
release=1.0-3f2a8b1c
manifest='{"app":"hello","release":"1.0-3f2a8b1c","version":"1.0","artifact":"sha256:3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a","digest":"sha256:3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a"}'

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

# named LINE: the path in a line of sha256sum, in $path
named() {
	path=${1#*  }
	case $1 in
	\\*) path=$(printf '%b.' "$path") && path=${path%.} ;;
	esac
}

dir=$root/releases/$release
mark=$dir/.trikk/manifest.json
umask 022
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$manifest" ]; then
	same "$release is complete already"
fi
# generated files that became a part of shared/ are the app's own from now on
files=$dir/.trikk/files
if [ -f "$files" ]; then
	rm -f "$files.new"
	# who can read the digest of a file can try what a secret in it may be
	why=$(umask 077 && while IFS= read -r line; do
		named "$line"
		! inside "$dir/$path" "$dir" || printf '%s\n' "$line"
	done 2>&1 <"$files" >"$files.new") || fail "$(id -un) can't write $files: $(because "$why")"
	sync "$files.new" 2>/dev/null || sync
	mv -fT "$files.new" "$files"
fi
why=$( { mkdir -p "$dir/.trikk" && printf '%s\n' "$manifest" >"$mark.new"; } 2>&1) || fail "$(id -un) can't write $mark: $(because "$why")"
sync "$mark.new" 2>/dev/null || sync
mv -fT "$mark.new" "$mark"
