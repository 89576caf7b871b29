package config

import (
	"fmt"
	"strings"

	"cuelang.org/go/cue"
)

// kindWords names a kind as people call it.
func kindWords(k cue.Kind) string {
	var out []string
	for _, w := range []struct {
		kind cue.Kind
		word string
	}{{cue.StringKind, "a string in quotes"}, {cue.NumberKind, "a number"}, {cue.IntKind, "a whole number"}, {cue.FloatKind, "a number with a point"}, {cue.BoolKind, "true or false"},
		{cue.ListKind, "a list: […]"}, {cue.StructKind, "a struct: {…}"}, {cue.NullKind, "null"}, {cue.BytesKind, "bytes"}} {
		if k&w.kind == w.kind && !(cue.NumberKind&w.kind == w.kind && w.kind != cue.NumberKind && k&cue.NumberKind == cue.NumberKind) {
			out = append(out, w.word)
		}
	}
	return strings.Join(out, " or ")
}

// short writes a value in at most one short line.
func short(v cue.Value) string {
	switch v.IncompleteKind() {
	case cue.StructKind:
		return "a struct"
	case cue.ListKind:
		return "a list"
	}
	return clip(fmt.Sprint(v))
}

// clip cuts a long text.
func clip(s string) string {
	const most = 60
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(out, ", ")
}
