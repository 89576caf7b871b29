package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestNextRunsARollingDeployInOrder(t *testing.T) {
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "hold", "a", "b")}})
	o := w.run()
	if o.Status != Done || o.Apps[0].Status != Done || o.Apps[0].Reason != "" {
		t.Fatalf("outcome %+v", o)
	}
	want := []string{
		"web/a/unpack", "web/b/unpack",
		"web/a/drain", "web/a/restart", "web/a/admit",
		"web/b/drain", "web/b/restart", "web/b/admit",
	}
	if !slices.Equal(w.log, want) {
		t.Fatalf("steps\n%v\nwant\n%v", w.log, want)
	}
}

// The example of the design: a turn that fails at its probe.
func TestNextUndoesAFailedTurnFromItsFailedStepBack(t *testing.T) {
	lane := Lane{Host: "a"}
	undo := map[string][]string{"drain": {"probe old", "admit"}, "stop": {"start old"}, "link": {"link back"}, "start": {"stop new"}}
	for _, id := range []string{"drain", "stop", "link", "start", "probe", "admit"} {
		via := Script
		if id == "drain" || id == "probe" || id == "admit" {
			via = Dial
		}
		s := Step{ID: id, Host: "a", Title: id, Op: walkOp{via: via}, Changes: id != "probe"}
		for _, u := range undo[id] {
			uvia := Script
			if id == "drain" {
				uvia = Dial
			}
			s.Undo = append(s.Undo, Step{ID: u, Host: "a", Title: u, Op: walkOp{via: uvia}})
		}
		lane.Steps = append(lane.Steps, s)
	}
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{{App: "web", Waves: []Wave{{Name: "rotate 1/1", Lanes: []Lane{lane}}}}}})
	w.fate["probe"] = Failed
	o := w.run()
	want := []string{"drain", "stop", "link", "start", "probe!", "stop new", "link back", "start old", "probe old", "admit"}
	if !slices.Equal(w.log, want) {
		t.Fatalf("steps\n%v\nwant\n%v", w.log, want)
	}
	l := o.Lanes[0]
	if o.Status != Reverted || l.State != LaneUndone || l.Step != "probe" || l.Error != "it broke" || !l.Changed {
		t.Fatalf("outcome %+v", o)
	}
	if o.Apps[0].Reason != "a: probe: it broke" {
		t.Fatalf("reason %q", o.Apps[0].Reason)
	}
}

func TestNextFailures(t *testing.T) {
	tests := map[string]struct {
		parallel  int
		onFailure string
		fate      map[string]string
		status    string
		states    []string
		last      []string // the last steps of the run
	}{
		"unpack fails: nothing changed": {
			fate: map[string]string{"web/b/unpack": Failed}, status: FailedClean,
			states: []string{"a pending", "b pending", "c pending"}, last: []string{"web/c/unpack"},
		},
		"first turn fails, hold": {
			fate: map[string]string{"web/a/restart": Failed}, parallel: 1, status: Reverted,
			states: []string{"a undone", "b pending", "c pending"},
			last:   []string{"web/a/restart!", "web/a/restart/undo0", "web/a/drain/undo0"},
		},
		"second turn fails, hold": {
			fate: map[string]string{"web/b/restart": Failed}, parallel: 1, status: Partly,
			states: []string{"a done", "b undone", "c pending"},
			last:   []string{"web/b/restart!", "web/b/restart/undo0", "web/b/drain/undo0"},
		},
		"third turn fails, revert": {
			fate: map[string]string{"web/c/drain": Failed}, parallel: 1, onFailure: "revert", status: Reverted,
			states: []string{"a undone", "b undone", "c undone"},
			last: []string{"web/c/drain!", "web/c/drain/undo0",
				"web/a/admit/undo0", "web/a/restart/undo0", "web/a/drain/undo0", "web/b/admit/undo0", "web/b/restart/undo0", "web/b/drain/undo0"},
		},
		"connection lost: the step is taken back": {
			fate: map[string]string{"web/a/drain": "cut"}, parallel: 1, status: Reverted,
			states: []string{"a undone", "b pending", "c pending"}, last: []string{"web/a/drain!", "web/a/drain/undo0"},
		},
		"never reached: nothing is taken back": {
			fate: map[string]string{"web/a/drain": NotRun}, parallel: 1, status: FailedClean,
			states: []string{"a undone", "b pending", "c pending"}, last: []string{"web/a/drain!"},
		},
		"undo fails": {
			fate: map[string]string{"web/a/restart": Unknown, "web/a/restart/undo0": Failed}, parallel: 1, status: Broken,
			states: []string{"a stuck", "b pending", "c pending"}, last: []string{"web/a/restart!", "web/a/restart/undo0!"},
		},
		"a stuck lane is not followed by a revert": {
			fate: map[string]string{"web/b/restart": Failed, "web/b/drain/undo0": "cut"}, parallel: 1, onFailure: "revert", status: Broken,
			states: []string{"a done", "b stuck", "c pending"}, last: []string{"web/b/restart/undo0", "web/b/drain/undo0!"},
		},
		"a revert that gets stuck goes no further": {
			fate: map[string]string{"web/c/drain": Failed, "web/a/restart/undo0": Failed}, parallel: 1, onFailure: "revert", status: Broken,
			states: []string{"a stuck", "b done", "c undone"}, last: []string{"web/a/admit/undo0", "web/a/restart/undo0!"},
		},
		"running lanes finish": {
			fate: map[string]string{"web/a/drain": Failed}, parallel: 2, status: Partly,
			states: []string{"a undone", "b done", "c pending"}, last: []string{"web/b/admit"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWalker(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", tt.parallel, tt.onFailure, "a", "b", "c")}})
			w.fate = tt.fate
			o := w.run()
			if o.Status != tt.status || o.Apps[0].Status != tt.status {
				t.Errorf("status %s, app %s, want %s", o.Status, o.Apps[0].Status, tt.status)
			}
			if got := walkStates(o); !slices.Equal(got, tt.states) {
				t.Errorf("lanes %v, want %v", got, tt.states)
			}
			if !slices.Equal(w.log[len(w.log)-len(tt.last):], tt.last) {
				t.Errorf("steps %v, want to end in %v", w.log, tt.last)
			}
		})
	}
}

func TestStuckLaneNamesWhatIsLeft(t *testing.T) {
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{walkRolling("web", 1, "hold", "a")}})
	w.fate = map[string]string{"web/a/admit": Failed, "web/a/restart/undo0": Failed}
	l := w.run().Lanes[1]
	if want := []string{"do web/a/restart/undo0", "do web/a/drain/undo0"}; !slices.Equal(l.Stuck, want) {
		t.Errorf("left %v, want %v", l.Stuck, want)
	}
	if l.Step != "web/a/admit" || l.UndoError != "it broke" {
		t.Errorf("lane %+v", l)
	}
}

