package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Rendered is one generated file as it is written into a release.
type Rendered struct {
	Path    string // relative to the release
	Content string // with secrets a template: {secret:NAME} stands for a value, {secret:: for {secret:
	Mode    string // octal
	// Format and Secrets are set where Content is a template.
	Format  string            `json:",omitempty"`
	Secrets map[string]Secret `json:",omitempty"`
}

// Render gives the app's generated files exactly as they are written, sorted by path. It fails on a value that the format
// can't hold.
func Render(app App) ([]Rendered, error) {
	paths := make([]string, 0, len(app.Files))
	for p := range app.Files {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	var out []Rendered
	for _, p := range paths {
		f := app.Files[p]
		if wrong := f.Problems(); len(wrong) > 0 {
			w := wrong[0]
			return nil, &Refusal{Pos: app.place("files." + p + "." + w.Path), Text: fmt.Sprintf("file %s: %s", p, w.Text), Hint: w.Hint}
		}
		text, err := f.render()
		if err != nil {
			return nil, &Refusal{Pos: app.place("files." + p), Text: fmt.Sprintf("file %s: %v", p, err)}
		}
		if strings.ContainsRune(text, 0) {
			return nil, &Refusal{Pos: app.place("files." + p), Text: fmt.Sprintf("file %s: a generated file can't hold a NUL character", p)}
		}
		r := Rendered{Path: p, Content: text, Mode: f.ModeBits()}
		if len(f.Secrets) > 0 {
			r.Format, r.Secrets = f.format(), f.Secrets
		} else {
			r.Content = plain(text)
		}
		out = append(out, r)
	}
	return out, nil
}

// ModeBits is the file's mode, octal: as written, else private where it holds secrets.
func (f File) ModeBits() string {
	switch {
	case f.Mode != "":
		return f.Mode
	case len(f.Secrets) > 0:
		return "0600"
	}
	return "0644"
}

func (f File) render() (string, error) {
	switch f.format() {
	case formatProperties:
		return renderProperties(f.Properties)
	case formatEnv:
		return renderEnv(f.Env)
	case formatYAML:
		return renderYAML(f.YAML)
	case formatTOML:
		return renderTOML(f.TOML)
	case formatINI:
		return renderINI(f.INI)
	case formatText:
		return *f.Text, nil
	}
	return renderJSON(f.JSON)
}

func (f File) format() string {
	switch {
	case f.Properties != nil:
		return formatProperties
	case f.Env != nil:
		return formatEnv
	case f.YAML != nil:
		return formatYAML
	case f.TOML != nil:
		return formatTOML
	case f.INI != nil:
		return formatINI
	case f.Text != nil:
		return formatText
	}
	return formatJSON
}

// renderProperties writes Java properties (java.util.Properties.load), sorted by key, with non-ASCII characters escaped.
func renderProperties(m map[string]any) (string, error) {
	var b strings.Builder
	for _, k := range sortedKeys(m) {
		v, err := scalar(m[k])
		if err != nil {
			return "", fmt.Errorf("%s: %w", k, err)
		}
		b.WriteString(escapeProperty(k, " :=#!"))
		b.WriteByte('=')
		b.WriteString(escapeProperty(v, ""))
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// escapeProperty escapes what load would read as something else; keySpecial are characters that end or comment a key.
func escapeProperty(s, keySpecial string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\f':
			b.WriteString(`\f`)
		case strings.ContainsRune(keySpecial, r), i == 0 && r == ' ':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		case r < 0x20 || r > 0x7e:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// renderEnv writes NAME=value lines that both a shell and systemd's EnvironmentFile read the same way, sorted by name.
func renderEnv(m map[string]any) (string, error) {
	var b strings.Builder
	for _, k := range sortedKeys(m) {
		v, err := scalar(m[k])
		if err != nil {
			return "", fmt.Errorf("%s: %w", k, err)
		}
		if strings.Trim(k, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" || k == "" || k[0] >= '0' && k[0] <= '9' {
			return "", fmt.Errorf("%q is no environment variable name", k)
		}
		if strings.ContainsAny(v, "\n\r") {
			return "", fmt.Errorf("%s: a value can't hold a line break", k)
		}
		b.WriteString(k + "=" + envValue(v) + "\n")
	}
	return b.String(), nil
}

// envValue quotes with double quotes where it must: both readers know \\ \" \$ and \` inside them.
func envValue(v string) string {
	if strings.Trim(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-") == "" {
		return v
	}
	return `"` + envEscape(v) + `"`
}

func envEscape(v string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(v)
}

// renderJSON writes indented JSON with sorted keys and a final newline.
func renderJSON(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return b.String(), nil
}

func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("value %v is not a number", v)
		}
		if v == math.Trunc(v) && math.Abs(v) < 1e21 {
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		}
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case json.Number:
		return v.String(), nil
	case int:
		return strconv.Itoa(v), nil
	}
	return "", fmt.Errorf("value %v is not a string, number or boolean", v)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
