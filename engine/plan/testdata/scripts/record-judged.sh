set -eu
root=/srv/hello
release=1.0-3f2a8b1c

mark=$root/.trikk/trial
[ "$(cat "$mark" 2>/dev/null)" = "$release" ] || same "$release is not on trial"
rm -f "$mark" || fail "$(id -un) can't remove $mark"
