package config

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"trikk.dev/engine/plan"
)

// Policy is a rule of the organisation that a config repository is in.
type Policy struct {
	Name         string   `json:"-"`
	Message      string   `json:"message"`
	Environments []string `json:"environments,omitempty"` // none: all
	Labels       string   `json:"labels,omitempty"`       // a selector; "": all apps
	Pos          plan.Pos `json:"-"`
}

// concerns tells whether the policy holds for an app in an environment.
func (p Policy) concerns(env string, labels map[string]string) bool {
	terms, err := parseSelector(p.Labels)
	return err == nil && (len(p.Environments) == 0 || slices.Contains(p.Environments, env)) && terms.match(labels)
}

const (
	policyName = "policy" // of the package and its folder
	policyForm = "the form is policies: \"NAME\": schema.#Policy & {…}; what policies share begins with _ or #"
)

// isPolicy reports whether the folder holds the policies of the config repository.
func (f folder) isPolicy() bool {
	return path.Base(f.dir) == policyName && f.pkg == policyName && !f.has("app") && !f.has("environments")
}

// rule is a policy with its conditions; of one that does not exist there are none.
type rule struct {
	Policy
	app, plan cue.Value
}

// rules are the policies in one CUE context.
type rules struct {
	evaluator
	folder   folder
	list     []rule
	ctx      *cue.Context
	language language
	cuts     cuts // what was taken out of the files, and is told
	diags    []Diagnostic
}

func (r *rules) add(ds ...Diagnostic) { r.diags = append(r.diags, ds...) }

// policyFolder finds the folder of the policies.
func policyFolder(all []folder) (folder, bool) {
	i := slices.IndexFunc(all, folder.isPolicy)
	if i < 0 {
		return folder{}, false
	}
	return all[i], true
}

// rules evaluates the policies in a fresh CUE context. What is wrong with them is in diags.
func (e evaluator) rules(f folder) (r *rules) {
	r = &rules{evaluator: e, folder: f}
	defer func() {
		if p := recover(); p != nil {
			r.add(Diagnostic{Pos: f.start(e.module), Message: fmt.Sprintf("the CUE library gave up on the policies: %v", p)})
		}
	}()
	defer e.begin(work{f.dir, f.start(e.module).File})()
	b, err := e.build([]folder{f}, nil)
	if err != nil {
		r.add(e.notLoaded(err))
		return r
	}
	p := e.reader(f, b.language)
	l := p.mend(b.values[0])
	r.ctx, r.language, r.cuts = l.ctx, p.language, p.cuts
	r.add(p.outcome.diags...)
	r.read(l)
	slices.SortFunc(r.list, func(a, b rule) int { return cmp.Compare(a.Name, b.Name) })
	return r
}

// read takes the policies out of their package.
func (r *rules) read(l loaded) {
	if l.err != nil {
		if len(r.diags) == 0 {
			r.add(r.plain(l.err)...)
		}
		return
	}
	known := r.ctx.CompileString("close({[string]: close({message?: string, environments?: [...string], labels?: string, app?: #Deployment, plan?: #Plan})})", cue.Scope(r.language.schema))
	unknown := r.misnamedFields(l.inst.Files, "policies", known)
	r.add(unknown...)
	spoilt, ok := r.spoilt(l.inst.Files, "policies", unknown, r.cuts)
	if !ok {
		return
	}
	if notBuilt(l.value) {
		r.add(r.plain(l.value.Err())...)
		return
	}
	for _, top := range r.folder.labels {
		if top.name == "" || top.name[0] != '_' && top.name[0] != '#' && top.name != "policies" {
			r.add(Diagnostic{Pos: top.pos, Message: cmp.Or(bracketed("field ", top.name), "an embedded value") + " is no policy", Hint: policyForm})
		}
	}
	all := field(l.value, "policies")
	if !all.Exists() {
		r.add(Diagnostic{Pos: r.folder.start(r.module), Message: "the package has no policies", Hint: policyForm})
		return
	}
	it, err := all.Unify(r.ctx.CompileString("close({[string]: #Policy})", cue.Scope(r.language.schema))).Fields(cue.ErrorsAsValues(true))
	if err != nil {
		r.add(r.plain(err)...)
		return
	}
	for it.Next() {
		if name := it.Selector().Unquoted(); !spoilt[name] {
			r.readOne(name, it.Value())
		}
	}
}

func bracketed(what, name string) string {
	if name == "" {
		return ""
	}
	return what + fmt.Sprintf("%q", name)
}

// readOne reads one policy. All but its conditions must have values, and its conditions must be such that something can meet them.
func (r *rules) readOne(name string, v cue.Value) {
	p := rule{app: field(v, "app"), plan: field(v, "plan")}
	p.Name, p.Pos = name, r.pos(r.valuePos(v))
	if p.Pos.File == "" {
		p.Pos = r.folder.start(r.module)
	}
	before := len(r.diags)
	data := map[string]json.RawMessage{}
	for name, is := range children(v) {
		if name == "app" || name == "plan" {
			r.add(r.located(p.Pos, is.Validate())...)
			continue
		}
		if err := is.Validate(cue.Concrete(true), cue.All()); err != nil {
			r.add(r.located(p.Pos, err)...)
		} else if data[name], err = is.MarshalJSON(); err != nil {
			r.add(r.located(p.Pos, err)...)
		}
	}
	if len(r.diags) > before {
		return
	}
	text, err := json.Marshal(data)
	if err == nil {
		err = unmarshal(text, &p.Policy)
	}
	if err != nil {
		r.add(r.located(p.Pos, err)...)
		return
	}
	if r.sensible(p); len(r.diags) == before {
		r.list = append(r.list, p)
	}
}

