set -eu
root=/srv/hello
file=3f2a3f2a3f2a-hello-1.0.tar.gz
url=https://repo.example.org/org/hello/1.0/hello-1.0.tar.gz
digest=3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a3f2a

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
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

# intact FILE: it has the digest that the plan names
intact() {
	command -v sha256sum >/dev/null || { found="not known: sha256sum is not installed on this server"; return 1; }
	[ -f "$1" ] || { found="that of no file"; return 1; }
	found=$(sha256sum <"$1") || return 1
	found=${found%% *}
	[ "$found" = "$digest" ] || { found="$found, not $digest"; return 1; }
}
user=ci
unset password
password=$trikk_secret_auth_59f8a69d

case $password in
*'
'*) fail "the password for $url holds a line end" ;;
esac
# The password goes through a configuration, never into an argument list.
quoted() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
curl_config() { printf 'user = "%s:%s"\n' "$(quoted "$user")" "$(quoted "$password")"; }
wget_config() { printf 'header = Authorization: Basic %s\n' "$(printf '%s:%s' "$user" "$password" | base64 | tr -d '\n')"; }

unset http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY

with_curl() {
	answer=$(curl_config | curl --config - --silent --show-error --location --max-redirs 10 --globoff --noproxy '*' --proto =http,https \
		--connect-timeout 10 --speed-limit 1 --speed-time 60 ${on:+--continue-at -} --output "$part" --write-out '\nHTTP %{http_code}\n' --url "$url" 2>&1) || code=$?
	status=$(printf '%s\n' "$answer" | sed -n 's|^HTTP \([0-9]*\)$|\1|p')
}

with_wget() {
	at=$url hops=0 rest=${url#*://}
	origin=${url%%://*}://${rest%%/*}
	while :; do
		code=0
		(
			umask 077
			case $at in
			"$origin"/*) wget_config ;;
			esac >"$part.rc"
		)
		answer=$(LC_ALL=C wget --config="$part.rc" --no-verbose --server-response --tries=1 --no-proxy --max-redirect=0 \
			--connect-timeout=10 --read-timeout=60 ${on:+--continue} --output-document="$part" -- "$at" 2>&1) || code=$?
		rm -f "$part.rc"
		status=$(printf '%s\n' "$answer" | sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' | tail -n 1)
		case $status in
		30[12378]) ;;
		*) return 0 ;;
		esac
		hops=$((hops + 1))
		[ "$hops" -le 10 ] || return 0
		next=$(printf '%s\n' "$answer" | sed -n 's|^ *[Ll]ocation: *\([^ ]*\).*|\1|p' | tail -n 1 | tr -d '\r')
		case $next in
		http://* | https://*) at=$next ;;
		/*) rest=${at#*://} && at=${at%%://*}://${rest%%/*}$next ;;
		*) at=${at%/*}/$next ;;
		esac
	done
}

cache=$root/.trikk/cache
part=$cache/.$file.part
if intact "$cache/$file"; then
	same "$file is in the cache"
fi
umask 022
place "$cache"

keep=
trap 'rm -f "$part.rc"; [ -n "$keep" ] || rm -f "$part" "$part.from"' EXIT
trap 'exit 129' HUP INT TERM
for left in "$cache"/.*.part "$cache"/.*.part.from "$cache"/.*.part.rc; do
	case $left in
	"$part" | "$part.from") ;;
	*) rm -f "$left" ;;
	esac
done

length() { wc -c 2>/dev/null <"$part" || echo 0; }

download() {
	code=0
	keep=${digest:+yes}
	if command -v curl >/dev/null; then
		with_curl
	elif command -v wget >/dev/null; then
		with_wget
	else
		keep=
		fail "neither curl nor wget is installed on this server: install one of them, or set fetch: \"controller\" in the artifact"
	fi
}

# unreached: the repository was not asked at all
unreached() {
	case $code:$answer in
	[567]:* | 4:*refused* | 4:*'unable to resolve'*) return 0 ;;
	esac
	return 1
}

# resumed: the part is whole now, or more of it came, or nobody could be asked for more
resumed() {
	if intact "$part"; then
		code=0 status=206 answer=
		return 0
	fi
	had=$(length)
	download
	case $status in
	206)
		[ "$code" = 0 ] || { [ "$(length)" -gt "$had" ] && return 0; }
		intact "$part"
		;;
	'' | 000) unreached ;;
	*) return 1 ;;
	esac
}

on=
if [ -n "${digest:-}" ] && [ -s "$part" ] && [ "$(cat "$part.from" 2>/dev/null)" = "$url $digest" ]; then
	on=yes keep=yes
	resumed || on=
fi
if [ -z "$on" ]; then
	rm -f "$part" "$part.from"
	[ -z "${digest:-}" ] || { printf '%s\n' "$url $digest" >"$part.from"; } 2>/dev/null || :
	download
fi
why=$(because "$(printf '%s\n' "$answer" | grep -v -e '^ *$' -e '^HTTP [0-9]*$')")
case $status:$code in
2??:0) keep= ;;
2??:23 | 2??:3) keep= ;; # it can't be written
2??:*) [ -s "$part" ] || keep= ;;
:* | 000:*) [ -n "$on" ] || keep= ;;
*) keep= ;;
esac
case $status in
2??) [ "$code" = 0 ] || fail "fetching $url broke off: $why${keep:+ (the next fetch goes on after $(length) bytes)}" ;;
401 | 403) fail "fetching $url: the repository answered $status: it wants other credentials (see auth in the artifact)" ;;
404 | 410) fail "fetching $url: the repository answered $status: there is no such artifact" ;;
'' | 000) fail "fetching $url failed: $why" ;;
*) fail "fetching $url: the repository answered $status" ;;
esac

[ -f "$part" ] || : >"$part"

case $(tr -d '\000\011-\015 \357\273\277' <"$part" | head -c 64 | tr '[:upper:]' '[:lower:]') in
'<!doctypehtml'* | '<html'*) fail "fetching $url: the answer is an HTML page, not $file (a login page?)" ;;
esac

intact "$part" || fail "fetching $url: the digest or size is $found; nothing was kept"
mv -f "$part" "$cache/$file"
