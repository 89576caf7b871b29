package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// rich is a plan with a bit of everything.
func rich(t testing.TB) plan.Plan {
	app := jmsadmin("9.0")
	app.Topology = pairs()
	app.Hooks.Before = []string{"echo '<&>' \u2028"}
	app.Files["config/big.json"] = plan.File{JSON: map[string]any{"id": json.Number("9007199254740993"), "ratio": 0.1, "none": nil, "list": []any{"<b>", true}}, Mode: "0600"}
	f := newFleet(3, 2, haproxy).with(app)
	f.deploy(t, "9.0")
	app.Version = "10.0"
	return f.with(app).plan(t)
}

func TestPlansAreWrittenAndReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFleet(t)
		p, err := f.try()
		if err != nil {
			return
		}
		first := encodedBy(t, p)
		again, err := plan.Decode(bytes.NewReader(first))
		must(t, err)
		if second := encodedBy(t, again); !bytes.Equal(first, second) {
			t.Fatalf("read back, it is written as\n%s\nnot\n%s", second, first)
		}
	})
}

func encodedBy(t *rapid.T, p plan.Plan) []byte {
	var b bytes.Buffer
	must(t, plan.Encode(&b, p))
	return b.Bytes()
}

// The same input gives the same bytes, whatever the order in which maps were filled and apps were named.
func TestCompileIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFleet(t)
		other := f.apps[0]
		other.Name = "another"
		f.with(other)
		in := f.intent(plan.Deploy)
		p, err := plan.Compile(f.env, f.apps, f.facts, in)
		g := f.reversed()
		q, errAgain := plan.Compile(g.env, g.apps, g.facts, in)
		if fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("%v, and then %v", err, errAgain)
		}
		if err != nil {
			return
		}
		if first, second := encodedBy(t, p), encodedBy(t, q); !bytes.Equal(first, second) {
			t.Fatalf("the same input gave\n%s\nand\n%s", first, second)
		}
	})
}

// reversed is an equal fleet, its maps filled and its apps named the other way round.
func (f *fleet) reversed() *fleet {
	g := f.copy()
	g.apps = slices.Clone(f.apps)
	slices.Reverse(g.apps)
	g.env.Servers, g.env.Proxies = refilled(f.env.Servers), refilled(f.env.Proxies)
	g.facts.Apps, g.facts.Rotation, g.facts.Artifacts = refilled(g.facts.Apps), refilled(g.facts.Rotation), refilled(g.facts.Artifacts)
	for i := range g.apps {
		g.apps[i].Files, g.apps[i].Probes = refilled(g.apps[i].Files), refilled(g.apps[i].Probes)
	}
	return g
}

func refilled[V any](m map[string]V) map[string]V {
	keys := slices.Sorted(maps.Keys(m))
	slices.Reverse(keys)
	out := map[string]V{}
	for _, k := range keys {
		out[k] = m[k]
	}
	return out
}

