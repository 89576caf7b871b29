package proxy

import (
	"context"
	"testing"

	"trikk.dev/engine/plan"
)

// TestRealNginxCutShort: a change that died before its reload leaves one server in doubt, keeps nobody from planning, and is made again
// by what drains or admits the server.
func TestRealNginxCutShort(t *testing.T) {
	t.Parallel()
	n := startNginx(t, serve(t, &slowApp{name: "b1"}).URL, serve(t, &slowApp{name: "b2"}).URL)
	hosts, p := everywhere{&local{home: n.dir}}, n.point
	other := p
	other.Member, other.Server = "b2", "app2"
	admit := plan.AdmitOp{Points: []plan.Point{p}, Deadline: seconds(15)}
	was := n.servers(t)
	dies := nginx{*p.Driver.Nginx}
	dies.conf.Reload = "true"
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
			n.write(t, "app.servers", before)
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
