set -eu
root=/srv/hello
current=current

# discard DIR: removes a tree; a link is removed, not followed
discard() {
	[ -L "$1" ] || [ ! -d "$1" ] || chmod -R u+rwX "$1" 2>/dev/null || :
	rm -rf "${1:?}"
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
	[ "$name" != "$last" ] || fail "refused to remove $name: it was proven good last"
done
for name do
	[ -e "$releases/$name" ] || [ -L "$releases/$name" ] || continue
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

for left in "$releases"/.*.unpack.* "$releases"/.*.old.* "$releases"/.*.pruned.*; do
	[ -e "$left" ] || [ -L "$left" ] || continue
	discard "$left"
	removed=yes
done
[ -n "$removed" ] || same "they are gone already"
