set -eu
unit=hello.service
seconds=30

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
