package plan_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"trikk.dev/engine/plan"
)

// rendered gives the text of a file, or the error.
func rendered(f plan.File) (string, error) {
	files, err := plan.Render(plan.App{Files: map[string]plan.File{"f": f}, Places: map[string]plan.Pos{"files.f": {File: "app.cue", Line: 3, Column: 2}}})
	if err != nil {
		return "", err
	}
	return files[0].Content, nil
}

func TestRender(t *testing.T) {
	text := "as it is\n\ttabs, \x01 and no line break at the end"
	tests := map[string]struct {
		file plan.File
		want string
	}{
		"properties are sorted":     {plan.File{Properties: map[string]any{"jvm.xmx": "512m", "jmx.port": 9001.0}}, "jmx.port=9001\njvm.xmx=512m\n"},
		"what ends a key":           {plan.File{Properties: map[string]any{"a b=c:d#e!f": "v"}}, `a\ b\=c\:d\#e\!f=v` + "\n"},
		"what is plain in a value":  {plan.File{Properties: map[string]any{"k": "#a=b:c!d e"}}, "k=#a=b:c!d e\n"},
		"leading spaces":            {plan.File{Properties: map[string]any{"k": "  two", " j": " "}}, `\ j=\ ` + "\n" + `k=\  two` + "\n"},
		"leading tab":               {plan.File{Properties: map[string]any{"k": "\tv"}}, `k=\tv` + "\n"},
		"line breaks and backslash": {plan.File{Properties: map[string]any{"k": "a\r\nb\\c\fd"}}, `k=a\r\nb\\c\fd` + "\n"},
		"unicode":                   {plan.File{Properties: map[string]any{"blåbær": "Ærfugl 🦆\u007f"}}, `bl\u00e5b\u00e6r=\u00c6rfugl \ud83e\udd86\u007f` + "\n"},
		"NUL is escaped":            {plan.File{Properties: map[string]any{"k": "a\x00b"}}, `k=a\u0000b` + "\n"},
		"an empty value and key":    {plan.File{Properties: map[string]any{"k": "", "": "v"}}, "=v\nk=\n"},
		"no properties":             {plan.File{Properties: map[string]any{}}, ""},
		"numbers":                   {plan.File{Properties: map[string]any{"a": 1.5, "b": -3.0, "c": 1e20, "d": 1e300, "e": json.Number("9007199254740993"), "f": 9007199254740992.0, "g": 7}}, "a=1.5\nb=-3\nc=100000000000000000000\nd=1e+300\ne=9007199254740993\nf=9007199254740992\ng=7\n"},
		"booleans":                  {plan.File{Properties: map[string]any{"a": true, "b": false}}, "a=true\nb=false\n"},
		"env":                       {plan.File{Env: map[string]any{"B": "x", "A_1": 4.0, "_C": ""}}, "A_1=4\nB=x\n_C=\n"},
		"env is quoted where needed": {plan.File{Env: map[string]any{"A": `it's "a" $b` + "`c`" + ` \d`, "B": " lead", "C": "#no comment", "D": "å", "E": "a;b&c|d", "F": "http://x:1/a,b@c%d+e"}},
			`A="it's \"a\" \$b` + "\\`c\\`" + ` \\d"` + "\nB=\" lead\"\nC=\"#no comment\"\nD=\"å\"\nE=\"a;b&c|d\"\nF=http://x:1/a,b@c%d+e\n"},
		"json":         {plan.File{JSON: map[string]any{"b": []any{1.0, "<&>", nil}, "a": json.Number("9007199254740993")}}, "{\n  \"a\": 9007199254740993,\n  \"b\": [\n    1,\n    \"<&>\",\n    null\n  ]\n}\n"},
		"json, a list": {plan.File{JSON: []any{}}, "[]\n"},
		"text":         {plan.File{Text: &text}, text},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := rendered(test.file)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	nul := "a\x00b"
	tests := map[string]struct {
		file plan.File
		want string
	}{
		"a list in properties": {plan.File{Properties: map[string]any{"k": []any{1.0}}}, "app.cue:3:2: file f: k: value [1] is not a string, number or boolean"},
		"null in properties":   {plan.File{Properties: map[string]any{"k": nil}}, "app.cue:3:2: file f: k: value <nil> is not a string, number or boolean"},
		"a struct in env":      {plan.File{Env: map[string]any{"K": map[string]any{}}}, "app.cue:3:2: file f: K: value map[] is not a string, number or boolean"},
		"a name with a dash":   {plan.File{Env: map[string]any{"a-b": "v"}}, `app.cue:3:2: file f: "a-b" is no environment variable name`},
		"a name with a digit":  {plan.File{Env: map[string]any{"1A": "v"}}, `app.cue:3:2: file f: "1A" is no environment variable name`},
		"an empty name":        {plan.File{Env: map[string]any{"": "v"}}, `app.cue:3:2: file f: "" is no environment variable name`},
		"a line break in env":  {plan.File{Env: map[string]any{"A": "a\nb"}}, "app.cue:3:2: file f: A: a value can't hold a line break"},
		"NUL in env":           {plan.File{Env: map[string]any{"A": nul}}, "app.cue:3:2: file f: a generated file can't hold a NUL character"},
		"NUL in text":          {plan.File{Text: &nul}, "app.cue:3:2: file f: a generated file can't hold a NUL character"},
		"no number":            {plan.File{Properties: map[string]any{"k": math.Inf(1)}}, "app.cue:3:2: file f: k: value +Inf is not a number"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := rendered(test.file)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %q, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

func TestRenderSortsFiles(t *testing.T) {
	text := "x"
	files, err := plan.Render(plan.App{Files: map[string]plan.File{"b": {Text: &text, Mode: "0600"}, "a/z": {Text: &text, Mode: "0644"}, "a": {Text: &text}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Path+" "+f.Mode)
	}
	equal(t, "files", got, []string{"a 0644", "a/z 0644", "b 0600"})
}

// loadProperties reads one file as java.util.Properties.load does.
func loadProperties(text string) map[string]string {
	out := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimLeft(line, " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		end := 0
		for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
			if line[end] == '\\' {
				end++
			}
			end++
		}
		value := strings.TrimLeft(line[end:], " \t\f")
		if value != "" && (value[0] == '=' || value[0] == ':') {
			value = strings.TrimLeft(value[1:], " \t\f")
		}
		out[unescapeProperty(line[:end])] = unescapeProperty(value)
	}
	return out
}

func unescapeProperty(s string) string {
	var units []uint16
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			units = append(units, uint16(s[i])) // Latin-1
			continue
		}
		i++
		if s[i] == 'u' {
			n, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				panic(err)
			}
			units = append(units, uint16(n))
			i += 4
			continue
		}
		c := s[i]
		if at := strings.IndexByte("tnrf", c); at >= 0 {
			c = "\t\n\r\f"[at]
		}
		units = append(units, uint16(c))
	}
	return string(utf16.Decode(units))
}

func TestPropertiesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			special := rapid.SampledFrom([]string{"", " ", "=", ":", "#", "!", "\\", "\n", "\\u0041", "\t"})
			in[special.Draw(t, "p")+rapid.String().Draw(t, "key")] = special.Draw(t, "q") + rapid.String().Draw(t, "value")
		}
		text, err := rendered(plan.File{Properties: in})
		must(t, err)
		got := loadProperties(text)
		if len(got) != len(in) {
			t.Fatalf("%q has %d entries, not %d", text, len(got), len(in))
		}
		for k, v := range in {
			if got[k] != v {
				t.Fatalf("%q is read as %q, not %q", text, got[k], v)
			}
		}
	})
}

func TestEnvIsReadBackByAShell(t *testing.T) {
	values := map[string]any{"A": `it's "a" $HOME ` + "`id`" + ` \n \\`, "B": "  lead and trail  ", "C": "#x", "D": "~", "E": "*", "F": "a\tb", "G": "ÆØÅ 🦆", "H": "!!", "I": "", "J": "a\\", "K": `\"`}
	text, err := rendered(plan.File{Env: values})
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/env"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, shell := range shells() {
		for name, want := range values {
			out, err := exec.Command(shell, "-c", `. "$1"; eval "printf %s \"\$$2\""`, shell, path, name).CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", shell, err, out)
			}
			if string(out) != want {
				t.Errorf("%s reads %s as %q, want %q", shell, name, out, want)
			}
		}
	}
}