// Not one byte of a plan can be changed unnoticed: not even where a parser would not care.
func TestAnEditedPlanIsRefused(t *testing.T) {
	text := encoded(t, rich(t))
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		b := rapid.Byte().Filter(func(b byte) bool { return b != text[i] }).Draw(t, "byte")
		edited := slices.Clone(text)
		edited[i] = b
		if _, err := plan.Decode(bytes.NewReader(edited)); err == nil {
			t.Fatalf("byte %d may be %q instead of %q", i, b, text[i])
		}
	})
	tests := map[string]func(s string) string{
		"a value":               func(s string) string { return strings.Replace(s, "jmx.port=9001", "jmx.port=9002", 1) },
		"a key's case":          func(s string) string { return strings.Replace(s, `"env":`, `"Env":`, 1) },
		"white space":           func(s string) string { return strings.Replace(s, "\n", " \n", 1) },
		"a second key":          func(s string) string { return strings.Replace(s, `"env":`, `"env": "dev", "env":`, 1) },
		"the digest":            func(s string) string { return strings.Replace(s, `"digest": "sha256:`, `"digest": "sha256:0`, 1) },
		"a value at the end":    func(s string) string { return s + "{}" },
		"a key of an op":        func(s string) string { return strings.Replace(s, `"kind": "write"`, `"kind": "write", "path": "x"`, 1) },
		"a number's last digit": func(s string) string { return strings.Replace(s, "9007199254740993", "9007199254740992", 1) },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			edited := edit(string(text))
			if edited == string(text) {
				t.Fatal("nothing was edited")
			}
			if _, err := plan.Decode(strings.NewReader(edited)); err == nil {
				t.Error("it is read")
			}
		})
	}
	value := tests["a value"](string(text))
	if _, err := plan.Decode(strings.NewReader(value)); !errors.Is(err, plan.ErrEdited) {
		t.Errorf("an edited value is %v", err)
	}
	if _, err := plan.Decode(bytes.NewReader(text)); err != nil {
		t.Errorf("unedited: %v", err)
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	text := string(encoded(t, rich(t)))
	tests := map[string]struct{ text, want string }{
		"nothing":          {"", "not a plan: unexpected end of JSON input"},
		"no JSON":          {"hello", "not a plan: invalid character 'h' looking for beginning of value"},
		"another document": {`{"a": 1}`, "plan format 0 is not known; this trikk reads format 1"},
		"a later format":   {strings.Replace(text, `"format": 1`, `"format": 2`, 1), "plan format 2 is not known; this trikk reads format 1"},
		"a field of later": {strings.Replace(text, `"id":`, `"colour": "red", "id":`, 1), `not a plan: json: unknown field "colour"`},
		"an op of later":   {strings.Replace(text, `"kind": "unpack"`, `"kind": "teleport"`, 1), `not a plan: step jmsadmin/install/app01/3: unknown op "teleport"`},
		"a field of an op": {strings.Replace(text, `"kind": "unpack",`, `"kind": "unpack", "colour": "red",`, 1), `not a plan: step jmsadmin/install/app01/3: json: unknown field "colour"`},
		"cut off":          {text[:len(text)/2], "not a plan: unexpected end of JSON input"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := plan.Decode(strings.NewReader(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestLargeNumbersSurvive(t *testing.T) {
	p, err := plan.Decode(bytes.NewReader(encoded(t, rich(t))))
	if err != nil {
		t.Fatal(err)
	}
	files, err := plan.Render(p.Apps[0].Source)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(files[0].Content, `"id": 9007199254740993`) || !strings.Contains(files[0].Content, `"ratio": 0.1`) {
		t.Errorf("%s is\n%s", files[0].Path, files[0].Content)
	}
}

func TestAPlanWithAStepWithoutAnOpIsNotWritten(t *testing.T) {
	p := plan.Plan{Apps: []plan.AppPlan{{Waves: []plan.Wave{{Lanes: []plan.Lane{{Steps: []plan.Step{{ID: "x/1"}}}}}}}}}
	err := plan.Encode(&bytes.Buffer{}, p)
	if err == nil || !strings.Contains(err.Error(), "step x/1: a step without an op") {
		t.Errorf("got %v", err)
	}
}

// Every step has an ID of its own, undo steps too, and only a prune can't be taken back.
func TestStepsAreWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, p := drawPlan(t)
		if p == nil {
			return
		}
		seen := map[string]bool{}
		each(*p, func(header string, s plan.Step) {
			for _, s := range append([]plan.Step{s}, s.Undo...) {
				if header == "" && (s.ID == "" || seen[s.ID] || s.Title == "" || s.Timeout <= 0) {
					t.Fatalf("step %+v", s)
				}
				if s.NoReturn != (s.Op != nil && s.Op.Kind() == "prune") {
					t.Fatalf("%s: no return: %v", s.Title, s.NoReturn)
				}
				seen[s.ID] = true
			}
		})
	})
}
