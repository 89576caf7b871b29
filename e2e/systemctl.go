//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// systemctl stands in for systemd, which is not process 1 here. A unit is a file with USER, DIR and EXEC; start and stop
// really start and stop a process, and every changing call is recorded.
const systemctl = `#!/bin/sh
units=/srv/systemd/units
state=/srv/systemd/state
log=/srv/systemd/calls
verb=$1
shift
while [ $# -gt 1 ]; do
	case $1 in
	-p) property=$2; shift 2 ;;
	*) shift ;;
	esac
done
unit=${1%.service}.service
file=$units/$unit
pid=$(cat "$state/$unit.pid" 2>/dev/null)
alive() { [ -n "$pid" ] && [ -d "/proc/$pid" ]; }

case $verb in
is-active)
	if alive; then echo active; else echo inactive; exit 3; fi ;;
show)
	case $property in
	LoadState) if [ -f "$file" ]; then echo LoadState=loaded; else echo LoadState=not-found; fi ;;
	MainPID) if alive; then echo "MainPID=$pid"; else echo MainPID=0; fi ;;
	*) echo "$property=" ;;
	esac ;;
start)
	[ "$(id -u)" = 0 ] || { echo "Interactive authentication required." >&2; exit 1; }
	mkdir -p "$state"
	echo "start $unit" >>"$log"
	[ -f "$file" ] || { echo "Unit $unit not found." >&2; exit 5; }
	alive && exit 0
	. "$file"
	cd -P "$DIR" || exit 1
	setsid setpriv --reuid="$USER" --regid="$USER" --init-groups /bin/sh -c "exec $EXEC" </dev/null >>"$state/$unit.log" 2>&1 3>&- 4>&- &
	echo $! >"$state/$unit.pid" ;;
stop)
	[ "$(id -u)" = 0 ] || { echo "Interactive authentication required." >&2; exit 1; }
	echo "stop $unit" >>"$log"
	[ -f "$file" ] || { echo "Unit $unit not loaded." >&2; exit 5; }
	alive && kill "$pid"
	n=0
	while alive && [ "$n" -lt 100 ]; do sleep 0.05; n=$((n + 1)); done
	rm -f "$state/$unit.pid" ;;
status) tail -n 20 "$state/$unit.log" ;;
*) echo "systemctl: $verb is not known to this stand-in" >&2; exit 9 ;;
esac
`

// Unit is a systemd unit on a machine.
type Unit struct {
	Name string // with .service
	Dir  string // the working directory
	Exec string // a shell command in the foreground
}

// AddUnit writes a unit, run by the app user, where the stand-in for systemd finds it.
func (m *Machine) AddUnit(t testing.TB, u Unit) {
	t.Helper()
	text := fmt.Sprintf("USER=%s\nDIR=%s\nEXEC='%s'\n", AppUser, u.Dir, u.Exec)
	if err := m.WriteFile("/srv/systemd/units/"+u.Name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = m.Try("systemctl stop " + u.Name + "; rm -rf /srv/systemd") })
}

// UnitCalls are the changing calls of systemctl so far: "start hello.service", ….
func (m *Machine) UnitCalls() []string {
	return strings.Split(strings.TrimSpace(m.Read("/srv/systemd/calls")), "\n")
}
