package plan

import "testing"

// TestProofRefusesPlansThatTakeTooMany hands the proof what Compile never makes.
func TestProofRefusesPlansThatTakeTooMany(t *testing.T) {
	turn := func(host string) Lane {
		return Lane{Host: host, Steps: []Step{{Host: host, Op: DrainOp{}}, {Host: host, Op: AdmitOp{}}}}
	}
	away := func(host string) Lane {
		return Lane{Host: host, Steps: []Step{{Host: host, Op: ServiceOp{Action: "stop"}}}}
	}
	tests := map[string]struct {
		out    []string // of rotation before
		waves  []Wave
		refuse string
	}{
		"one at a time":           {nil, []Wave{{Name: "a", Lanes: []Lane{turn("app01")}}, {Name: "b", Lanes: []Lane{turn("app02")}}}, ""},
		"two at once":             {nil, []Wave{{Name: "a", Lanes: []Lane{turn("app01"), turn("app02")}}}, "hello, wave a: 1 of 3 active servers would be in rotation, at least 2 must be"},
		"two lanes, one in hand":  {nil, []Wave{{Name: "a", MaxParallel: 1, Lanes: []Lane{turn("app01"), turn("app02")}}}, ""},
		"one while another's out": {[]string{"app03"}, []Wave{{Name: "a", Lanes: []Lane{turn("app01")}}}, "hello, wave a: 1 of 3 active servers would be in rotation, at least 2 must be"},
		"one after it came back":  {[]string{"app03"}, []Wave{{Name: "a", Lanes: []Lane{turn("app03")}}, {Name: "b", Lanes: []Lane{turn("app01")}}}, ""},
		"one that was out":        {[]string{"app02", "app03"}, []Wave{{Name: "a", Lanes: []Lane{turn("app03")}}}, ""},
		"one that is left away":   {nil, []Wave{{Name: "a", Lanes: []Lane{away("app01")}}, {Name: "b", Lanes: []Lane{turn("app02")}}}, "hello, wave b: 1 of 3 active servers would be in rotation, at least 2 must be"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := App{Name: "hello", Servers: []string{"app01", "app02", "app03"}, Topology: Topology{Shared: &Shared{Proxies: []string{"lb01"}}}}
			rotation := map[string][]Rotation{}
			for _, s := range app.Servers {
				rotation[s] = []Rotation{{Proxy: "lb01", State: RotationIn}}
			}
			for _, s := range test.out {
				rotation[s][0].State = RotationOut
			}
			p := Plan{Apps: []AppPlan{{App: "hello", Source: app, Waves: test.waves}}, Observed: Facts{Rotation: map[string]map[string][]Rotation{"hello": rotation}}}
			err := proveCapacity(p)
			if test.refuse == "" && err != nil || test.refuse != "" && (err == nil || err.Error() != test.refuse) {
				t.Errorf("got %v, want %s", err, test.refuse)
			}
		})
	}
}
