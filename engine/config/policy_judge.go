package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"trikk.dev/engine/plan"
)

// defendant is an app whose plan is held against policies.
type defendant struct {
	app   plan.App
	json  []byte // the app with every default filled in
	plan  plan.Plan
	brief plan.Brief
}

// judge holds one app and its plan against the policies that concern it.
func (r *rules) judgeOne(d defendant) (out []Diagnostic, err error) {
	defer r.begin(work{r.folder.dir, r.folder.start(r.module).File})()
	for _, p := range r.list {
		if !p.concerns(d.app.Env, d.app.Labels) {
			continue
		}
		if p.app.Exists() {
			value, err := closedOff(r.ctx, d.json)
			if err != nil {
				return nil, err
			}
			out = append(out, p.broken(d.app, "", r.judge(p.app, value))...)
		}
		if p.plan.Exists() && d.brief.Refused == "" {
			value, err := briefed(r.ctx, d.brief, d.plan)
			if err != nil {
				return nil, err
			}
			out = append(out, p.broken(d.app, "plan", r.judge(p.plan, value))...)
		}
	}
	return out, nil
}

// broken words what breaks the policy: at the offender's place, with the condition's.
func (p rule) broken(app plan.App, prefix string, found []Finding) (out []Diagnostic) {
	for _, f := range found {
		where := strings.Trim(prefix+"."+f.Path, ".")
		at := f.Pos
		if at.File == "" {
			at = p.Pos
		}
		d := Diagnostic{exact: true, Hint: "policy at " + place(at)}
		d.Message = fmt.Sprintf("policy %q: %s: %s in %s: %s", p.Name, p.Message, app.Name, app.Env, strings.TrimPrefix(where+": ", ": ")+f.Message)
		if f.Found != "" {
			d.Message += ", found " + clip(f.Found)
		}
		if d.Pos = app.Pos; prefix == "" {
			d.Path, d.Pos = f.Path, nearestPlace(app.Places, f.Path, app.Pos)
		}
		out = append(out, d)
	}
	return out
}

// vetHere is Vet in this process.
func vetHere(ctx context.Context, o Options) (Workspace, error) {
	l, wrong := loadAll(ctx, o)
	if !l.Sound || len(l.Policies) == 0 {
		return l.Workspace, wrong
	}
	within, err := l.limits(o.Paths)
	if err != nil {
		return Workspace{}, err
	}
	apps := slices.DeleteFunc(l.Apps(), func(a plan.App) bool { return !within.covers(l.file(a.Pos)) })
	f, _ := policyFolder(l.folders)
	var broken []Diagnostic
	for part := range slices.Chunk(apps, batchSize) {
		if err := ctx.Err(); err != nil {
			return Workspace{}, fmt.Errorf("judging: %w", err)
		}
		r := l.rules(f)
		for _, a := range part {
			found, err := r.judgeOne(l.offline(a))
			if err != nil {
				return Workspace{}, fmt.Errorf("judging %s in %s: %w", a.Name, a.Env, err)
			}
			broken = append(broken, found...)
		}
	}
	if len(broken) > 0 {
		wrong = Join(wrong, &Errors{List: merge(broken)})
	}
	return l.Workspace, wrong
}

// offline is an app with its plan as if nothing were installed.
func (l loading) offline(a plan.App) defendant {
	d := defendant{app: a, json: l.json[source{a.Name, a.Env}]}
	env, err := l.Environment(a.Env)
	if err == nil {
		d.plan, err = plan.Compile(env, []plan.App{a}, plan.Facts{}, plan.Intent{Kind: plan.Deploy, ID: testID, CreatedAt: testMoment, CreatedBy: testAuthor, Offline: true})
	}
	d.brief = d.plan.Brief(a.Name)
	if err != nil {
		d.brief = plan.Refused(err) // which trikk vet tells too
	}
	return d
}

// judgeHere is Judge in this process.
func judgeHere(ctx context.Context, o Options, q request) error {
	e, err := o.evaluator()
	if err != nil {
		return err
	}
	folders, diags, err := e.scan(ctx)
	if err != nil {
		return fmt.Errorf("looking for policies: %w", err)
	}
	f, ok := policyFolder(folders)
	if !ok || len(diags) > 0 {
		return failure("the policies are no longer what they were a moment ago", "try again")
	}
	p, err := plan.Decode(bytes.NewReader(q.Plan))
	if err != nil {
		return err
	}
	r := e.rules(f)
	if len(r.diags) > 0 {
		return &Errors{List: tidy(r.diags)}
	}
	var wrong []Diagnostic
	for i, a := range p.Apps {
		whole, err := r.defaults(q.Apps[i])
		if err != nil {
			return fmt.Errorf("judging %s: %w", a.App, err)
		}
		found, err := r.judgeOne(defendant{app: a.Source, json: whole, plan: p, brief: p.Brief(a.App)})
		if err != nil {
			return fmt.Errorf("judging %s: %w", a.App, err)
		}
		for j := range found {
			found[j].whole = a.App // whose places are known elsewhere
		}
		wrong = append(wrong, found...)
	}
	if len(wrong) > 0 {
		return &Errors{List: wrong}
	}
	return nil
}

// defaults fills in what a plan leaves out of an app because it is as if it were not there.
func (r *rules) defaults(app []byte) ([]byte, error) {
	v := r.ctx.CompileBytes(app).Unify(r.language.deployment)
	if err := v.Validate(cue.Concrete(true), cue.Final()); err != nil {
		return nil, err
	}
	return v.MarshalJSON()
}

func (q *request) encode(p plan.Plan) error {
	var text bytes.Buffer
	if err := plan.Encode(&text, p); err != nil {
		return fmt.Errorf("judging a plan: %w", err)
	}
	q.Plan = text.Bytes()
	return nil
}

// appOf is the app of a plan as the config writes it, where the plan was made of that; else as the plan has it. The version is the
// plan's.
func (w Workspace) appOf(a plan.AppPlan, env string) ([]byte, error) {
	text, err := plainly(a.Source)
	if err != nil {
		return nil, err
	}
	if d, err := w.Deployment(a.App, env); err == nil {
		if own, err := plainly(d); err == nil && bytes.Equal(own, text) && w.json[source{a.App, env}] != nil {
			text = w.json[source{a.App, env}]
		}
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	if fields["version"], err = json.Marshal(a.Version); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// plainly writes an app without its version and without what only the controller knows.
func plainly(a plan.App) ([]byte, error) {
	a = copied(a)
	a.Version, a.Dir = "", ""
	eachSecret(&a, func(_ string, s *plan.Secret) { s.Dir, s.Digest = "", "" })
	return json.Marshal(a)
}

// locate finds the places of what breaks policies in a plan, which has none.
func (w Workspace) locate(p plan.Plan, wrong []Diagnostic) {
	for i, d := range wrong {
		app, err := w.Deployment(d.whole, p.Env)
		if err != nil || d.Pos.File != "" {
			continue
		}
		wrong[i].Pos = nearestPlace(app.Places, d.Path, app.Pos)
	}
}
