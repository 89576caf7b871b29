package model_test

import (
	"reflect"
	"testing"

	"trikk.dev/engine/model"
	"trikk.dev/engine/plan"
)

func rehearse(t testing.TB, p plan.Plan) []model.Trial {
	t.Helper()
	var out []model.Trial
	if err := model.Rehearse(t.Context(), p, func(tr model.Trial) { out = append(out, tr) }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRehearseIsTheSameEachTime(t *testing.T) {
	p := second(t, inventory(3, 2), hello(3, 2))
	a, b := rehearse(t, p), rehearse(t, p)
	if len(a) != len(b) || len(a) < 100 {
		t.Fatalf("%d and %d trials", len(a), len(b))
	}
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			t.Errorf("%s of %s: once %+v, once %+v", a[i].Fault, a[i].Step.ID, a[i], b[i])
		}
	}
}

// TestRehearseTellsAllEndings: every fault of every step is tried, and each way to end is met.
func TestRehearseTellsAllEndings(t *testing.T) {
	app := hello(3, 1)
	app.Rollout.OnFailure = "hold"
	p := second(t, inventory(3, 1), app)
	tried, ends := map[model.Fault]int{}, map[string]int{}
	for _, tr := range rehearse(t, p) {
		tried[tr.Fault]++
		ends[tr.Outcome.Status]++
		if len(tr.Broken) > 0 {
			t.Errorf("%s of %s: %v", tr.Fault, tr.Step.ID, tr.Broken)
		}
	}
	for _, f := range model.Faults() {
		if tried[f] != tried[model.Fails] || tried[f] < 30 {
			t.Errorf("%q is tried %d times, %q %d times", f, tried[f], model.Fails, tried[model.Fails])
		}
	}
	for _, s := range []string{plan.Done, plan.FailedClean, plan.Reverted, plan.Partly, plan.Broken} {
		if ends[s] == 0 {
			t.Errorf("no run ends as %s: %v", s, ends)
		}
	}
}

// TestKilledRunsGoOn: whenever the controller dies, the resumed run is done.
func TestKilledRunsGoOn(t *testing.T) {
	for _, tr := range rehearse(t, second(t, inventory(2, 1), hello(2, 1))) {
		if (tr.Fault == model.KillBefore || tr.Fault == model.KillAfter) && tr.Outcome.Status != plan.Done {
			t.Errorf("%s of %s (%s) ends %s", tr.Fault, tr.Step.ID, tr.Step.Title, tr.Outcome.Status)
		}
	}
}
