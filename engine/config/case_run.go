package config

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"

	"cuelang.org/go/cue"
	"trikk.dev/engine/plan"
)

// What plans of tests say of themselves is always the same.
const (
	testID      = "20260101T120000-0000"
	testMoment  = "2026-01-01T12:00:00Z"
	testAuthor  = "test@controller"
	testingRoot = "/repository"
)

// try makes the plan of a case and holds it against what the case wants.
func (t *tester) try(f folder, ctx *cue.Context, w caseText) Case {
	c := Case{Name: w.name, Dir: t.show(filepath.Join(t.module.root, filepath.FromSlash(f.dir))), App: w.App, Env: w.Env, Pos: w.pos}
	if w.Golden {
		c.Golden = t.goldenOf(f.dir, w.name)
	}
	p, err := t.plan(w)
	brief := p.Brief(w.App)
	if err != nil {
		brief = plan.Refused(err)
		c.Refused = brief.Refused
	}
	if err == nil && w.Golden {
		if c = c.encoded(p); c.Document == nil {
			return c
		}
	}
	if c.Refused != "" && w.Golden {
		return c.failed("the plan is refused, so that there is none for " + c.Golden + ": " + c.Refused)
	}
	if c.Refused != "" && !(w.wants.Exists() && field(w.wants, "refused").Exists()) {
		return c.failed("the plan is refused: " + c.Refused)
	}
	if !w.wants.Exists() {
		return c
	}
	value, err := briefed(ctx, brief, p)
	if err != nil {
		return c.failed(err.Error())
	}
	c.Findings = t.judge(w.wants, value)
	for i, found := range c.Findings {
		c.Findings[i].Path = strings.TrimSuffix("plan."+found.Path, ".")
		if !t.mine(found.Pos) {
			c.Findings[i].Pos = w.pos
		}
	}
	return c
}

// encoded is a case with the document of its plan.
func (c Case) encoded(p plan.Plan) Case {
	var text bytes.Buffer
	if err := plan.Encode(&text, p); err != nil {
		return c.failed("can't be encoded: " + err.Error())
	}
	c.Document = text.Bytes()
	return c
}

// failed is a case that fails as a whole.
func (c Case) failed(message string) Case {
	c.Findings = append(c.Findings, Finding{Pos: c.Pos, Message: message})
	return c
}

// plan compiles the plan of a case. Nothing in it depends on where the config repository is.
func (t *tester) plan(w caseText) (plan.Plan, error) {
	app, err := t.Deployment(w.App, w.Env)
	if err != nil {
		return plan.Plan{}, err
	}
	env, err := t.Environment(w.Env)
	if err != nil {
		return plan.Plan{}, err
	}
	app = placeless(app, t.module.root)
	in := plan.Intent{Kind: w.Intent, ID: testID, CreatedAt: testMoment, CreatedBy: testAuthor}
	if w.Version != "" {
		in.Versions = map[string]string{w.App: w.Version}
	}
	facts, err := w.Live.Facts(env, app, in)
	if err != nil {
		return plan.Plan{}, err
	}
	return plan.Compile(env, []plan.App{app}, facts, in)
}

// placeless is an app as if its config repository were elsewhere, always at the same place.
func placeless(app plan.App, root string) plan.App {
	move := func(p string) string {
		if rest, ok := strings.CutPrefix(p, root); ok {
			return testingRoot + rest
		}
		return p
	}
	app = copied(app)
	app.Dir = move(app.Dir)
	eachSecret(&app, func(_ string, s *plan.Secret) { s.Dir = move(s.Dir) })
	if f := app.Artifact.File; f != nil {
		f.Path = move(f.Path)
	}
	app.Pos.File = ""
	app.Places = nil
	return app
}

// copied is an app that shares nothing that eachSecret changes, or what its artifact points to.
func copied(app plan.App) plan.App {
	data, err := json.Marshal(app)
	if err != nil {
		return app
	}
	out := plan.App{Pos: app.Pos, Places: app.Places}
	if err := unmarshal(data, &out); err != nil {
		return app
	}
	return out
}

// briefed is a plan as conditions see it.
func briefed(ctx *cue.Context, b plan.Brief, p plan.Plan) (cue.Value, error) {
	var document bytes.Buffer
	if b.Refused == "" {
		if err := plan.Encode(&document, p); err != nil {
			return cue.Value{}, err
		}
	}
	text, err := json.Marshal(b)
	if err != nil {
		return cue.Value{}, err
	}
	if document.Len() > 0 {
		text = append(text[:len(text)-1], `,"document":`...)
		text = append(append(text, document.Bytes()...), '}')
	}
	return closedOff(ctx, text)
}
