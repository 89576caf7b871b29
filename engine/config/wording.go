package config

import (
	stderrors "errors"
	"fmt"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
)

// cause says what is wrong with an expression by itself, whatever the schema wants of it, also where it is part of a string;
// "" where that isn't clear.
func cause(err error) string {
	for whole := err; err != nil; err = stderrors.Unwrap(err) {
		e, ok := err.(errors.Error)
		if !ok {
			continue
		}
		format, _ := e.Msg()
		for _, start := range []string{"failed arithmetic", "invalid operand", "cannot use", "cannot call", "not enough arguments", "too many arguments", "index out of range"} {
			if strings.HasPrefix(format, start) && (err == whole || start != "cannot use") { // what a string can't hold is told of the string
				return saying(e)
			}
		}
		_, text, ok := strings.Cut(e.Error(), "error in call to ")
		if ok && strings.HasPrefix(format, "error in call") && !strings.Contains(text, "incomplete") && !strings.Contains(text, "non-concrete") {
			return "error in call to " + clip(text)
		}
	}
	return ""
}

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
