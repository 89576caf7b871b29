package plan_test

import (
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// TestDeadlineOfARun: a person's word first; else the apps', which add up where one waits for the other.
func TestDeadlineOfARun(t *testing.T) {
	minutes := func(n int) plan.Duration { return plan.Duration(time.Duration(n) * time.Minute) }
	for name, test := range map[string]struct {
		apps  map[string]int // minutes
		after map[string][]string
		asked int
		want  int
		by    string
	}{
		"one app":             {apps: map[string]int{"a": 10}, want: 10, by: "rollout.deadline of a"},
		"asked for":           {apps: map[string]int{"a": 10}, asked: 3, want: 3, by: "--deadline"},
		"side by side":        {apps: map[string]int{"a": 10, "b": 30}, want: 30, by: "rollout.deadline of b"},
		"one after another":   {apps: map[string]int{"a": 10, "b": 30, "c": 35}, after: map[string][]string{"a": {"b"}}, want: 40, by: "rollout.deadline of b and a"},
		"one has none":        {apps: map[string]int{"a": 10, "b": 0}},
		"in a circle":         {apps: map[string]int{"a": 10, "b": 30}, after: map[string][]string{"a": {"b"}, "b": {"a"}}, want: 40, by: "rollout.deadline of b and a"},
		"waits for no member": {apps: map[string]int{"a": 10}, after: map[string][]string{"a": {"z"}}, want: 10, by: "rollout.deadline of a"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(3, 0, haproxy)
			for i, n := range []string{"a", "b", "c"} {
				m, ok := test.apps[n]
				if !ok {
					continue
				}
				app := hello([]string{"app01", "app02", "app03"}[i])
				app.Name, app.After, app.Rollout.Deadline = n, test.after[n], minutes(m)
				f.with(app)
			}
			in := f.intent(plan.Deploy)
			in.Deadline = minutes(test.asked)
			p, err := plan.Compile(f.env, f.apps, f.facts, in)
			if err != nil {
				t.Fatal(err)
			}
			if p.Deadline != minutes(test.want) || p.DeadlineBy != test.by {
				t.Errorf("got %v by %q, want %v by %q", p.Deadline, p.DeadlineBy, minutes(test.want), test.by)
			}
		})
	}
}
