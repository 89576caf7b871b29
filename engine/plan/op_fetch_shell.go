package plan

// credentials defines the two shell functions that write the configuration of curl and of wget, with the credentials.
func (f Fetch) credentials() string {
	switch {
	case f.Auth != nil && f.Auth.Basic != nil:
		return let("user", f.Auth.Basic.User) + take("password", f.secrets()) + shBasic
	case f.Auth != nil && f.Auth.Token != nil:
		return take("token", f.secrets()) + shToken
	}
	return shAnonymous
}

// take assigns a secret to a variable that no child inherits.
func take(name string, needed []Needed) string {
	return "unset " + name + "\n" + name + "=$" + needed[0].Variable + "\n"
}

const shAnonymous = `
curl_config() { :; }
wget_config() { :; }
`

const shBasic = `
case $password in
*'
'*) fail "the password for $url holds a line end" ;;
esac
# The password goes through a configuration, never into an argument list.
quoted() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
curl_config() { printf 'user = "%s:%s"\n' "$(quoted "$user")" "$(quoted "$password")"; }
wget_config() { printf 'header = Authorization: Basic %s\n' "$(printf '%s:%s' "$user" "$password" | base64 | tr -d '\n')"; }
`

const shToken = `
case $token in
*'
'*) fail "the token for $url holds a line end" ;;
esac
# The token goes through a configuration, never into an argument list.
quoted() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
curl_config() { printf 'header = "Authorization: Bearer %s"\n' "$(quoted "$token")"; }
wget_config() { printf 'header = Authorization: Bearer %s\n' "$token"; }
`

// shDownload leaves the answer's body in $part. curl sends credentials to the first host only; wget would send them
// wherever it is redirected to, so its redirects are followed here. wget reads its configuration from a file only: that is
// private, and gone when wget has ended.
const shDownload = `
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
` + shResume + `
[ -f "$part" ] || : >"$part"
`

// shResume leaves the whole body in $part. A part that was cut off is gone on with where it is of the same address and digest; without
// a digest nothing tells that two pieces are of one file. A part that turns out wrong, or that the repository can't go on with, is
// thrown away, and the fetch starts anew, once. $keep is set while a part is worth keeping; $on while one is gone on with.
const shResume = `
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
`

const shNoHTML = `
case $(tr -d '\000\011-\015 \357\273\277' <"$part" | head -c 64 | tr '[:upper:]' '[:lower:]') in
'<!doctypehtml'* | '<html'*) fail "fetching $url: the answer is an HTML page, not $file (a login page?)" ;;
esac
`

const shKeep = `
intact "$part" || fail "fetching $url: the digest or size is $found; nothing was kept"
mv -f "$part" "$cache/$file"
`

// shPut runs as the owner of the cache, in a shell of its own, with the staged file as its input.
const shPut = `
umask 022
cache=$root/.trikk/cache
part=$cache/.$file.part
mkdir -p "$cache" && [ -w "$cache" ] || { echo "$(id -un) may not write to $cache (give $root to $(id -un))"; exit 1; }
why=$(cat 2>&1 >"$part") || { because "$why"; rm -f "$part"; exit 1; }
intact "$part" || { rm -f "$part"; echo "the digest or size is $found; nothing was kept"; exit 1; }
mv -f "$part" "$cache/$file"
`

const shStaged = `
if owner "$check" 2>/dev/null; then
	rm -f "$staged"
	same "it is in the cache"
fi
[ -f "$staged" ] || fail "$staged is not there: upload it first"
why=$(owner "$put" <"$staged" 2>&1) || { rm -f "$staged" 2>/dev/null || :; fail "taking $staged into the cache: $why"; }
rm -f "$staged"
`
