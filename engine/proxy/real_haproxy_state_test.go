package proxy

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// TestRealReloadKeepsDrains: a server that somebody else drained stays drained over a reload by trikk, and what it wrote for that holds
// nobody out at a later reload.
func TestRealReloadKeepsDrains(t *testing.T) {
	t.Parallel()
	r := startReal(t, "")
	op := plan.Reload{Command: fmt.Sprintf("kill -USR2 %d", r.master.Pid), Socket: r.socket, StateFile: r.dir + "/state"}
	r.point.Driver.HAProxy.StateFile = op.StateFile
	somebody := haproxy{socket: r.socket}

	r.configure(t, "global\n", "global\n  server-state-file "+op.StateFile+"\n")
	r.reload(t)
	if err := wants(Preflight(t.Context(), r.hosts, r.point), "would not keep its servers' state", "load-server-state-from-file global is not in its defaults"); err != nil {
		t.Error(err)
	}
	if err := somebody.Out(t.Context(), r.hosts, r.point); err != nil {
		t.Fatal(err)
	}
	if err := wants(r.run(t, op), "was told again: app/b1; write server-state-file "+op.StateFile); err != nil {
		t.Error(err)
	}
	r.until(t, "b1 is drained again", func() bool { return r.state(t).Rotation == plan.RotationOut })

	r.configure(t, "\nbackend app\n", "\nbackend app\n  load-server-state-from-file global\n")
	r.reload(t)
	r.until(t, "b1 is back", func() bool { return r.state(t).Rotation == plan.RotationIn })
	if err := Preflight(t.Context(), r.hosts, r.point); err != nil {
		t.Error(err)
	}
	for file, want := range map[string]string{
		"/none/state":    "/none is not there, or",
		r.dir:            "it is a directory",
		r.dir + "/other": "server-state-file " + r.dir + "/other is not in its global section",
	} {
		p := r.point
		p.Driver.HAProxy = &plan.HAProxy{Socket: r.socket, StateFile: file}
		if err := wants(Preflight(t.Context(), r.hosts, p), "would not keep its servers' state over a reload, in "+file+": "+want); err != nil {
			t.Error(err)
		}
	}
	for _, hold := range []func() error{
		func() error { return somebody.Out(t.Context(), r.hosts, r.point) },
		func() error { return somebody.Force(t.Context(), r.hosts, r.point) },
	} {
		if err := hold(); err != nil {
			t.Fatal(err)
		}
		if err := r.run(t, op); err != nil {
			t.Fatal(err)
		}
		if s := r.state(t); s.Rotation != plan.RotationOut {
			t.Errorf("after the reload: %+v", s)
		}
		only(t, r.url, "", "b2")
	}
	if _, err := Admit(t.Context(), r.hosts, plan.AdmitOp{Points: []plan.Point{r.point}, Deadline: plan.Duration(10 * time.Second)}, nil); err != nil {
		t.Fatal(err)
	}
	r.reload(t)
	both(t, r.url)
}

// configure replaces one text of the configuration.
func (r *real) configure(t *testing.T, before, after string) {
	t.Helper()
	text, err := os.ReadFile(r.config)
	if err != nil || !strings.Contains(string(text), before) {
		t.Fatal(err, string(text))
	}
	if err := os.WriteFile(r.config, []byte(strings.Replace(string(text), before, after, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs the op on the proxy's host.
func (r *real) run(t *testing.T, op plan.Op) error {
	t.Helper()
	h, err := r.hosts.Host(t.Context(), "lb1")
	if err != nil {
		t.Fatal(err)
	}
	record, err := runStep(t.Context(), h, "", host.ScriptStep{ID: "reload", Text: op.Script()})
	if err == nil && record.Exit != 0 {
		err = fmt.Errorf("exit status %d: %s", record.Exit, record.Output)
	}
	return err
}
