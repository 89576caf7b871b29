package plan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// renderTOML writes TOML 1.0, sorted by key: first the values of a table, then the tables in it.
func renderTOML(m map[string]any) (string, error) {
	var b strings.Builder
	err := tomlTable(&b, m, nil)
	return strings.TrimPrefix(b.String(), "\n"), err
}

// tomlTable writes what is in the table of a path, whose head is written.
func tomlTable(b *strings.Builder, m map[string]any, path []string) error {
	for _, k := range sortedKeys(m) {
		if isTOMLTable(m[k]) {
			continue
		}
		text, err := tomlValue(m[k])
		if err != nil {
			return fmt.Errorf("%s: %w", short(k), err)
		}
		b.WriteString(tomlKey(k) + " = " + text + "\n")
	}
	for _, k := range sortedKeys(m) {
		if !isTOMLTable(m[k]) {
			continue
		}
		if err := tomlTables(b, m[k], append(slices.Clip(path), tomlKey(k))); err != nil {
			return fmt.Errorf("%s: %w", short(k), err)
		}
	}
	return nil
}

// tomlTables writes a table, or each one of a list, with its head.
func tomlTables(b *strings.Builder, v any, path []string) error {
	name := strings.Join(path, ".")
	if m, ok := v.(map[string]any); ok {
		b.WriteString("\n[" + name + "]\n")
		return tomlTable(b, m, path)
	}
	for i, e := range v.([]any) {
		b.WriteString("\n[[" + name + "]]\n")
		if err := tomlTable(b, e.(map[string]any), path); err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
	}
	return nil
}

// isTOMLTable: the value has a head of its own. It is a table, or a list of nothing but tables.
func isTOMLTable(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return true
	case []any:
		return len(v) > 0 && !slices.ContainsFunc(v, func(e any) bool { _, table := e.(map[string]any); return !table })
	}
	return false
}

// tomlValue is a value behind its key, with tables inside lists in one line.
func tomlValue(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", errors.New("TOML has no null (leave the key out)")
	case string:
		return quoted(v), nil
	case bool:
		return scalar(v)
	case []any:
		var out []string
		for i, e := range v {
			text, err := tomlValue(e)
			if err != nil {
				return "", fmt.Errorf("%d: %w", i, err)
			}
			out = append(out, text)
		}
		return "[" + strings.Join(out, ", ") + "]", nil
	case map[string]any:
		var out []string
		for _, k := range sortedKeys(v) {
			text, err := tomlValue(v[k])
			if err != nil {
				return "", fmt.Errorf("%s: %w", short(k), err)
			}
			out = append(out, tomlKey(k)+" = "+text)
		}
		return "{" + strings.Join(out, ", ") + "}", nil
	}
	return tomlNumber(v)
}

// tomlNumber refuses what is beyond the 64 bits that readers of TOML have.
func tomlNumber(v any) (string, error) {
	text, err := numeral(v)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(text, ".e") {
		_, err = strconv.ParseFloat(text, 64)
	} else {
		_, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		return "", fmt.Errorf("%s is beyond the numbers of TOML, which have 64 bits", short(text))
	}
	return text, nil
}

func tomlKey(k string) string {
	if k == "" || strings.Trim(k, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return quoted(k)
	}
	return k
}
