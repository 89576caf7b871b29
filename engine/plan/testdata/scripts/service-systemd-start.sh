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
