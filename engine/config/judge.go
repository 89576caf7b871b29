package config

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/encoding/json"
	"trikk.dev/engine/plan"
)

// Finding is one condition that something does not meet.
type Finding struct {
	Pos     plan.Pos // of the condition
	Path    string   // of what does not meet it, dotted
	Message string
	Found   string // the value there, on one line; "" where there is none
}

// closedOff makes a value of JSON that has the fields that it has and no others, down to its leaves: a condition on another field
// then fails, where CUE would add the field.
func closedOff(ctx *cue.Context, data []byte) (cue.Value, error) {
	e, err := json.Extract("", data)
	if err != nil {
		return cue.Value{}, fmt.Errorf("reading a value: %w", err)
	}
	file := &ast.File{Decls: []ast.Decl{&ast.Field{Label: ast.NewIdent("#it"), Value: e}}}
	v := ctx.BuildFile(file).LookupPath(cue.MakePath(cue.Def("it")))
	return v, v.Err()
}

// judge holds a value against conditions. What can't be evaluated is not met.
func (m module) judge(conditions, value cue.Value) []Finding {
	err := conditions.Unify(value).Validate(cue.Concrete(true), cue.Final(), cue.All())
	if err == nil {
		return nil
	}
	base := len(conditions.Path().Selectors())
	var out []Finding
	at := map[string]int{}
	for _, e := range errors.Errors(err) {
		path := e.Path()
		names := make([]string, 0, len(path))
		for _, p := range path[min(base, len(path)):] {
			names = append(names, bare(p))
		}
		f := Finding{Path: strings.Join(names, "."), Found: valueText(value, names), Pos: m.condition(conditions, e, names)}
		f.Message = unmet(e, f.Found)
		i, again := at[f.Path]
		switch {
		case !again:
			at[f.Path] = len(out)
			out = append(out, f)
		case custom(e) != "":
			out[i].Message = f.Message
		}
	}
	return slices.DeleteFunc(out, func(f Finding) bool { // a struct around what is told is told by that
		return f.Path == "" && len(out) > 1
	})
}

// unmet says what a condition wants of a value.
func unmet(e errors.Error, found string) string {
	format, args := e.Msg()
	switch {
	case format == "field not allowed", format == "field is required but not present":
		return "is not there"
	case strings.HasPrefix(format, "conflicting values %s and %s") && len(args) >= 2:
		want := clip(fmt.Sprint(args[0]))
		if want == clip(found) {
			want = clip(fmt.Sprint(args[1]))
		}
		return "must be " + want
	case strings.HasPrefix(format, "invalid value") && strings.Contains(format, "out of bound") && len(args) == 2:
		return "must be " + clip(fmt.Sprint(args[1]))
	}
	return saying(e)
}

// condition gives the place of the condition that a value does not meet: the nearest one that is written on the way to it.
func (m module) condition(v cue.Value, e errors.Error, path []string) plan.Pos {
	if in := m.users(e); len(in) > 0 {
		return m.pos(in[0])
	}
	best := m.pos(m.valuePos(v))
	for _, name := range path {
		if v = next(v, name); !v.Exists() {
			break
		}
		if p := m.valuePos(v); p.IsValid() {
			best = m.pos(p)
		}
	}
	return best
}

// valueText writes the value at a path on one line; "" where there is none.
func valueText(v cue.Value, path []string) string {
	for _, name := range path {
		if v = next(v, name); !v.Exists() {
			return ""
		}
	}
	data, err := v.MarshalJSON()
	if err != nil {
		return ""
	}
	const most = 200
	if r := []rune(string(data)); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(data)
}
