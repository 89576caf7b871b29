package config

import (
	"path"
	"strings"
)

// isSource reports whether CUE would read a file of this name.
func isSource(base string) bool {
	return strings.HasSuffix(base, ".cue") && !strings.HasPrefix(base, "_") && !strings.HasPrefix(base, ".") &&
		!strings.HasSuffix(base, "_tool.cue") && !strings.HasSuffix(base, "_test.cue")
}

// packageName makes a package name of a folder's name.
func packageName(dir string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(path.Base(dir)))
	if strings.Trim(name, "0123456789") == "" {
		return "config"
	}
	return strings.TrimLeft(name, "0123456789")
}
