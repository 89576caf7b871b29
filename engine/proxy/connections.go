package proxy

// shConnections looks at this host's connections to a server, by all the addresses that its name has. ss itself takes a name for its
// IPv4 address alone.
const shConnections = `
# established ADDRESS OPTION: what ss prints of those that are open to HOST:PORT or HOST; it fails where it can't know
established() {
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
	for one in $all; do
		case $one in
		*:*) one="[$one]" ;;
		esac
		ss "$2" state established dst "$one:$port" 2>&1 || return 1
	done
}
# connections ADDRESS: how many they are
connections() {
	list=$(established "$1" -Htn) || { why=$?; echo "$list"; return "$why"; }
	if [ -z "$list" ]; then echo 0; else printf '%s\n' "$list" | wc -l; fi
}
`
