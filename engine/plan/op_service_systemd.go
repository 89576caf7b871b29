package plan

// systemd is the script for a unit. Only the changing commands go through sudo, so sudoers can name them exactly.
func (s ServiceOp) systemd(u Systemd) string {
	rest := shSystemdStart
	if s.Action == Stop {
		rest = shSystemdStop
	}
	return script(let("unit", u.Unit), let("seconds", seconds(u.Timeout)), shSystemd, rest)
}

const shSystemd = `
command -v systemctl >/dev/null || fail "systemctl is not installed on this server"
state() { systemctl is-active "$unit" 2>/dev/null || :; }
# control VERB: changes the unit
control() {
	if [ "$(id -u)" = 0 ]; then
		set -- systemctl "$1" "$unit"
	else
		set -- sudo -n systemctl "$1" "$unit"
	fi
	why=$("$@" 2>&1) || fail "$* failed for $(id -un): $why"
}
deadline=$(($(date +%s) + seconds))
late() { [ "$(date +%s)" -ge "$deadline" ]; }
`

const shSystemdStart = `
case $(state) in
active | reloading) same "$unit is active already" ;;
esac
control start
while now=$(state) && [ "$now" != active ]; do
	if late || [ "$now" = failed ] || [ "$now" = inactive ]; then
		systemctl status --no-pager --lines=20 "$unit" 2>&1 || :
		fail "$unit is $now after its start (waited at most $seconds s)"
	fi
	sleep 0.2
done
`

const shSystemdStop = `
case $(state) in
inactive | failed | unknown | '') same "$unit does not run" ;;
esac
control stop
while :; do
	now=$(state)
	case $now in
	inactive | failed | unknown | '') break ;;
	esac
	! late || fail "$unit is still $now $seconds s after its stop"
	sleep 0.2
done
`
