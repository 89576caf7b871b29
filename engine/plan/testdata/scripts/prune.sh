set -eu
root=/srv/hello
current=current
run=20260101-1

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

releases=$root/releases
cache=$root/.trikk/cache
good=$root/.trikk/good
removed=
live=$(readlink -f "$root/$current" || :)
last=
if [ -d "$good" ]; then
	last=$(cd "$good" && grep -H . -- * 2>/dev/null | sed 's/^\([^:]*\):\(.*\)$/\2 \1/' | LC_ALL=C sort | tail -n 1)
fi
last=${last##* }

# plain NAME: a file name that is neither hidden nor a path
plain() {
	case $1 in
	'' | .* | */*) fail "refused to remove '$1': it is no plain name" ;;
	esac
}

set -- 0.8-aa 0.9-bb

for name do
	plain "$name"
	if [ -n "$live" ] && [ "$(readlink -f "$releases/$name" || :)" = "$live" ]; then
		fail "refused to remove $name: it is $current"
	fi
	[ ! -e "$releases/$name" ] || [ -d "$releases/$name/.trikk" ] || fail "refused to remove $name: trikk did not make it"
	[ "$name" != "$last" ] || fail "refused to remove $name: it was proven good last"
done
for name do
	[ -e "$releases/$name" ] || [ -L "$releases/$name" ] || continue
	[ -L "$releases/$name" ] || keepedits "$releases/$name" "$name"
	mv -T "$releases/$name" "$releases/.$name.pruned.$$" || fail "$(id -un) can't remove $releases/$name"
	discard "$releases/.$name.pruned.$$"
	rm -f "$good/$name"
	removed=yes
done

set -- hello-0.8.tar.gz

for name do
	plain "$name"
done
for name do
	[ -e "$cache/$name" ] || continue
	rm -f "$cache/$name" || fail "$(id -un) can't remove $cache/$name"
	removed=yes
done

for left in "$releases"/.*.unpack.* "$releases"/.*.old.* "$releases"/.*.pruned.* "$cache"/.*.part "$cache"/.*.part.from; do
	[ -e "$left" ] || [ -L "$left" ] || continue
	discard "$left"
	removed=yes
done
[ -n "$removed" ] || same "they are gone already"
