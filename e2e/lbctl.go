//go:build linux

package e2e

// LBCtl is a command that drives HAProxy over its socket, as an administrator would write one.
const LBCtl = `#!/bin/sh
# lbctl drain|drained|admit|admitted BACKEND SERVER
ask() { echo "$1" | socat - UNIX-CONNECT:` + HAProxySocket + `; }
# state: how many requests the server has, and its status
state() {
	ask "show stat -1 4 -1" | awk -F, -v backend="$backend" -v server="$server" '
		NR == 1 { sub(/^# /, ""); for (i = 1; i <= NF; i++) at[$i] = i }
		NR > 1 && $at["pxname"] == backend && $at["svname"] == server { print $at["scur"] + $at["qcur"], $at["status"] }'
}
backend=$2 server=$3
case $1 in
drain) ask "set server $backend/$server state drain" ;;
admit) ask "set server $backend/$server state ready" ;;
drained) case $(state) in "0 DRAIN" | "0 DOWN" | "0 MAINT") ;; *) exit 1 ;; esac ;;
admitted) case $(state) in *" UP") ;; *) exit 1 ;; esac ;;
esac
`
