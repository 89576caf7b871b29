package plan_test

import (
	"reflect"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

func TestSupposed(t *testing.T) {
	app := hello("app01", "app02")
	app.Standby, app.Marker, app.Version, app.Topology = []string{"app03"}, "config/disabled", "2.0", shared("lb01")
	f := newFleet(3, 1, haproxy)
	for _, c := range []struct {
		name  string
		is    plan.Supposed
		in    plan.Intent
		empty bool
		waves string
		says  string // a note or the refusal
	}{
		{name: "nothing", waves: "install, rotate 1/1, standby", says: "no digest is published"},
		{name: "a digest", is: plan.Supposed{Digest: true}, waves: "install, rotate 1/1, standby", says: "first release on app01, app02"},
		{name: "the same", is: plan.Supposed{Version: "2.0", Before: []string{"1.0"}}, empty: true},
		{name: "older", is: plan.Supposed{Version: "1.0"}, waves: "install, rotate 1/2, rotate 2/2, standby"},
		{name: "newer", is: plan.Supposed{Version: "3.0"}, waves: "install, rotate 1/2, rotate 2/2, standby", says: "the version goes down, from 3.0 to 2.0"},
		{name: "one is older", is: plan.Supposed{Version: "2.0", Servers: map[string]plan.SupposedServer{"app02": {Version: "1.0"}}}, waves: "install, rotate 1/1"},
		{name: "one has another config", is: plan.Supposed{Version: "2.0", Servers: map[string]plan.SupposedServer{"app02": {Release: "2.0-0badcafe"}}}, waves: "install, rotate 1/1"},
		{name: "one is out", is: plan.Supposed{Version: "2.0", Servers: map[string]plan.SupposedServer{"app02": {Rotation: "out"}}}, waves: "rotate 1/1"},
		{name: "one is stopped", is: plan.Supposed{Version: "2.0", Servers: map[string]plan.SupposedServer{"app02": {Service: "inactive"}}}, waves: "rotate 1/1"},
		{name: "back", is: plan.Supposed{Version: "2.0", Before: []string{"1.0"}}, in: plan.Intent{Kind: plan.Rollback}, waves: "rotate 1/2, rotate 2/2, standby"},
		{name: "no way back", is: plan.Supposed{Version: "2.0"}, in: plan.Intent{Kind: plan.Rollback}, says: "no earlier good release"},
		{name: "one is gone", is: plan.Supposed{Servers: map[string]plan.SupposedServer{"app02": {Unreachable: true}}}, says: "app02 can't be reached"},
		{name: "a wrong server", is: plan.Supposed{Servers: map[string]plan.SupposedServer{"app09": {}}}, says: "has no server app09"},
	} {
		in := c.in
		in.ID = "20261123T120000-0001"
		if in.Kind == "" {
			in.Kind = plan.Deploy
		}
		facts, err := c.is.Facts(f.env, app, in)
		var p plan.Plan
		if err == nil {
			p, err = plan.Compile(f.env, []plan.App{app}, facts, in)
		}
		b := p.Brief(app.Name)
		if err != nil {
			b = plan.Refused(err)
		}
		waves := strings.Join(b.Waves, ", ")
		said := b.Refused + strings.Join(b.Notes, "\n")
		if b.Empty != c.empty || strings.TrimSuffix(waves, ", prune") != c.waves || !strings.Contains(said, c.says) {
			t.Errorf("%s: empty %t, waves %s, it says %s", c.name, b.Empty, waves, said)
		}
	}
}

// A brief has every kind, and counts every step once.
func TestBrief(t *testing.T) {
	app := hello("app01", "app02")
	f := newFleet(3, 1, haproxy)
	in := plan.Intent{Kind: plan.Deploy, ID: "20261123T120000-0001", Versions: map[string]string{app.Name: "2.0"}}
	facts, err := plan.Supposed{Version: "1.0"}.Facts(f.env, app, in)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(f.env, []plan.App{app}, facts, in)
	if err != nil {
		t.Fatal(err)
	}
	b := p.Brief(app.Name)
	sum := 0
	for _, n := range b.Kinds {
		sum += n
	}
	if sum != b.Steps || len(b.Kinds) != len(plan.Kinds()) || b.Kinds["service"] != 4 || !reflect.DeepEqual(b.Hosts, []string{"app01", "app02"}) || b.Version != "2.0" || len(b.From) != 1 {
		t.Errorf("%+v", b)
	}
	if other := p.Brief("other"); !other.Empty || other.Steps != 0 {
		t.Errorf("of another app: %+v", other)
	}
}
