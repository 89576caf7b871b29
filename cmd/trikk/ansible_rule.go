package main

import (
	"errors"
	"fmt"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cueerrors "cuelang.org/go/cue/errors"
	"trikk.dev/schema"
)

// scalarRules are the schema's rules for single values.
type scalarRules struct {
	context *cue.Context
	of      cue.Value
}

func newScalarRules() (scalarRules, error) {
	text, err := schema.FS.ReadFile("scalars.cue")
	if err != nil {
		return scalarRules{}, err
	}
	c := cuecontext.New()
	v := c.CompileBytes(text)
	return scalarRules{c, v}, v.Err()
}

// check holds a value against a definition, such as #Name. The error is what the schema says.
func (r scalarRules) check(definition string, value any) error {
	rule := r.of.LookupPath(cue.ParsePath(definition))
	if !rule.Exists() {
		return fmt.Errorf("the schema has no %s", definition)
	}
	err := rule.Unify(r.context.Encode(value)).Validate(cue.Concrete(true))
	if err == nil {
		return nil
	}
	for _, e := range cueerrors.Errors(err) {
		format, args := e.Msg()
		if text := fmt.Sprintf(format, args...); strings.Contains(text, "must be") {
			return errors.New(text[strings.Index(text, "must be"):])
		}
	}
	return fmt.Errorf("is not as %s of the schema wants it", definition)
}
