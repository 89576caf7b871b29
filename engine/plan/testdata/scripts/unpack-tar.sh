set -eu
root=/srv/hello
file=3f2a3f2a3f2a-hello-1.0.tar.gz
release=1.0-3f2a8b1c
run=edited

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

# discard DIR: removes a tree; a link is removed, not followed
discard() {
	[ -L "$1" ] || [ ! -d "$1" ] || chmod -R u+rwX "$1" 2>/dev/null || :
	rm -rf "${1:?}"
}

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

# named LINE: the path in a line of sha256sum, in $path
named() {
	path=${1#*  }
	case $1 in
	\\*) path=$(printf '%b.' "$path") && path=${path%.} ;;
	esac
}

# keepedits DIR RELEASE: keeps all edits of generated files in DIR
keepedits() {
	[ -f "$1/.trikk/files" ] || return 0
	while IFS= read -r line; do
		named "$line"
		case /$path/ in
		*/../*) continue ;;
		esac
		[ -f "$1/$path" ] || continue
		now=$(cd "$1" && sha256sum -- "$path" 2>/dev/null) || now=unread
		[ "$now" = "$line" ] || aside "$1/$path" "$2/$path"
	done <"$1/.trikk/files"
}

archive=$root/.trikk/cache/$file
releases=$root/releases
dir=$releases/$release
if [ -f "$dir/.trikk/manifest.json" ]; then
	same "$release is complete already"
fi
umask 022
place "$releases"
[ -f "$archive" ] || fail "$archive is not there: fetch it first"
for left in "$releases/.$release.unpack".* "$releases/.$release.old".*; do
	[ ! -e "$left" ] || discard "$left"
done
stage=$(cd -P "$releases" && pwd -P)/.$release.unpack.$$
tree=$stage/0
trap 'discard "$stage"' EXIT
trap 'exit 129' HUP INT TERM
mkdir -p "$tree"
refuse() { fail "refused to unpack $file: $1"; }
limit=0

size=$(wc -c <"$archive")
limit=$((limit * 1048576))
if [ "$limit" = 0 ]; then
	limit=$((size * 100))
	[ "$limit" -ge 1073741824 ] || limit=1073741824
fi
large() { refuse "it unpacks to more than $((limit / 1048576)) MiB: see unpackLimit of the artifact"; }

declared() { :; }
names() { tar -t -f - <"$archive"; }
extract() { tar -x --no-same-owner --no-same-permissions -f - -C "$tree" <"$archive"; }

why=$(names 2>&1 >"$stage/names") || {
	[ "$(cat "$stage/ended" 2>/dev/null || echo 0)" -le 128 ] || large
	refuse "its list can't be read: $(because "$why")"
}
[ "$(wc -l <"$stage/names")" -le 500000 ] || refuse "it has more than 500000 entries"
declared=$(declared)
[ "${declared:-0}" -le "$limit" ] || large
bad=$(LC_ALL=C grep -a -E '^[/\\]|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)' "$stage/names" | head -n 1)
[ -z "$bad" ] || refuse "a name in it leaves the release: $bad"
why=$( (ulimit -f $((limit / 512 + 1)) && extract) 2>&1) || {
	status=$?
	[ "$status" != 153 ] || large
	fail "unpacking $file: $(because "$why")"
}
used=$(du -s -B 1048576 "$tree" 2>/dev/null | cut -f 1) || used=
[ "${used:-0}" -le $((limit / 1048576 + 1)) ] || large
strip=1

chmod -R u+rwX "$tree"
level=0
while [ "$level" -lt "$strip" ]; do
	level=$((level + 1))
	next=$stage/$level
	mkdir "$next"
	why=$(find "$tree" -mindepth 2 -maxdepth 2 -exec /bin/sh -c '
		next=$1
		shift
		for path do
			to=$next/${path##*/}
			if [ -e "$to" ] || [ -L "$to" ]; then
				echo "two folders hold the same name: ${path##*/}"
			else
				mv -T "$path" "$to"
			fi
		done' sh "$next" {} + 2>&1)
	[ -z "$why" ] || refuse "strip $strip: $why"
	tree=$next
done

[ -n "$(ls -A "$tree")" ] || refuse "nothing is left of it"
[ ! -e "$tree/.trikk" ] && [ ! -L "$tree/.trikk" ] || refuse "it holds the name .trikk"
chmod -R u+rwX,go-w "$tree"
bad=$(find "$tree" ! -type f ! -type d ! -type l | head -n 1)
[ -z "$bad" ] || refuse "it holds a device, a pipe or a socket: ${bad#"$tree"/}"
bad=$(find "$tree" -type l -exec /bin/sh -c '
	tree=$1
	shift
	for link do
		case $(readlink "$link") in
		/*) ;;
		*)
			case $(readlink -m "$link")/ in
			"$tree"/*) continue ;;
			esac
			;;
		esac
		echo "${link#"$tree"/} -> $(readlink "$link")"
	done' sh "$tree" {} + | head -n 1)
[ -z "$bad" ] || refuse "a link in it leaves the release: $bad"
bad=$(find "$tree" -type f -links +1 -exec stat -c '%i %h' {} + | sort | uniq -c | while read -r seen _ links; do
	[ "$seen" = "$links" ] || echo "$links"
done)
[ -z "$bad" ] || refuse "a hard link in it leaves the release"
find "$tree" -type f \( -perm -4000 -o -perm -2000 \) -exec chmod ug-s {} +

[ ! -d "$dir" ] || [ -L "$dir" ] || [ -d "$dir/.trikk" ] || fail "$dir is there already, and trikk did not make it: move it away"
mkdir "$tree/.trikk"
if [ -e "$dir" ] || [ -L "$dir" ]; then
	[ -L "$dir" ] || keepedits "$dir" "$release"
	mv -T "$dir" "$releases/.$release.old.$$"
fi
mv -T "$tree" "$dir"
[ ! -e "$releases/.$release.old.$$" ] || discard "$releases/.$release.old.$$"
