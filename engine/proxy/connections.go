package proxy

// shConnections counts this host's connections to a server, by all the addresses that its name has. ss itself takes a name for its IPv4
// address alone.
const shConnections = `
# connections ADDRESS: how many are open to HOST:PORT or HOST; it fails where they can't be counted
connections() {
	command -v ss >/dev/null 2>&1 || { echo "ss is not installed"; return 127; }
	server=$1 port=80
	case $server in
	unix:*) echo "$server is a socket"; return 1 ;;
	*]) ;;
	*:*) port=${server##*:} server=${server%:*} ;;
	esac
	server=${server#\[} server=${server%\]}
	case $server in
	*:*) all=$server ;;
	*[!0-9.]*) all=$(getent ahosts "$server" | sed 's/ .*//' | sort -u) ;;
	*) all=$server ;;
	esac
	[ -n "$all" ] || { echo "$server has no address"; return 1; }
	total=0
	for one in $all; do
		case $one in
		*:*) one="[$one]" ;;
		esac
		list=$(ss -Htn state established dst "$one:$port" 2>&1) || { echo "$list"; return 1; }
		[ -z "$list" ] || total=$((total + $(printf '%s\n' "$list" | wc -l)))
	done
	echo "$total"
}
`
