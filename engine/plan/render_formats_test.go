package plan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// decodedJSON is a value as a config has it.
func decodedJSON(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	check(t, d.Decode(&v))
	return v
}

func TestRenderYAML(t *testing.T) {
	for in, want := range map[string]string{
		`{"b": {"x": [1, "two", {"k": true, "l": null}, [3, []], {}]}, "a": "no", "on": "1.0"}`: `a: "no"
b:
  x:
    - 1
    - "two"
    - k: true
      l: null
    - - 3
      - []
    - {}
"on": "1.0"
`,
		`{"": 1, "a b": 2, "1": 3, "k: v": 4, "x.y-z": 5, "Yes": 6, "-": 7}`: "\"\": 1\n\"-\": 7\n\"1\": 3\n\"Yes\": 6\n\"a b\": 2\n\"k: v\": 4\nx.y-z: 5\n",
		`["a\nb", "\u0001\u007f\u0085\u2028\ufeff", "ü 🦆", "\"\\"]`:          "- \"a\\nb\"\n- \"\\u0001\\u007f\\u0085\\u2028\\ufeff\"\n- \"ü 🦆\"\n- \"\\\"\\\\\"\n",
		`[1e3, 1.5E-7, 9007199254740993, -0.5]`:                              "- 1.0e+3\n- 1.5e-7\n- 9007199254740993\n- -0.5\n",
		`{}`:                                                                 "{}\n",
		`[]`:                                                                 "[]\n",
		`"text"`:                                                             "\"text\"\n",
		`false`:                                                              "false\n",
	} {
		if got, err := rendered(plan.File{YAML: decodedJSON(t, in)}); err != nil || got != want {
			t.Errorf("%s gives %v\n%s", in, err, got)
		}
	}
}

func TestRenderTOML(t *testing.T) {
	for in, want := range map[string]string{
		`{"z": 1, "server": {"port": 80, "tls": {"on": true}}, "empty": {}, "list": [1, "a", {"k": 1}], "rows": [{"a": 1, "in": {"b": 2}}, {}], "a b": "x\ty"}`: `"a b" = "x\ty"
list = [1, "a", {k = 1}]
z = 1

[empty]

[[rows]]
a = 1

[rows.in]
b = 2

[[rows]]

[server]
port = 80

[server.tls]
on = true
`,
		`{"x.y": {"": {"k": "\u0000\"\\"}}}`: "[\"x.y\"]\n\n[\"x.y\".\"\"]\nk = \"\\u0000\\\"\\\\\"\n",
		`{"f": 1e3, "g": 0.1, "e": []}`:      "e = []\nf = 1.0e+3\ng = 0.1\n",
		`{}`:                                 "",
	} {
		m, _ := decodedJSON(t, in).(map[string]any)
		if got, err := rendered(plan.File{TOML: m}); err != nil || got != want {
			t.Errorf("%s gives %v\n%s", in, err, got)
		}
	}
}

func TestRenderINI(t *testing.T) {
	for in, want := range map[string]string{
		`{"b": {"k": 1, "a": "x y"}, "z": true, "a": "", "a b": "it's \"q\" %d a#b;c =:["}`: "a=\na b=it's \"q\" %d a#b;c =:[\nz=true\n\n[b]\na=x y\nk=1\n",
		`{"only": {}}`: "[only]\n",
		`{}`:           "",
	} {
		m, _ := decodedJSON(t, in).(map[string]any)
		if got, err := rendered(plan.File{INI: m}); err != nil || got != want {
			t.Errorf("%s gives %v\n%s", in, err, got)
		}
	}
}

