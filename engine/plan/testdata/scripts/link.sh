set -eu
root=/srv/hello
name=current
release=1.0-3f2a8b1c

link=$root/$name
if [ -e "$link" ] && [ ! -L "$link" ]; then
	fail "$link is no link: move it away (mv $link $link.old) and apply again"
fi

target=releases/$release
[ -f "$root/$target/.trikk/manifest.json" ] || fail "$root/$target is not complete: it can't become $name"
if [ "$(readlink "$link" || :)" = "$target" ]; then
	same "$name is $release already"
fi
new=$root/.$name.trikk
trap 'rm -f "$new"' EXIT
rm -f "$new"
ln -s "$target" "$new" || fail "$(id -un) can't write to $root"
mv -T "$new" "$link"
