package plan

const shReload = `
status=0
/bin/sh -c "$command" </dev/null || status=$?
[ "$status" = 0 ] || fail "the proxy's reload ended with status $status: $command"
`

// RuntimeTool sends $2 to the socket $1 with a tool of the host, and says by its exit status why it can't: 90 no socket, 91 not a socket,
// 92 no permission, 93 no tool. It ends where the socket's answer ends.
const RuntimeTool = `case $1 in
/*)
	[ -e "$1" ] || exit 90
	[ -S "$1" ] || exit 91
	[ -w "$1" ] || exit 92
	if command -v socat >/dev/null 2>&1; then printf '%s' "$2" | exec socat -t 10 - "UNIX-CONNECT:$1"
	elif command -v nc >/dev/null 2>&1; then printf '%s' "$2" | exec nc -U "$1"
	else exit 93; fi ;;
*)
	if command -v socat >/dev/null 2>&1; then printf '%s' "$2" | exec socat -t 10 - "TCP:$1"
	elif command -v nc >/dev/null 2>&1; then printf '%s' "$2" | exec nc "${1%:*}" "${1##*:}"
	else exit 93; fi ;;
esac`

// shRuntime talks to HAProxy. It needs $socket.
const shRuntime = `
# runtime COMMAND: the answer of HAProxy's runtime socket
runtime() {
	(
		set -- "$socket" "$1
"
` + RuntimeTool + `
	)
}

# asked COMMAND: the answer, in $answer
asked() {
	code=0
	answer=$(runtime "$1" 2>&1) || code=$?
	case $code in
	0) ;;
	90) fail "there is no socket $socket: is haproxy running, and may $(id -un) enter its directory?" ;;
	91) fail "$socket is not a socket" ;;
	92) fail "$(id -un) may not use the socket $socket" ;;
	93) fail "neither socat nor nc is on this host, to read the state of haproxy's servers from $socket: install one" ;;
	*) fail "haproxy does not answer at $socket: $answer" ;;
	esac
}

# told NAME: a value of the answer to show info
told() { printf '%s\n' "$answer" | sed -n "s/^$1: //p"; }
`

// shState writes the servers' state, and sees to it that the file holds none in the end. It needs $state and shRuntime. Columns are those of
// version 1 of HAProxy's state file; of srv_admin_state 1 is maintenance and 8 is drain by somebody's word.
const shState = `
none='1
# written by trikk: servers are held out over its own reloads only'

# keep TEXT: replaces the state file
keep() {
	printf '%s\n' "$1" >"$state.trikk" && mv -f "$state.trikk" "$state" || fail "$(id -un) can't write $state (give its directory to $(id -un))"
}

# held: what to tell HAProxy so that it holds out who is held out by the answer to show servers state
held() {
	printf '%s\n' "$answer" | while read -r _ backend _ server _ _ admin weight initial _; do
		case $admin in '' | *[!0-9]*) continue ;; esac
		if [ $((admin & 1)) != 0 ]; then
			echo "$backend/$server state maint"
		elif [ $((admin & 8)) != 0 ]; then
			echo "$backend/$server state drain"
		fi
		[ "$weight" != 0 ] || [ "$initial" = 0 ] || echo "$backend/$server weight 0"
	done
}

[ ! -d "$state" ] || fail "$state is a directory"
umask 022
asked 'show info'
was=$(told Pid) age=$(told Uptime_sec)
asked 'show servers state'
case $answer in
'1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight '*) ;;
*) fail "haproxy tells the state of its servers in a form that is not known: $(printf '%s\n' "$answer" | head -n 1)" ;;
esac
before=$(held)
trap 'keep "$none"' EXIT
trap 'exit 1' HUP INT TERM
keep "$answer"
`

// shTaken waits until another process serves, which has read the file then, and looks whether it holds out who was held out. It needs
// shState.
const shTaken = `
# newer: another process answers than before the reload
newer() {
	answer=$(runtime 'show info' 2>/dev/null) || return 1
	pid=$(told Pid)
	[ -n "$pid" ] || return 1
	[ "$pid" != "$was" ] || [ "$(told Uptime_sec)" -lt "$age" ] 2>/dev/null
}

looks=0
until newer; do
	looks=$((looks + 1))
	[ "$looks" -lt 28 ] || fail "haproxy is still process $was, some 20 s after a reload that ended well: $command"
	if [ "$looks" -lt 10 ]; then sleep 0.2; else sleep 1; fi
done
asked 'show servers state'
after=$(held) lost=
while read -r server what; do
	[ -n "$server" ] || continue
	case "
$after" in
*"
$server ${what%% *} "*) continue ;;
	esac
	case $(runtime "set server $server $what" 2>&1) in
	'No such'*) ;;
	*) lost="$lost $server" ;;
	esac
done <<EOF
$before
EOF
[ -z "$lost" ] || fail "haproxy forgot at the reload that somebody holds these servers out, and was told again:$lost; write server-state-file $state in its global section and load-server-state-from-file global in its defaults"
`