func TestRenderRefusesWhatAFormatCanNotHold(t *testing.T) {
	toml := func(v any) plan.File { return plan.File{TOML: map[string]any{"k": v}} }
	ini := func(k string, v any) plan.File { return plan.File{INI: map[string]any{k: v}} }
	for name, tt := range map[string]struct {
		file plan.File
		says string
	}{
		"null in TOML":         {toml(map[string]any{"l": []any{1, nil}}), "k: l: 1: TOML has no null"},
		"a large integer":      {toml(json.Number("9223372036854775808")), "k: 9223372036854775808 is beyond the numbers of TOML"},
		"a large float":        {toml(json.Number("1e999")), "k: 1.0e+999 is beyond"},
		"infinity in YAML":     {plan.File{YAML: []any{math.Inf(-1)}}, "0: value -Inf is not a number"},
		"a long key of YAML":   {plan.File{YAML: map[string]any{strings.Repeat("k", 2000): 1}}, "at most 1000 bytes"},
		"a line break":         {ini("k", "a\nb"), "k: a value of an ini file can't hold a line break"},
		"a blank at the end":   {ini("k", "a "), "begin or end with a blank"},
		"a comment":            {ini("k", "a ;b"), "readers see a comment"},
		"a comment first":      {ini("k", "#b"), "readers see a comment"},
		"a backslash":          {ini("k", `C:\`), `can't end with \`},
		"a list":               {ini("k", []any{}), "is not a string, number or boolean"},
		"sections in sections": {ini("s", map[string]any{"k": map[string]any{}}), "s: k: value map[] is not"},
		"a key":                {ini("a=b", 1), `key "a=b" can't hold any of`},
		"an empty key":         {ini("", 1), `key "" is empty`},
		"a section":            {ini("a]", map[string]any{}), `section "a]" can't hold any of`},
		"a section with lines": {ini("a\nb", map[string]any{}), "control characters"},
	} {
		if got, err := rendered(tt.file); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "app.cue:3:2: file f: ") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// drawnText is any text, and often one that formats have trouble with.
func drawnText() *rapid.Generator[string] {
	awkwardTexts := []string{"", " ", "~", "null", "yes", "1", "1e3", "0x1f", "12:30:45", "2026-11-26", "- a", "? b", "&a", "*a", "!!str", "%d", "@", "`", "{", "[a]", "a: b", "a #b", "'", `"""`, "\\u0041",
		"a\nb\n", "\r\n", "\t", "\u0085", "\u2028", "\ufeff", "\ufffe", "\x00", "\x7f", "🦆", "<<", "=", ".inf", "é"}
	return rapid.OneOf(rapid.SampledFrom(awkwardTexts), rapid.StringN(0, 12, 40))
}

// drawnValue is a value as JSON has it, with null only where it is wanted.
func drawnValue(depth int, nulls ...any) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Map(drawnText(), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Int64(), func(n int64) any { return json.Number(fmt.Sprint(n)) }),
		rapid.Map(rapid.Float64Range(-1e300, 1e300), func(f float64) any { return json.Number(strconv.FormatFloat(f, 'g', -1, 64)) }),
	}
	for _, n := range nulls {
		kinds = append(kinds, rapid.Just(n))
	}
	if depth > 0 {
		kinds = append(kinds, rapid.Map(rapid.SliceOfN(drawnValue(depth-1, nulls...), 0, 4), func(l []any) any { return l }),
			rapid.Map(drawnMap(depth-1, nulls...), func(m map[string]any) any { return m }))
	}
	return rapid.OneOf(kinds...)
}

func drawnMap(depth int, nulls ...any) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(drawnText(), drawnValue(depth, nulls...), 0, 4)
}

// canonical makes values of different decoders comparable: all numbers are what they are as 64-bit floats.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = canonical(e)
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, canonical(e))
		}
		return out
	case json.Number:
		f, _ := v.Float64()
		return f
	case int, int64, uint64:
		var f float64
		_, _ = fmt.Sscan(fmt.Sprint(v), &f)
		return f
	}
	return v
}

func TestRenderedYAMLIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawnValue(3, nil).Draw(t, "value")
		if v == nil {
			return // no format at all
		}
		text, err := rendered(plan.File{YAML: v})
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(canonical(got), canonical(v)) {
			t.Fatalf("%q gives %#v, %v", text, got, err)
		}
	})
}

func TestRenderedTOMLIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawnMap(3).Draw(t, "table")
		text, err := rendered(plan.File{TOML: m})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		if err := toml.NewDecoder(bytes.NewReader([]byte(text))).Decode(&got); err != nil || !reflect.DeepEqual(canonical(got), canonical(m)) {
			t.Fatalf("%q gives %#v, %v", text, got, err)
		}
	})
}

// loadINI reads an ini file with everything that some reader does: it drops comments and blanks, and joins lines.
func loadINI(text string) map[string]any {
	out := map[string]any{}
	into := out
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		for _, sign := range []string{" #", " ;"} {
			line, _, _ = strings.Cut(line, sign)
		}
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.ContainsAny(line[:1], "#;"):
		case line[0] == '[':
			into = map[string]any{}
			out[strings.Trim(line, "[]")] = into
		default:
			k, v, _ := strings.Cut(line, "=")
			into[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return out
}

func TestRenderedINIIsReadBack(t *testing.T) {
	kept := 0
	values := rapid.MapOfN(drawnText(), rapid.Map(drawnText(), func(s string) any { return s }), 0, 2)
	rapid.Check(t, func(t *rapid.T) {
		m := values.Draw(t, "values")
		sections := rapid.MapOfN(drawnText(), values, 0, 2).Draw(t, "sections")
		for name, s := range sections {
			m[name] = s
		}
		text, err := rendered(plan.File{INI: m})
		if err != nil {
			return // refused
		}
		kept++
		if got := loadINI(text); !reflect.DeepEqual(got, m) {
			t.Fatalf("%q gives %q, not %q", text, got, m)
		}
	})
	if kept < 10 {
		t.Errorf("only %d files were not refused", kept)
	}
}

func TestSecretsAreReadBackFromYAMLAndTOML(t *testing.T) {
	values := map[string]string{"lines": "one\ntwo\r\n\tthree", "controls": "\x01\x7f\u0085\u2028\ufeff"}
	maps.Copy(values, awkward)
	for name, v := range values {
		tree := map[string]any{"a": []any{"{secret:db}", "<{secret:db}>{secret::db}"}, "b": map[string]any{"c": "x {secret:db}/{secret:db}"}}
		want := map[string]any{"a": []any{v, "<" + v + ">{secret:db}"}, "b": map[string]any{"c": "x " + v + "/" + v}}
		text, err := fill(t, db(plan.File{YAML: tree}), v)
		check(t, err)
		var got any
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%s: YAML %q gives %q, %v", name, text, got, err)
		}
		text, err = fill(t, db(plan.File{TOML: tree}), v)
		check(t, err)
		table := map[string]any{}
		if err := toml.Unmarshal([]byte(text), &table); err != nil || !reflect.DeepEqual(table, want) {
			t.Errorf("%s: TOML %q gives %q, %v", name, text, table, err)
		}
	}
}

func TestSecretsInINI(t *testing.T) {
	f := db(plan.File{INI: map[string]any{"s": map[string]any{"k": "x {secret:db}{secret::db}"}}})
	if text, err := fill(t, f, `p"a'#;=\s`); err != nil || text != "[s]\nk=x p\"a'#;=\\s{secret:db}\n" {
		t.Errorf("%q, %v", text, err)
	}
	for _, canary := range []string{" canary", "canary\n", "canary #", ";canary", `canary\`} {
		if _, err := fill(t, f, canary); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", canary, err)
		}
	}
	if _, err := rendered(db(plan.File{INI: map[string]any{"{secret:db}": map[string]any{"k": "{secret:db}"}}})); err == nil || !strings.Contains(err.Error(), "holds a placeholder") {
		t.Errorf("a placeholder in the name of a section: %v", err)
	}
}
