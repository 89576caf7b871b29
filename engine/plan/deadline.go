package plan

import (
	"slices"
	"strings"
	"time"
)

// DefaultDeadline is how long a run may take where nobody says anything. It is a backstop: every step has a deadline of its own.
const DefaultDeadline = Duration(24 * time.Hour)

// ByFlag is DeadlineBy of a deadline that was asked for on the command line.
const ByFlag = "--deadline"

// deadlineOf is how long a run of the apps may take, and who says so: the person who asked for it, else the apps. The deadlines
// of apps that go one after another add up; the longest of such chains counts. Where an app has none, the run has none.
func deadlineOf(in Intent, apps []AppPlan) (Duration, string) {
	if len(apps) == 0 {
		return 0, ""
	}
	if in.Deadline > 0 {
		return in.Deadline, ByFlag
	}
	var longest chain
	for _, a := range apps {
		if a.Source.Rollout.Deadline <= 0 {
			return 0, ""
		}
		if c := chainTo(a, apps, nil); c.total > longest.total {
			longest = c
		}
	}
	return longest.total, "rollout.deadline of " + strings.Join(longest.apps, " and ")
}

// chain is apps that go one after another.
type chain struct {
	total Duration
	apps  []string
}

// chainTo is the longest chain that ends with an app; seen are the apps behind it, so that a circle ends.
func chainTo(a AppPlan, apps []AppPlan, seen []string) chain {
	var before chain
	seen = append(slices.Clone(seen), a.App)
	for _, b := range apps {
		if !slices.Contains(a.After, b.App) || slices.Contains(seen, b.App) {
			continue
		}
		if c := chainTo(b, apps, seen); c.total > before.total {
			before = c
		}
	}
	return chain{before.total + a.Source.Rollout.Deadline, append(before.apps, a.App)}
}

// why says what ends the run early.
func (m *Machine) why() string {
	if m.s.Deadline && !m.s.Cancelled && !m.s.halted() && m.deadline > 0 {
		return "the run's deadline of " + m.deadline.Short() + " passed (" + m.deadlineBy + ")"
	}
	return m.s.why()
}
