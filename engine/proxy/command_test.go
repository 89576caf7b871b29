package proxy

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"trikk.dev/engine/plan"
)

// byCommand is a point driven by commands that keep their state in files of the home.
func byCommand(c plan.Command) plan.Point {
	p := at("lb1")
	p.Driver = plan.Driver{Command: &c}
	return p
}

func fileCommands() plan.Command {
	return plan.Command{
		Drain:      `echo "drain $BACKEND $MEMBER $SERVER $ADDRESS" >>log && : >out`,
		IsDrained:  `[ -e out ]`,
		Admit:      `echo "admit $BACKEND $MEMBER $SERVER $ADDRESS" >>log && rm out`,
		IsAdmitted: `[ ! -e out ]`,
	}
}

// TestCommands: each command runs once, with its variables, and the is-commands are believed, not their exit.
func TestCommands(t *testing.T) {
	l := &local{home: t.TempDir()}
	p := byCommand(fileCommands())
	p.Member = "b1 'x'"
	if err := Preflight(t.Context(), everywhere{l}, p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if changed, err := draining(t.Context(), everywhere{l}, drainOp(p), nil); changed != want || err != nil {
			t.Errorf("drain: changed %v, %v", changed, err)
		}
	}
	for _, want := range []bool{true, false} {
		if changed, err := Admit(t.Context(), everywhere{l}, admitOp(p), nil); changed != want || err != nil {
			t.Errorf("admit: changed %v, %v", changed, err)
		}
	}
	got, err := os.ReadFile(filepath.Join(l.home, "log"))
	if err != nil || string(got) != "drain app b1 'x' app1 10.0.0.1\nadmit app b1 'x' app1 10.0.0.1\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestCommandStates: 0 is yes, 1 is no, and anything else is an error with its output.
func TestCommandStates(t *testing.T) {
	l := &local{home: t.TempDir()}
	for _, c := range []struct{ isDrained, isAdmitted, rotation, err string }{
		{"exit 0", "exit 1", plan.RotationOut, ""},
		{"exit 1", "exit 0", plan.RotationIn, ""},
		{"exit 1", "exit 1", plan.RotationUnknown, ""},
		{"exit 0", "exit 0", plan.RotationUnknown, ""},
		{"echo no route; exit 2", "exit 0", plan.RotationUnknown, "isDrained on lb1 (`echo no route; exit 2`) ended with status 2, which is neither 0 (yes) nor 1 (no): no route"},
		{"exit 1", "nosuchcommand", plan.RotationUnknown, "ended with status 127"},
	} {
		r, err := Read(t.Context(), everywhere{l}, byCommand(plan.Command{IsDrained: c.isDrained, IsAdmitted: c.isAdmitted}))
		if r.State != c.rotation || (err != nil) != (c.err != "") {
			t.Errorf("%s, %s: %+v, %v", c.isDrained, c.isAdmitted, r, err)
		}
		if c.err != "" {
			if err := wants(err, c.err); err != nil {
				t.Error(err)
			}
		}
	}
	if err := wants(Preflight(t.Context(), everywhere{l}, byCommand(plan.Command{IsDrained: "true", IsAdmitted: "true"})), "contradict"); err != nil {
		t.Error(err)
	}
}

// TestCommandsThatFailOrLie: a failing command ends the drain at once; one that does nothing misses the deadline.
func TestCommandsThatFailOrLie(t *testing.T) {
	l := &local{home: t.TempDir()}
	c := fileCommands()
	c.Drain = "echo 'lb is locked' >&2; exit 3"
	if _, err := draining(t.Context(), everywhere{l}, drainOp(byCommand(c)), nil); wants(err, "ended with status 3: lb is locked") != nil {
		t.Error(err)
	}
	c.Drain = "true"
	op := drainOp(byCommand(c))
	op.Deadline = seconds(1)
	said := &log{}
	_, err := draining(t.Context(), everywhere{l}, op, said.add)
	if wants(err, "is not drained after 1s", "last seen: isAdmitted says yes") != nil {
		t.Error(err)
	}
	// Taking back a drain that never was must not leave anything behind; the admit command fails here, and that is said.
	if wants(err, "is left drained: admit on lb1") != nil {
		t.Error(err)
	}
}

// TestEveryDriverIsInTheTable: each key of plan.Driver has one row, and no key is an error.
func TestEveryDriverIsInTheTable(t *testing.T) {
	drivers := []plan.Driver{{HAProxy: &plan.HAProxy{}}, {HTTPD: &plan.HTTPD{}}, {Nginx: &plan.Nginx{}}, {Caddy: &plan.Caddy{}}, {Marker: &plan.Marking{}}, {Command: &plan.Command{}}}
	var names []string
	for i, d := range drivers {
		for j, r := range table() {
			if got := r.of(d) != nil; got != (i == j) {
				t.Errorf("row %s knows driver %d: %v", r.name, i, got)
			}
		}
		names = append(names, table()[i].name)
	}
	if !slices.Equal(names, []string{"haproxy", "httpd", "nginx", "caddy", "marker", "command"}) || len(table()) != len(drivers) {
		t.Errorf("%q", names)
	}
	if _, err := Read(t.Context(), fleet{}, plan.Point{Proxy: "lb1"}); wants(err, "proxy lb1 has no driver") != nil {
		t.Error(err)
	}
}
