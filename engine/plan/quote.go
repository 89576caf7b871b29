package plan

import (
	"fmt"
	"strings"
)

// quote makes one POSIX shell word of s, whatever it holds. It panics on NUL, which no shell word can hold and which the
// schema refuses.
func quote(s string) string {
	if strings.ContainsRune(s, 0) {
		panic(fmt.Sprintf("NUL in %q", s))
	}
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// QuotePath is one shell word, as quote makes it, for a path that may start with ~/, the home of the user that runs the script.
func QuotePath(p string) string {
	if p == "~" {
		return `"$HOME"`
	}
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		return `"$HOME"/` + quote(rest)
	}
	return quote(p)
}
