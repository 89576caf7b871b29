package config

import (
	"bytes"
	"path/filepath"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
	"trikk.dev/engine/plan"
)

// pos makes a position relative to the folder that was asked for.
func (m module) pos(p token.Pos) plan.Pos {
	if !p.IsValid() {
		return plan.Pos{}
	}
	q := p.Position()
	return plan.Pos{File: m.show(q.Filename), Line: q.Line, Column: q.Column}
}

// show writes a file name relative to the folder that was asked for, with slashes.
func (m module) show(file string) string {
	if file == "" {
		return ""
	}
	if r, err := filepath.Rel(m.base, file); err == nil {
		return filepath.ToSlash(r)
	}
	return file
}

// file gives the absolute name of a position's file.
func (m module) file(p plan.Pos) string { return filepath.Join(m.base, filepath.FromSlash(p.File)) }

// at is the position of an offset in a file's data.
func (m module) at(file string, data []byte, offset int) plan.Pos {
	head := data[:offset]
	line := 1 + bytes.Count(head, []byte("\n"))
	return plan.Pos{File: m.show(file), Line: line, Column: offset - bytes.LastIndexByte(head, '\n')}
}

// valuePos gives the place in a user's file where v is set: of a scalar its value, of a struct or list its label. The
// result is not valid when v comes from the schema only.
func (m module) valuePos(v cue.Value) token.Pos {
	if v == (cue.Value{}) {
		return token.NoPos
	}
	scalar := v.IncompleteKind()&(cue.StructKind|cue.ListKind) == 0
	if f, ok := v.Source().(*ast.Field); ok && m.isUser(f.Pos().Filename()) {
		if scalar {
			return f.Value.Pos()
		}
		return f.Label.Pos()
	}
	if p := v.Pos(); scalar && p.IsValid() && m.isUser(p.Filename()) {
		return p
	}
	if p := m.operandPos(v); p.IsValid() {
		return p
	}
	if p := v.Pos(); p.IsValid() && m.isUser(p.Filename()) {
		return p
	}
	return token.NoPos
}

// labelPos gives the place in a user's file where the name of v's field is written.
func (m module) labelPos(v cue.Value) token.Pos {
	if f, ok := v.Source().(*ast.Field); ok && m.isUser(f.Pos().Filename()) {
		return f.Label.Pos()
	}
	if p := m.operandPos(v); p.IsValid() {
		return p
	}
	return m.valuePos(v)
}

// operandPos gives the first place in a user's file among the values that were unified to v.
func (m module) operandPos(v cue.Value) token.Pos {
	op, args := v.Expr()
	if op != cue.AndOp && op != cue.NoOp {
		return token.NoPos
	}
	for _, a := range args {
		s := a.Source()
		if s == nil || !m.isUser(s.Pos().Filename()) {
			continue
		}
		if f, ok := s.(*ast.Field); ok {
			return f.Label.Pos()
		}
		return s.Pos()
	}
	return token.NoPos
}
