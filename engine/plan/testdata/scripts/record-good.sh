set -eu
root=/srv/hello
release=1.0-3f2a8b1c
plan=20260101-1

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

umask 022
[ -f "$root/releases/$release/.trikk/manifest.json" ] || fail "$root/releases/$release is not complete: it can't be good"
place "$root/.trikk/good"
mark=$root/.trikk/good/$release
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$plan" ]; then
	same "$release is recorded already"
fi
new=$root/.trikk/good.$release.new
printf '%s\n' "$plan" >"$new" || fail "$(id -un) can't write $new"
sync "$new" 2>/dev/null || sync
mv -fT "$new" "$mark"
