package plan

import (
	"errors"
	"fmt"
	"strings"
)

// renderINI writes NAME=value lines, then [SECTION]s with such lines, sorted. There is no quoting that all readers of ini know, so
// that a value is written as it is, and one that readers would take apart is refused.
func renderINI(m map[string]any) (string, error) {
	var values, sections strings.Builder
	for _, k := range sortedKeys(m) {
		section, ok := m[k].(map[string]any)
		if !ok {
			if err := iniLine(&values, k, m[k]); err != nil {
				return "", err
			}
			continue
		}
		if err := iniNameProblem(k, "[]"); err != nil {
			return "", fmt.Errorf("section %q %w", short(k), err)
		}
		sections.WriteString("\n[" + k + "]\n")
		for _, name := range sortedKeys(section) {
			if err := iniLine(&sections, name, section[name]); err != nil {
				return "", fmt.Errorf("%s: %w", k, err)
			}
		}
	}
	return strings.TrimPrefix(values.String()+sections.String(), "\n"), nil
}

func iniLine(b *strings.Builder, name string, v any) error {
	if err := iniNameProblem(name, "=:["); err != nil {
		return fmt.Errorf("key %q %w", short(name), err)
	}
	text, err := scalar(v)
	if err == nil {
		err = iniValueProblem(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.WriteString(name + "=" + text + "\n")
	return nil
}

// iniNameProblem says why a text can't be a key or a section, which can't hold some characters.
func iniNameProblem(name, not string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case strings.ContainsAny(name, not+"#;"):
		return fmt.Errorf("can't hold any of %s#;", not)
	case name != strings.TrimSpace(name), hasControl(name):
		return errors.New("can't begin or end with a blank, or hold control characters")
	}
	return nil
}

// iniValueProblem says why a text can't be a value, or a part of one. It never holds the text, which may be a secret.
func iniValueProblem(v string) error {
	switch {
	case hasControl(v):
		return errors.New("a value of an ini file can't hold a line break or another control character")
	case v != strings.TrimSpace(v):
		return errors.New("a value of an ini file can't begin or end with a blank, which readers drop")
	case strings.HasPrefix(v, "#"), strings.HasPrefix(v, ";"), strings.Contains(v, " #"), strings.Contains(v, " ;"):
		return errors.New("a value of an ini file can't hold # or ; at its beginning or behind a blank, where readers see a comment")
	case strings.HasSuffix(v, `\`):
		return errors.New(`a value of an ini file can't end with \, where readers go on with the next line`)
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 })
}
