package main

import (
	"errors"
	"testing"

	"trikk.dev/engine/plan"
)

// A run whose journal could not be saved never ends with "failed, and nothing was changed" when something was.
func TestExitOfARunThatCouldNotBeSaved(t *testing.T) {
	changed := []plan.LaneOutcome{{Host: "app01", State: plan.LaneDone, Changed: true}}
	tests := map[string]struct {
		outcome plan.Outcome
		want    int
	}{
		"before it began":                 {plan.Outcome{}, exitFailed},
		"before a change":                 {plan.Outcome{Status: plan.Interrupted}, exitFailed},
		"after some lanes":                {plan.Outcome{Status: plan.Interrupted, Lanes: changed}, exitPartly},
		"in the middle of a lane":         {plan.Outcome{Status: plan.Broken, Lanes: changed}, exitBroken},
		"after the end":                   {plan.Outcome{Status: plan.Done, Lanes: changed}, exitPartly},
		"after a failure that was undone": {plan.Outcome{Status: plan.Reverted, Lanes: changed}, exitReverted},
	}
	full := errors.New("no space left on device")
	for name, test := range tests {
		err := unrecorded(test.outcome, full)
		if got := exitOf(err); got != test.want || !errors.Is(err, full) {
			t.Errorf("%s: exit code %d, %v, want %d", name, got, err, test.want)
		}
	}
	if got := exitOf(refused("locked")); got != exitRefused {
		t.Errorf("a refusal has the exit code %d", got)
	}
	if got := exitOf(unrecorded(plan.Outcome{}, refused("locked"))); got != exitRefused {
		t.Errorf("a refusal before the run has the exit code %d", got)
	}
}
