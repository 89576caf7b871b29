package plan

import "testing"

// TestNextCountsWhatWasCut: what a proxy ended counts at once; what it left in flight counts when the process is stopped, as the last
// drain before it saw it, and not at all where the server is admitted again.
func TestNextCountsWhatWasCut(t *testing.T) {
	drain, again := Step{Op: DrainOp{}}, Step{Op: DrainOp{Again: true}}
	stop, start, admit := Step{Op: ServiceOp{Action: Stop}}, Step{Op: ServiceOp{Action: Start}}, Step{Op: AdmitOp{}}
	for what, c := range map[string]struct {
		steps []Step
		ends  []Result
		want  int
	}{
		"nothing":                {[]Step{drain, again, stop, start}, []Result{{}, {}, {}, {}}, 0},
		"cut":                    {[]Step{drain, again, stop}, []Result{{Cut: 2}, {}, {}}, 2},
		"cut twice":              {[]Step{drain, again, stop}, []Result{{Cut: 2}, {Cut: 1}, {}}, 3},
		"left, and some ended":   {[]Step{drain, again, stop}, []Result{{Left: 3}, {Left: 2}, {}}, 2},
		"left, and all ended":    {[]Step{drain, again, stop}, []Result{{Left: 3}, {}, {}}, 0},
		"left, never stopped":    {[]Step{drain, again, stop}, []Result{{Left: 3}, {Left: 3}, {Status: NotRun}}, 0},
		"left, and taken back":   {[]Step{drain, admit, stop}, []Result{{Left: 3}, {}, {}}, 0},
		"proven before the stop": {[]Step{drain, stop}, []Result{{}, {Cut: 1}}, 1},
	} {
		var l LaneState
		for i, s := range c.steps {
			l.count(s, c.ends[i])
		}
		if l.Cut != c.want {
			t.Errorf("%s: %d cut, want %d", what, l.Cut, c.want)
		}
	}
}
