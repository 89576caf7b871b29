package plan

import (
	"encoding/json"
	"fmt"
	"strings"
)

// renderYAML writes YAML in blocks, sorted by key, that readers of YAML 1.1 and 1.2 take for the same: every text is in double quotes,
// and a number is one for both.
func renderYAML(v any) (string, error) {
	if flat, err := yamlFlat(v); flat != "" || err != nil {
		return flat + "\n", err
	}
	var b strings.Builder
	err := yamlBlock(&b, v, "")
	return b.String(), err
}

// yamlFlat is a value that fits behind its key; "" where it needs lines of its own.
func yamlFlat(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case string:
		return quoted(v), nil
	case bool:
		return scalar(v)
	case map[string]any:
		if len(v) == 0 {
			return "{}", nil
		}
		return "", nil
	case []any:
		if len(v) == 0 {
			return "[]", nil
		}
		return "", nil
	}
	return numeral(v)
}

// yamlBlock writes a map or a list that is not empty, each line behind an indent.
func yamlBlock(b *strings.Builder, v any, indent string) error {
	if list, ok := v.([]any); ok {
		for i, e := range list {
			if err := yamlItem(b, e, indent); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("value %v can't be written as YAML", v)
	}
	for _, k := range sortedKeys(m) {
		if err := yamlEntry(b, k, m[k], indent); err != nil {
			return fmt.Errorf("%s: %w", short(k), err)
		}
	}
	return nil
}

func yamlEntry(b *strings.Builder, key string, v any, indent string) error {
	name := yamlKey(key)
	if len(name) > mostOfYAMLKey {
		return fmt.Errorf("a key of YAML has at most %d bytes", mostOfYAMLKey)
	}
	flat, err := yamlFlat(v)
	if err != nil {
		return err
	}
	if flat != "" {
		b.WriteString(indent + name + ": " + flat + "\n")
		return nil
	}
	b.WriteString(indent + name + ":\n")
	return yamlBlock(b, v, indent+"  ")
}

// yamlItem writes an element of a list; the first line of one with several stands behind the dash.
func yamlItem(b *strings.Builder, v any, indent string) error {
	flat, err := yamlFlat(v)
	if err != nil {
		return err
	}
	if flat != "" {
		b.WriteString(indent + "- " + flat + "\n")
		return nil
	}
	var lines strings.Builder
	err = yamlBlock(&lines, v, indent+"  ")
	b.WriteString(indent + "- " + strings.TrimPrefix(lines.String(), indent+"  "))
	return err
}

// mostOfYAMLKey is below the 1024 characters that readers look ahead for the colon.
const mostOfYAMLKey = 1000

// yamlKey quotes a key unless it is a word that is nothing else in any version of YAML.
func yamlKey(k string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	if k == "" || !strings.ContainsRune(letters, rune(k[0])) || strings.Trim(k, letters+"0123456789.-") != "" {
		return quoted(k)
	}
	switch strings.ToLower(k) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return quoted(k)
	}
	return k
}

// quoted is a text in double quotes, as JSON, YAML and TOML read it.
func quoted(s string) string { return `"` + escapeQuoted(s) + `"` }

// escapeQuoted escapes what can't be in double quotes as it is, in YAML or in TOML.
func escapeQuoted(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// numeral writes a number. One with an exponent has a point and a sign too, without which YAML 1.1 takes it for a text.
func numeral(v any) (string, error) {
	switch v.(type) {
	case json.Number, float64, int:
	default:
		return "", fmt.Errorf("value %v can't be written", v)
	}
	text, err := scalar(v)
	if err != nil {
		return "", err
	}
	mantissa, exponent, found := strings.Cut(strings.ToLower(text), "e")
	if !found {
		return text, nil
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if exponent[0] != '-' && exponent[0] != '+' {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent, nil
}