func TestNoRevertBehindThePointOfNoReturn(t *testing.T) {
	app := walkRolling("web", 0, "revert", "a")
	prune := walkStep("web/a/prune", "a", Script, 0)
	prune.NoReturn = true
	app.Waves = append(app.Waves, Wave{Name: WavePrune, Lanes: []Lane{{Host: "a", Steps: []Step{prune}}}})
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{app}})
	w.fate["web/a/prune"] = Failed
	o := w.run()
	if o.Status != Partly || !slices.Equal(walkStates(o), []string{"a done", "a undone"}) {
		t.Errorf("outcome %+v", o)
	}
}

func TestAppsAndGroups(t *testing.T) {
	plan := func() Plan {
		one, two, three := walkRolling("one", 1, "", "a"), walkRolling("two", 1, "", "b"), walkRolling("three", 1, "", "c")
		two.After = []string{"one", "of another plan"}
		return Plan{ID: "p", Apps: []AppPlan{two, one, three}, Groups: []Group{
			{ID: "reload", Needs: []string{"one", "two"}, Lanes: []Lane{{Host: "lb", Steps: []Step{walkChange("reload", "lb", Script)}}}},
		}}
	}
	tests := map[string]struct {
		fate   map[string]string
		status string
		apps   []string // two, one, three
		group  string
		last   string
	}{
		"all done":                      {nil, Done, []string{Done, Done, Done}, Done, "reload"},
		"the first fails, nothing done": {map[string]string{"one/a/unpack": Failed}, Partly, []string{FailedClean, FailedClean, Done}, FailedClean, "three/c/admit"},
		"the second fails":              {map[string]string{"two/b/drain": Failed}, Partly, []string{Reverted, Done, Done}, Done, "reload"},
		"one alone is done":             {map[string]string{"one/a/drain": Failed, "three/c/unpack": Failed}, Reverted, []string{FailedClean, Reverted, FailedClean}, FailedClean, "one/a/drain/undo0"},
		"the group fails":               {map[string]string{"reload": Failed}, Partly, []string{Done, Done, Done}, Reverted, "reload/undo0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWalker(plan())
			w.fate = tt.fate
			o := w.run()
			var apps []string
			for _, a := range o.Apps {
				apps = append(apps, a.Status)
				if (a.Status == Done) != (a.Reason == "") {
					t.Errorf("%s is %s because of %q", a.App, a.Status, a.Reason)
				}
			}
			if o.Status != tt.status || !slices.Equal(apps, tt.apps) || o.Groups[0].Status != tt.group {
				t.Errorf("run %s, apps %v, group %s; want %s, %v, %s", o.Status, apps, o.Groups[0].Status, tt.status, tt.apps, tt.group)
			}
			if last := w.log[len(w.log)-1]; last != tt.last {
				t.Errorf("the last step is %s, want %s", last, tt.last)
			}
		})
	}
}

func TestAppsThatWaitForEachOtherAreNotStarted(t *testing.T) {
	one, two, three := walkRolling("one", 1, "", "a"), walkRolling("two", 1, "", "b"), walkRolling("three", 1, "", "c")
	one.After, two.After, three.After = []string{"two"}, []string{"one"}, []string{"one"}
	w := newWalker(Plan{ID: "p", Apps: []AppPlan{three, one, two}})
	o := w.run()
	if o.Status != FailedClean || len(w.log) != 0 {
		t.Fatalf("outcome %+v after %v", o, w.log)
	}
	for _, a := range o.Apps {
		if !strings.HasPrefix(a.Reason, "not started: ") {
			t.Errorf("%s: %q", a.App, a.Reason)
		}
	}
}

func TestAPlanWithoutWorkIsDone(t *testing.T) {
	for _, p := range []Plan{{}, {ID: "p", Apps: []AppPlan{{App: "web"}}, Groups: []Group{{ID: "g", Needs: []string{"web"}}}},
		{ID: "p", Apps: []AppPlan{{App: "web", Waves: []Wave{{}, {Lanes: []Lane{{Host: "a"}}}}}}}} {
		d := Next(p, nil)
		if d.Finished == nil || d.Finished.Status != Done || len(d.Start) != 0 {
			t.Errorf("decision %+v for %+v", d, p)
		}
	}
}
