package config

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
	"trikk.dev/engine/plan"
)

// caseText is a case as its file says it.
type caseText struct {
	App     string        `json:"app"`
	Env     string        `json:"env"`
	Intent  string        `json:"intent"`
	Version string        `json:"version"`
	Live    plan.Supposed `json:"live"`
	Golden  bool          `json:"golden"`

	name  string
	pos   plan.Pos
	wants cue.Value // of the plan; none: nothing
}

// tester runs the tests of a loaded config repository.
type tester struct {
	loading
	folders []folder // with tests
	diags   []Diagnostic
}

// run evaluates the folders, some at a time in one CUE context, and runs their cases.
func (t *tester) run(ctx context.Context) (out []Case, err error) {
	for part := range slices.Chunk(t.folders, batchSize) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("testing: %w", err)
		}
		b, err := t.build(part, nil)
		if err != nil {
			return nil, &Errors{List: []Diagnostic{t.notLoaded(err)}}
		}
		for i, f := range part {
			out = append(out, t.folder(f, b.values[i], b.language)...)
		}
	}
	return out, nil
}

// folder runs the cases of one folder; a panic of the evaluator is a mistake of the folder.
func (t *tester) folder(f folder, l loaded, lang language) (out []Case) {
	defer func() {
		if r := recover(); r != nil {
			t.diags = append(t.diags, Diagnostic{Pos: f.start(t.module), Message: fmt.Sprintf("the CUE library gave up on these tests: %v", r)})
		}
	}()
	defer t.begin(work{f.dir, f.start(t.module).File})()
	before := len(t.diags)
	list := t.read(f, l, lang)
	if len(t.diags) > before {
		return nil
	}
	for _, w := range list {
		out = append(out, t.try(f, l.ctx, w))
	}
	return out
}

// read gives the cases of a folder. What is wrong with one is among the mistakes then.
func (t *tester) read(f folder, l loaded, lang language) (out []caseText) {
	add := func(ds ...Diagnostic) { t.diags = append(t.diags, ds...) }
	r := t.reader(f, lang)
	l = r.mend(l)
	add(r.outcome.diags...)
	if l.err != nil {
		if len(r.outcome.diags) == 0 {
			add(t.plain(l.err)...)
		}
		return nil
	}
	tests := l.ctx.CompileString("close({[string]: #Test})", cue.Scope(r.language.schema))
	unknown := t.misnamedFields(l.inst.Files, "tests", tests)
	add(unknown...)
	spoilt, ok := t.spoilt(l.inst.Files, "tests", unknown, r.cuts)
	if !ok {
		return nil
	}
	if notBuilt(l.value) {
		add(t.plain(l.value.Err())...)
		return nil
	}
	for _, top := range f.labels {
		if own := top.name != "" && top.name[0] != '_' && top.name[0] != '#'; own && top.name != "tests" && !(f.used[top.name] && top.name != "app") {
			add(Diagnostic{Pos: top.pos, Message: fmt.Sprintf("field %q is no test", top.name), Hint: "the form is tests: \"NAME\": schema.#Test & {…}; what only tests use begins with _"})
		}
	}
	cases := field(l.value, "tests")
	if !cases.Exists() {
		add(Diagnostic{Pos: f.start(t.module), Message: "the file has no tests", Hint: "the form is tests: \"NAME\": schema.#Test & {…}"})
		return nil
	}
	it, err := cases.Unify(tests).Fields(cue.ErrorsAsValues(true))
	if err != nil {
		add(t.plain(err)...)
		return nil
	}
	goldens := map[string]string{}
	for it.Next() {
		if spoilt[it.Selector().Unquoted()] {
			continue
		}
		w, ds := t.readCase(f, it.Selector().Unquoted(), it.Value())
		add(ds...)
		if other := goldens[slug(w.name)]; w.Golden && other != "" {
			add(Diagnostic{Pos: w.pos, Message: fmt.Sprintf("test %q has the golden file of test %q", w.name, other), Hint: "rename one"})
		} else if w.Golden {
			goldens[slug(w.name)] = w.name
		}
		out = append(out, w)
	}
	return out
}

// readCase reads one case. All but its conditions must have values.
func (t *tester) readCase(f folder, name string, v cue.Value) (w caseText, wrong []Diagnostic) {
	w.name, w.pos = name, t.pos(t.valuePos(v))
	if w.pos.File == "" {
		w.pos = f.start(t.module)
	}
	data := map[string]json.RawMessage{}
	it, err := v.Fields(cue.ErrorsAsValues(true))
	if err != nil {
		return w, t.located(w.pos, err)
	}
	for it.Next() {
		name, is := it.Selector().Unquoted(), it.Value()
		if name == "plan" {
			w.wants = is
			wrong = append(wrong, t.located(w.pos, is.Validate())...)
			continue
		}
		if err := is.Validate(cue.Concrete(true), cue.All()); err != nil {
			wrong = append(wrong, t.located(w.pos, err)...)
			continue
		}
		if data[name], err = is.MarshalJSON(); err != nil {
			wrong = append(wrong, t.located(w.pos, err)...)
		}
	}
	if len(wrong) > 0 {
		return w, wrong
	}
	if err := v.Validate(); err != nil {
		return w, t.located(w.pos, err)
	}
	text, err := json.Marshal(data)
	if err == nil {
		err = unmarshal(text, &w)
	}
	if err != nil {
		return w, t.located(w.pos, err)
	}
	return w, t.sensible(f, &w)
}

// sensible finds what is wrong with a case that its schema lets pass, and fills in its app.
func (t *tester) sensible(f folder, w *caseText) []Diagnostic {
	say := func(message, hint string) []Diagnostic {
		return []Diagnostic{{Pos: w.pos, Path: "tests." + w.name, Message: message, Hint: hint}}
	}
	if w.Env == "" {
		return say("env: required field is missing", "")
	}
	if w.App == "" {
		w.App = t.appOf(f)
	}
	switch {
	case w.App == "":
		return say("app: required field is missing", "the folder has no app of its own")
	case !w.Golden && !w.wants.Exists():
		return say("nothing is tested", "write what the plan must be: plan: {…}, or golden: true")
	case w.Golden && slug(w.name) == "":
		return say("the name has neither letters nor digits, which its golden file would be named by", "")
	}
	if _, err := t.Deployment(w.App, w.Env); err != nil {
		return say(err.Error(), "")
	}
	return nil
}

// appOf is the app of a folder.
func (t *tester) appOf(f folder) string {
	for _, o := range t.outcomes {
		if o.folder.dir == f.dir && o.folder.pkg == f.pkg {
			return o.name
		}
	}
	return ""
}

// located gives CUE's errors about a value, at the first place of the user's behind the one where the value begins; else there.
func (m module) located(begin plan.Pos, err error) (out []Diagnostic) {
	for _, e := range errors.Errors(err) {
		d := m.one(e)
		d.Pos = begin
		for _, p := range m.users(e) {
			if at := m.pos(p); at.File == begin.File && at.Line >= begin.Line && (at.Line > begin.Line || at.Column > begin.Column) {
				d.Pos = at
				break
			}
		}
		if format, _ := e.Msg(); format == "field is required but not present" && len(e.Path()) > 0 {
			d.Message = bare(e.Path()[len(e.Path())-1]) + ": required field is missing"
		}
		out = append(out, d)
	}
	return out
}
