set -eu
staged=3f2a3f2a3f2a-hello-1.0.tar.gz
staged="$HOME"/.trikk-incoming/$staged
owner() { sudo -n -H -u itas /bin/sh -c "$1"; }
check='set -eu
root="$HOME"/hello
file=3f2a3f2a3f2a-hello-1.0.tar.gz
digest=3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a

# intact FILE: it has the digest that the plan names
intact() {
	command -v sha256sum >/dev/null || { found="not known: sha256sum is not installed on this server"; return 1; }
	[ -f "$1" ] || { found="that of no file"; return 1; }
	found=$(sha256sum <"$1") || return 1
	found=${found%% *}
	[ "$found" = "$digest" ] || { found="$found, not $digest"; return 1; }
}
intact "$root/.trikk/cache/$file"
'
put='set -eu
root="$HOME"/hello
file=3f2a3f2a3f2a-hello-1.0.tar.gz
digest=3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a

# intact FILE: it has the digest that the plan names
intact() {
	command -v sha256sum >/dev/null || { found="not known: sha256sum is not installed on this server"; return 1; }
	[ -f "$1" ] || { found="that of no file"; return 1; }
	found=$(sha256sum <"$1") || return 1
	found=${found%% *}
	[ "$found" = "$digest" ] || { found="$found, not $digest"; return 1; }
}

# because WORDS: the reason in what a tool printed, in one line, a full disk above all; $5 is what df calls available, in kB
because() {
	set -- "$1" $(df -Pk "$root" 2>/dev/null | tail -n 1)
	if [ "${5:-64}" -lt 64 ] 2>/dev/null; then
		echo "the disk of $root is full"
		return
	fi
	case $1 in
	*'\''No space left'\''* | *'\''disk full'\''* | *'\''quota exceeded'\''*) echo "the disk of $root is full, or has no inodes left" ;;
	*'\''signature not found'\''*) echo "it is no zip archive, or a part of it is missing" ;;
	*) printf '\''%s\n'\'' "$1" | grep -v -e '\''^tar: Exiting with failure'\'' -e '\''^tar: Error is not recoverable'\'' | tail -n 3 | tr -s '\'' \n'\'' '\'' '\'' | sed '\''s/ $//'\'' ;;
	esac
}

umask 022
cache=$root/.trikk/cache
part=$cache/.$file.part
mkdir -p "$cache" && [ -w "$cache" ] || { echo "$(id -un) may not write to $cache (give $root to $(id -un))"; exit 1; }
why=$(cat 2>&1 >"$part") || { because "$why"; rm -f "$part"; exit 1; }
intact "$part" || { rm -f "$part"; echo "the digest or size is $found; nothing was kept"; exit 1; }
mv -f "$part" "$cache/$file"
'

if owner "$check" 2>/dev/null; then
	rm -f "$staged"
	same "it is in the cache"
fi
[ -f "$staged" ] || fail "$staged is not there: upload it first"
why=$(owner "$put" <"$staged" 2>&1) || { rm -f "$staged" 2>/dev/null || :; fail "taking $staged into the cache: $why"; }
rm -f "$staged"
