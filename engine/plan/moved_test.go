package plan_test

import (
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// cutOff is a deploy of 2.0 over 1.0 that stopped when app01 had its turn, as far as the facts and a machine know.
func cutOff(t *testing.T) (*fleet, plan.Plan, *plan.Machine) {
	t.Helper()
	app := hello("app01", "app02", "app03")
	app.Topology = shared("lb01")
	f := newFleet(3, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	p := f.with(app).plan(t)
	m := plan.NewMachine(p)
	part := p
	part.Apps = []plan.AppPlan{p.Apps[0]}
	part.Apps[0].Waves = p.Apps[0].Waves[:2]
	f = f.copy()
	if err := f.apply(part); err != nil {
		t.Fatal(err)
	}
	for wave := range 2 {
		walk(t, p, m, wave)
	}
	return f, p, m
}

// walk does a wave of the only app, with good ends.
func walk(t *testing.T, p plan.Plan, m *plan.Machine, wave int) {
	t.Helper()
	apply := func(e plan.Event) {
		if err := m.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	for {
		d := m.Decide()
		if len(d.Start) == 0 || d.Start[0].Wave != wave {
			return
		}
		r := d.Start[0]
		apply(plan.Event{Kind: plan.SegmentStarted, Ref: &r})
		seg, err := p.Segment(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range seg.Steps {
			apply(plan.Event{Kind: plan.StepFinished, Ref: &r, Result: &plan.Result{Step: s.ID, Status: plan.Changed}})
		}
		apply(plan.Event{Kind: plan.SegmentFinished, Ref: &r})
	}
}

func TestMoved(t *testing.T) {
	on := func(f *fleet, host string, change func(*plan.Installed)) {
		at := f.facts.Apps["hello"][host]
		change(&at)
		f.facts.Apps["hello"][host] = at
	}
	for name, tt := range map[string]struct {
		change func(f *fleet)
		want   string
	}{
		"nothing":              {func(*fleet) {}, ""},
		"switched back":        {func(f *fleet) { on(f, "app01", func(at *plan.Installed) { at.Current = "x" }) }, "hello on app01: current is x, the run left NEW"},
		"switched forth":       {func(f *fleet) { on(f, "app03", func(at *plan.Installed) { at.Current = "x" }) }, "hello on app03: current is x, the run left OLD"},
		"stopped":              {func(f *fleet) { on(f, "app01", func(at *plan.Installed) { at.Service = "inactive" }) }, "hello on app01: service is inactive, the run left active"},
		"drained":              {func(f *fleet) { f.rotate(f.apps[0], "app01", plan.RotationOut) }, "hello on app01: out at lb01, the run left it in"},
		"drained before":       {func(f *fleet) { f.rotate(f.apps[0], "app02", plan.RotationOut) }, "hello on app02: out at lb01, was in at lb01"},
		"removed":              {func(f *fleet) { on(f, "app02", func(at *plan.Installed) { at.Releases = at.Releases[:1] }) }, "hello on app02: NEW is not there any more"},
		"another one deployed": {func(f *fleet) { on(f, "app02", func(at *plan.Installed) { at.Cached = append(at.Cached, "x") }) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, p, m := cutOff(t)
			tt.change(f)
			var got []string
			for _, c := range plan.Moved(p, m.State(), f.facts) {
				got = append(got, c.String())
			}
			want := strings.NewReplacer("NEW", p.Apps[0].To, "OLD", p.Apps[0].From[0]).Replace(tt.want)
			if strings.Join(got, "\n") != want {
				t.Errorf("moved: %q, want %q", got, want)
			}
		})
	}
}

// A host whose turn is in hand is judged by its link alone: its steps find out the rest themselves.
func TestMovedLeavesWhatIsInHand(t *testing.T) {
	f, p, m := cutOff(t)
	r := m.Decide().Start[0]
	if err := m.Apply(plan.Event{Kind: plan.SegmentStarted, Ref: &r}); err != nil {
		t.Fatal(err)
	}
	f.rotate(f.apps[0], "app02", plan.RotationOut)
	at := f.facts.Apps["hello"]["app02"]
	at.Service = "inactive"
	f.facts.Apps["hello"]["app02"] = at
	for current, want := range map[string]string{p.Apps[0].From[0]: "", p.Apps[0].To: "", "x": "hello on app02: current is x, the run left " + p.Apps[0].From[0]} {
		at.Current = current
		f.facts.Apps["hello"]["app02"] = at
		got := ""
		for _, c := range plan.Moved(p, m.State(), f.facts) {
			got += c.String()
		}
		if got != want {
			t.Errorf("with %s as current moved: %q, want %q", current, got, want)
		}
	}
}
