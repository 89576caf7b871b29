set -eu
root=/srv/hello
path=config/disabled
marker=$root/shared/$path

[ ! -d "$marker" ] || fail "$marker is a directory"
[ -e "$marker" ] || [ -L "$marker" ] || same "$path is not there"
rm -f "$marker" || fail "$(id -un) can't remove $marker"
