package proxy

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// realInclude is a program on loopback with one backend, app, whose servers b1, b2, … are in a file that trikk changes.
type realInclude struct {
	dir, file, url string
	point          plan.Point
}

func (n *realInclude) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (n *realInclude) servers(t *testing.T) string {
	t.Helper()
	return contents(t, filepath.Join(n.dir, n.file))
}

// comesAndGoes: a server leaves by a reload, a request in flight ends before the drain does, nothing is sent there meanwhile, and it
// comes back; the file is then as it was. All servers may be out.
func (n *realInclude) comesAndGoes(t *testing.T, first *slowApp) {
	t.Helper()
	was := n.servers(t)
	hosts, p := everywhere{&local{home: n.dir}}, n.point
	op := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	if err := Preflight(t.Context(), hosts, p); err != nil {
		t.Fatal(err)
	}
	isIn(t, hosts, op)
	answers := []<-chan answer{fetching(n.url+"/slow", ""), fetching(n.url+"/slow", "")}
	if !within(5*time.Second, func() bool { return first.slow.Load() > 0 }) {
		t.Fatal("the requests did not arrive")
	}
	drainBusy(t, hosts, p, time.Second)
	for _, c := range answers {
		if a := <-c; a.err != nil {
			t.Error(a.err)
		}
	}
	only(t, n.url, "", "b2")
	isOut(t, hosts, p)
	if changed, err := draining(t.Context(), hosts, drainOp(p), nil); changed || err != nil {
		t.Errorf("a second drain: changed %v, %v", changed, err)
	}
	other := p
	other.Member, other.Server = "b2", "app2"
	if changed, err := draining(t.Context(), hosts, drainOp(other), nil); !changed || err != nil {
		t.Errorf("the last one: changed %v, %v", changed, err)
	}
	if got, err := fetch(n.url, ""); err == nil {
		t.Errorf("without a server, it answers %q", got)
	}
	back := plan.AdmitOp{Points: []plan.Point{other}, Deadline: op.Deadline}
	if changed, err := Admit(t.Context(), hosts, back, nil); !changed || err != nil {
		t.Errorf("admit the last one: changed %v, %v", changed, err)
	}
	if changed, err := Admit(t.Context(), hosts, op, nil); !changed || err != nil {
		t.Errorf("admit: changed %v, %v", changed, err)
	}
	if text := n.servers(t); text != was {
		t.Errorf("the file is left as\n%s", text)
	}
}

// isCutShort: a change that died before its reload leaves one server in doubt, keeps nobody from planning, and is made again by what drains
// or admits the server.
func (n *realInclude) isCutShort(t *testing.T, dies include) {
	t.Helper()
	hosts, p := everywhere{&local{home: n.dir}}, n.point
	other := p
	other.Member, other.Server = "b2", "app2"
	admit := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	was := n.servers(t)
	dies.reload = "true"
	says := func(when, first, second string) {
		t.Helper()
		for at, want := range map[plan.Point]string{p: first, other: second} {
			if s, err := Read(t.Context(), hosts, at); err != nil || s.State != want {
				t.Errorf("%s: %s is %+v, %v", when, at.Member, s, err)
			}
			if err := Preflight(t.Context(), hosts, at); err != nil {
				t.Errorf("%s: %v", when, err)
			}
		}
	}
	for _, change := range []struct {
		when string
		cut  func(context.Context, Hosts, plan.Point) error
		lost bool // it died before the servers were written
		mend func(context.Context, Hosts, plan.Point, func(string)) (bool, error)
		then string
	}{
		{"a drain before its reload", dies.Out, false, drainHere, plan.RotationOut},
		{"an admit before its reload", dies.In, false, admitHere, plan.RotationIn},
		{"a drain between its files", dies.Out, true, drainHere, plan.RotationOut},
		{"an admit between its files", dies.In, true, admitHere, plan.RotationIn},
	} {
		before := n.servers(t)
		if err := change.cut(t.Context(), hosts, p); err != nil {
			t.Fatal(err)
		}
		if change.lost {
			n.write(t, n.file, before)
		}
		says(change.when, plan.RotationUnsettled, plan.RotationIn)
		if changed, err := change.mend(t.Context(), hosts, p, nil); !changed || err != nil {
			t.Errorf("%s: mended %v, %v", change.when, changed, err)
		}
		says(change.when+", mended", change.then, plan.RotationIn)
		if change.then == plan.RotationOut {
			only(t, n.url, "", "b2")
		}
	}
	isIn(t, hosts, admit)
	if text := n.servers(t); text != was {
		t.Errorf("the file is left as\n%s", text)
	}
}

func drainHere(ctx context.Context, hosts Hosts, p plan.Point, report func(string)) (bool, error) {
	return draining(ctx, hosts, drainOp(p), report)
}

func admitHere(ctx context.Context, hosts Hosts, p plan.Point, report func(string)) (bool, error) {
	return Admit(ctx, hosts, plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}, report)
}
