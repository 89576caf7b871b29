set -eu
root=/srv/hello
name=current
release=1.0-3f2a8b1c

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

link=$root/$name
linked=$root/.trikk/linked
if [ -e "$link" ] && [ ! -L "$link" ]; then
	fail "$link is no link: move it away (mv $link $link.old) and apply again"
fi

target=releases/$release
[ -f "$root/$target/.trikk/manifest.json" ] || fail "$root/$target is not complete: it can't become $name"
umask 022
place "$root/.trikk"
# record RELEASE...: a line each; what can't be recorded is not claimed, and does not keep anybody from going back
record() {
	{ printf '%s\n' "$@" >"$linked.new" && mv -fT "$linked.new" "$linked"; } 2>/dev/null || rm -f "$linked"
}
before=$(readlink "$link" || :)
if [ "$before" = "$target" ]; then
	[ "$(cat "$linked" 2>/dev/null)" = "$release" ] || record "$release"
	same "$name is $release already"
fi
new=$root/.$name.trikk
trap 'rm -f "$new"' EXIT
rm -f "$new"
ln -s "$target" "$new" || fail "$(id -un) can't write to $root"
record "$release" "${before##*/}"
mv -T "$new" "$link"
record "$release"
