package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A generated file with secrets is a template: {secret:NAME} in a value stands for a secret, and {secret::NAME} for the text
// {secret:NAME} itself. A value is put in on the server, escaped for the file's format.

// opening begins a placeholder.
const opening = "{secret:"

// part is one piece of a template: a text, or a secret's name.
type part struct{ text, secret string }

// cut takes a template apart.
func cut(template string) ([]part, error) {
	var out []part
	var text strings.Builder
	for {
		before, rest, found := strings.Cut(template, opening)
		text.WriteString(before)
		switch {
		case !found:
			return append(out, part{text: text.String()}), nil
		case strings.HasPrefix(rest, ":"):
			text.WriteString(opening)
			template = rest[1:]
			continue
		}
		name, rest, found := strings.Cut(rest, "}")
		if !found || !isSecretName(name) {
			return nil, fmt.Errorf("%q is no placeholder", short(opening+name))
		}
		out = append(out, part{text: text.String()}, part{secret: name})
		text.Reset()
		template = rest
	}
}

// short is the start of a text that may be long.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func isSecretName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	return s != "" && len(s) <= 63 && strings.Trim(s, letters+".-") == "" && strings.ContainsRune(letters, rune(s[0]))
}

// plain is a template without secrets as it is written: what was escaped is itself.
func plain(template string) string { return strings.ReplaceAll(template, opening+":", opening) }

// Formats of generated files.
const (
	formatProperties = "properties"
	formatEnv        = "env"
	formatJSON       = "json"
	formatYAML       = "yaml"
	formatTOML       = "toml"
	formatINI        = "ini"
	formatText       = "text"
)

// escapeSecret writes a secret's value as a part of a value in a file of a format. Errors never hold the value.
func escapeSecret(format, v string) (string, error) {
	switch {
	case strings.ContainsRune(v, 0):
		return "", errors.New("it holds a NUL character, which no generated file can hold")
	case format != formatText && !utf8.ValidString(v):
		return "", errors.New("it is not UTF-8, which only a text file can hold")
	}
	switch format {
	case formatText:
		return v, nil
	case formatProperties:
		return escapeProperty(v, ""), nil
	case formatJSON:
		text, err := renderJSON(v)
		return strings.TrimSuffix(strings.TrimPrefix(text, `"`), "\"\n"), err
	case formatYAML, formatTOML:
		return escapeQuoted(v), nil
	case formatINI:
		return v, iniValueProblem(v)
	}
	if strings.ContainsAny(v, "\n\r") {
		return "", errors.New("it holds a line break, which is not possible here")
	}
	if format == formatEnv {
		return envEscape(v), nil
	}
	return v, nil
}

// Problem is one mistake with the secrets of a generated file.
type Problem struct {
	Path string // dotted, inside the file: properties.db.password
	Text string
	Hint string
	// Unknown is the name that the file's secrets lack, or "".
	Unknown string
}

// Problems finds what is wrong with the secrets of a generated file, in order of path.
func (f File) Problems() []Problem {
	c := inspection{file: f, used: map[string]bool{}}
	c.values(formatProperties, f.Properties)
	c.values(formatEnv, f.Env)
	c.value(formatJSON, f.JSON)
	c.value(formatYAML, f.YAML)
	c.values(formatTOML, f.TOML)
	c.values(formatINI, f.INI)
	if f.Text != nil {
		c.text(formatText, *f.Text)
	}
	for _, name := range sortedKeys(f.Secrets) {
		if !c.used[name] {
			c.add("secrets."+name, fmt.Sprintf("secret %q is not used in the file", name), "write {secret:"+name+"} in a value, or remove it")
		}
	}
	return c.found
}

// inspection looks for placeholders in one file.
type inspection struct {
	file  File
	used  map[string]bool
	found []Problem
}

func (c *inspection) add(path, text, hint string) {
	c.found = append(c.found, Problem{Path: path, Text: text, Hint: hint})
}

func (c *inspection) values(path string, m map[string]any) {
	for _, k := range sortedKeys(m) {
		if strings.Contains(k, opening) {
			c.add(path+"."+k, fmt.Sprintf("key %q holds a placeholder", short(k)), "a secret can be in a value only")
		}
		c.value(path+"."+k, m[k])
	}
}

func (c *inspection) value(path string, v any) {
	switch v := v.(type) {
	case string:
		c.text(path, v)
	case map[string]any:
		c.values(path, v)
	case []any:
		for i, e := range v {
			c.value(fmt.Sprintf("%s.%d", path, i), e)
		}
	}
}

func (c *inspection) text(path, text string) {
	parts, err := cut(text)
	if err != nil {
		c.add(path, err.Error(), "a secret is written {secret:NAME}, the text itself {secret::NAME}")
		return
	}
	told := map[string]bool{}
	for _, p := range parts {
		if _, known := c.file.Secrets[p.secret]; p.secret != "" && !known && !told[p.secret] {
			told[p.secret] = true
			c.add(path, fmt.Sprintf("unknown secret %q", p.secret), "write secrets: "+label(p.secret)+": {…} in the file, or {secret::"+p.secret+"} for the text itself")
			c.found[len(c.found)-1].Unknown = p.secret
		}
		c.used[p.secret] = true
	}
}

// label is a name as a key of CUE.
func label(name string) string {
	if strings.ContainsAny(name, ".-") || name[0] >= '0' && name[0] <= '9' {
		b, _ := json.Marshal(name)
		return string(b)
	}
	return name
}