// sensible finds what is wrong with a policy that its schema lets pass.
func (r *rules) sensible(p rule) {
	say := func(message, hint string) {
		r.add(Diagnostic{Pos: p.Pos, Message: fmt.Sprintf("policy %q %s", p.Name, message), Hint: hint})
	}
	if p.Message == "" {
		say("has no message", "")
	}
	if r.vacuous(p.app) && r.vacuous(p.plan) {
		say("has no condition, so that nothing can break it", "write what the app must be, app: {…}, or what the plan must be, plan: {…}")
	}
	if _, err := parseSelector(p.Labels); err != nil {
		say(err.Error(), "")
	}
	if p.app.Exists() {
		for _, d := range r.located(p.Pos, p.app.Unify(r.language.deployment).Validate()) {
			d.Message = fmt.Sprintf("policy %q can be met by no app: %s", p.Name, d.Message)
			r.add(d)
		}
	}
}

// vacuous reports whether everything meets a condition, as far as users wrote it.
func (m module) vacuous(v cue.Value) bool {
	if !v.Exists() || v.IncompleteKind() == cue.TopKind {
		return true
	}
	if op, args := v.Expr(); op == cue.AndOp {
		return !slices.ContainsFunc(args, func(a cue.Value) bool { return !m.vacuous(a) })
	}
	source := v.Source()
	if source != nil && !m.isUser(source.Pos().Filename()) {
		return true
	}
	if f, ok := source.(*ast.Field); ok {
		source = f.Value
	}
	s, ok := source.(*ast.StructLit)
	return ok && len(s.Elts) == 0
}

// readPolicies reads the policies of a loaded config repository. The mistakes in them are given; those that concern no app are
// warned of. Beside other mistakes nothing is said of what these may hide.
func (l *loading) readPolicies() []Diagnostic {
	f, ok := policyFolder(l.folders)
	if !ok || f.broken && !l.Sound {
		return nil
	}
	r := l.rules(f)
	for _, g := range l.folders {
		if g.isPolicy() && g.dir != f.dir {
			r.add(Diagnostic{Pos: g.start(l.module), Message: "the policies are in one folder", Hint: "the others are in " + f.dir})
		}
	}
	known, envs := l.inventoried(), []string(nil)
	for _, e := range l.Environments {
		envs = append(envs, e.Name)
	}
	for _, p := range r.list {
		l.Policies = append(l.Policies, p.Policy)
		for _, e := range p.Environments {
			if known && !slices.Contains(envs, e) {
				r.add(Diagnostic{Pos: p.Pos, Message: fmt.Sprintf("policy %q: unknown environment %q", p.Name, e), Hint: suggest(e, envs)})
			}
		}
		if l.Sound && !slices.ContainsFunc(l.apps, func(a plan.App) bool { return p.concerns(a.Env, a.Labels) }) {
			l.Warnings = append(l.Warnings, Diagnostic{Pos: p.Pos, Message: fmt.Sprintf("policy %q concerns no app", p.Name), Hint: "its environments and labels select none"})
		}
	}
	l.Warnings = tidy(l.Warnings)
	return r.diags
}

// inventoried reports whether all environments are known: no mistake hides one.
func (l *loading) inventoried() bool {
	return !slices.ContainsFunc(l.outcomes, func(o outcome) bool { return o.failed() && o.folder.isInventory() }) &&
		!slices.ContainsFunc(l.folders, func(f folder) bool { return f.broken && (f.isInventory() || len(f.labels) == 0) })
}

// Vet is Load, and holds every app and its plan, made as if nothing were installed, against the policies. What breaks one is a
// mistake.
func Vet(ctx context.Context, o Options) (Workspace, error) {
	if o.Isolation == nil {
		return vetHere(ctx, o)
	}
	a, err := isolated(ctx, o, request{Task: vettingTask})
	if err != nil {
		return Workspace{}, err
	}
	return a.workspace()
}

// Judge holds a plan against the policies of a loaded config repository. The error is an *Errors with all that breaks one.
func Judge(ctx context.Context, o Options, w Workspace, p plan.Plan) error {
	q := request{Task: judgingTask}
	concerned := false
	for _, a := range p.Apps {
		text, err := w.appOf(a, p.Env)
		if err != nil {
			return fmt.Errorf("judging the plan of %s: %w", a.App, err)
		}
		q.Apps = append(q.Apps, text)
		concerned = concerned || slices.ContainsFunc(w.Policies, func(r Policy) bool { return r.concerns(p.Env, a.Source.Labels) })
	}
	if !concerned {
		return nil
	}
	err := q.encode(p)
	if err != nil {
		return err
	}
	if o.Isolation == nil {
		err = judgeHere(ctx, o, q)
	} else if a, failed := isolated(ctx, o, q); failed != nil {
		err = failed
	} else {
		err = a.err()
	}
	var wrong *Errors
	if errors.As(err, &wrong) {
		w.locate(p, wrong.List)
	}
	return err
}
