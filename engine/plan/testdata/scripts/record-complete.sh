set -eu
root=/srv/hello
release=1.0-3f2a8b1c
manifest='{"app":"hello","release":"1.0-3f2a8b1c","version":"1.0","artifact":"sha256:3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a","digest":"sha256:3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a"}'

dir=$root/releases/$release
mark=$dir/.trikk/manifest.json
umask 022
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$manifest" ]; then
	same "$release is complete already"
fi
why=$( { mkdir -p "$dir/.trikk" && printf '%s\n' "$manifest" >"$mark.new"; } 2>&1) || fail "$(id -un) can't write $mark: $why"
sync "$mark.new" 2>/dev/null || sync
mv -fT "$mark.new" "$mark"
