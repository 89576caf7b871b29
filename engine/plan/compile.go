package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Compile decides everything: which hosts need what, in which waves, lanes and steps, and how each step is taken back. It is
// deterministic: the same input gives the same plan. What can't or must not be done is a *Refusal (several are joined). Where
// the intent is to keep going, apps that are refused are left out of the plan, which names them.
//
// The apps are those that were asked for, all of env. An app with nothing to do is left out; when none is left the plan is
// empty.
func Compile(env Environment, apps []App, f Facts, in Intent) (Plan, error) {
	p := Plan{
		Format: FormatVersion, ID: in.ID, CreatedAt: in.CreatedAt, CreatedBy: in.CreatedBy,
		Env: env.Name, Protected: env.Protected, Offline: in.Offline, Release: in.Release, KeepGoing: in.KeepGoing,
		Facts: fingerprint(f), Observed: f,
	}
	if err := TooMany(env, apps); err != nil {
		return Plan{}, err
	}
	all := compileAll(env, apps, f, in)
	if wrong := refusals(all); len(wrong) > 0 && !in.KeepGoing {
		return Plan{}, Refusals(wrong)
	}
	for _, a := range p.without(all) {
		p.Notes = append(p.Notes, a.notes...)
		p.Skipped = append(p.Skipped, a.skipped...)
		if len(a.plan.Waves) > 0 {
			p.Apps = append(p.Apps, a.plan)
		}
	}
	p.Notes = append(notesOf(p.Skipped), p.Notes...)
	keepAfter(&p, apps)
	p.Groups = reloads(env, p.Apps)
	p.Limits = limit(env, p.Apps)
	p.Deadline, p.DeadlineBy = deadlineOf(in, p.Apps)
	p.Inventory = used(env, p)
	return p, nil
}

// TooMany refuses a run of several apps where the environment takes one. It needs no facts: who can refuse before a server is asked, should.
func TooMany(env Environment, apps []App) error {
	if !env.Protected || env.Batch || len(apps) < 2 {
		return nil
	}
	return &Refusal{Pos: env.Pos, Text: fmt.Sprintf("%s is protected: one app a run, %d were asked for", env.Name, len(apps)),
		Hint: "apply them one by one, or set batch: true in the environment"}
}

// Refusals are all the reasons why a plan can't be made, one a line.
type Refusals []error

// Error gives one reason a line.
func (r Refusals) Error() string {
	lines := make([]string, len(r))
	for i, e := range r {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the reasons.
func (r Refusals) Unwrap() []error { return r }

// compiler makes the plan of one app.
type compiler struct {
	env   Environment
	app   App
	in    Intent
	facts Facts
	rel   Release
	// proven is the release that a rollback goes back to, as a host that proved it has it.
	proven InstalledRelease
	notes  []string
}

func (c *compiler) compile() (AppPlan, error) {
	if err := c.read(); err != nil {
		return AppPlan{}, err
	}
	if err := c.reachable(); err != nil {
		return AppPlan{}, err
	}
	if err := c.resolve(); err != nil {
		return AppPlan{}, err
	}
	if err := c.allowed(); err != nil {
		return AppPlan{}, err
	}
	ap := AppPlan{
		App: c.app.Name, Intent: c.in.Kind, Route: c.route(), User: c.app.User, Root: c.app.Layout.Root,
		From: c.live(), To: c.rel.Name, Version: c.rel.Version, After: c.app.After, Source: c.source(), Resolved: c.rel.Resolved,
		OnFailure: c.app.Rollout.OnFailure,
	}
	var err error
	switch {
	case c.in.Kind == Rollback:
		ap.Waves, err = c.rollbackRoute()
	case ap.Route == "local":
		ap.Waves, err = c.localRoute()
	default:
		ap.Waves, err = c.repositoryRoute()
	}
	if err != nil || len(ap.Waves) == 0 {
		return AppPlan{}, err
	}
	c.claim(ap.Waves)
	number(ap.App, ap.Waves)
	c.explain(ap)
	return ap, nil
}

// source is the app with the version that was asked for, so that a saved plan's facts can be gathered again.
func (c *compiler) source() App {
	app := c.app
	if v := c.in.Versions[app.Name]; v != "" {
		app.Version = v
	}
	return app
}

// route tells which of the two routes installs the app.
func (c *compiler) route() string {
	if c.app.Artifact.File != nil {
		return "local"
	}
	return "repository"
}

// resolve decides which release is to be live.
func (c *compiler) resolve() error {
	if c.in.Kind == Rollback {
		return c.resolveRollback()
	}
	art, ok := c.facts.Artifacts[c.app.Name]
	if !ok {
		version, err := Wanted(c.app, c.facts.Apps[c.app.Name], c.in)
		if err != nil {
			return err
		}
		if !c.in.Offline {
			return &Refusal{Pos: c.app.place("artifact"), Text: fmt.Sprintf("the artifact of %s %s was not looked up", c.app.Name, version)}
		}
		art = unresolved(c.app, version)
	}
	rel, err := newRelease(c.app, art)
	c.rel = rel
	return err
}

// unresolved stands in for an artifact that nobody looked up (offline).
func unresolved(app App, version string) Resolved {
	r := Resolved{Version: version}
	switch a := app.Artifact; {
	case a.Maven != nil:
		m := a.Maven
		r.File = m.Artifact + "-" + version
		if m.Classifier != "" {
			r.File += "-" + m.Classifier
		}
		r.File += "." + m.Extension
		r.URL = strings.TrimSuffix(m.Repository, "/") + "/" + strings.ReplaceAll(m.Group, ".", "/") + "/" + m.Artifact + "/" + version + "/" + r.File
		r.Digest = m.Digest
	case a.URL != nil:
		r.URL = strings.ReplaceAll(a.URL.URL, "{version}", version)
		r.File = baseName(r.URL)
		r.Digest = a.URL.Digest
	case a.File != nil:
		r.Path = a.File.Path
		r.File = baseName(a.File.Path)
		if r.Version == "" {
			r.Version = "local"
		}
	}
	return r
}

func baseName(s string) string {
	s, _, _ = strings.Cut(s, "?")
	s = strings.TrimRight(s, "/")
	return s[strings.LastIndex(s, "/")+1:]
}

// live are the releases that the app's active servers run now, sorted.
func (c *compiler) live() []string {
	var out []string
	for _, s := range c.app.Servers {
		if r := c.at(s).Current; r != "" && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	sort.Strings(out)
	return out
}

// at is what a host has of the app: nothing that is known where it is left out.
func (c *compiler) at(host string) Installed {
	if c.skips(host) {
		return Installed{}
	}
	return c.facts.Apps[c.app.Name][host]
}

// allowed refuses what must not be planned: downtime that nobody wrote in a protected environment.
func (c *compiler) allowed() error {
	if len(c.app.Servers) == 0 {
		return &Refusal{Pos: c.app.place("servers"), Text: fmt.Sprintf("%s has no active server in %s", c.app.Name, c.env.Name)}
	}
	if err := c.digested(); err != nil {
		return err
	}
	if !c.env.Protected || c.app.Rollout.Recreate != nil || !c.interrupts() {
		return nil
	}
	return &Refusal{Pos: c.app.place("rollout"),
		Text: fmt.Sprintf("%s would be down while it is replaced, and %s is protected", c.app.Name, c.env.Name),
		Hint: "write rollout: recreate: {} for this environment to accept that, or rollout: rolling: {} with more active servers than maxUnavailable"}
}

// digested refuses an artifact whose content nobody vouches for, where the environment wants that. Either the config has its
// digest, or the repository publishes it in a checksum file; a local file's is computed. Offline nobody has asked yet, and a
// rollback fetches nothing.
func (c *compiler) digested() error {
	if !c.env.RequireDigest || c.in.Kind == Rollback || c.in.Offline || c.rel.Resolved.Digest != "" {
		return nil
	}
	return &Refusal{Pos: c.app.place("artifact"),
		Text: fmt.Sprintf("%s %s has no digest, and %s requires one: its repository publishes no .sha256, .sha512 or .sha1 file beside %s", c.app.Name, c.rel.Version, c.env.Name, c.rel.Resolved.File),
		Hint: "write digest: \"sha256:…\" in the artifact, or publish the checksum file"}
}

// interrupts tells whether there is a moment in which no active server has to serve, and something that then misses it: a
// process that is stopped, or a proxy in front.
func (c *compiler) interrupts() bool {
	if c.app.Service.None() && len(c.app.proxies()) == 0 {
		return false
	}
	return c.maxUnavailable() >= len(c.app.Servers)
}

// recreates tells whether all active servers go down together.
func (c *compiler) recreates() bool {
	r := c.app.Rollout
	switch {
	case r.Recreate != nil:
		return true
	case r.Rolling != nil:
		return false
	case c.route() == "local":
		return true
	}
	return len(c.app.Servers) == 1
}

// maxUnavailable is how many active servers may be out of rotation at once.
func (c *compiler) maxUnavailable() int {
	if c.recreates() {
		return len(c.app.Servers)
	}
	if c.app.Rollout.Rolling != nil {
		return max(1, c.app.Rollout.Rolling.MaxUnavailable)
	}
	return 1
}

// claim puts, on each host, the step that marks this plan as used before the app's first other step there.
func (c *compiler) claim(waves []Wave) {
	seen := map[string]bool{}
	for w := range waves {
		for l := range waves[w].Lanes {
			lane := &waves[w].Lanes[l]
			if seen[lane.Host] {
				continue
			}
			seen[lane.Host] = true
			step := c.step(lane.Host, Record{What: "used", Root: c.app.Layout.Root, Plan: c.in.ID})
			lane.Steps = append([]Step{step}, lane.Steps...)
		}
	}
}

// number gives every step its ID: APP/WAVE/HOST/N, and its undo steps APP/WAVE/HOST/N/undo/M.
func number(unit string, waves []Wave) {
	for w := range waves {
		name := strings.ReplaceAll(strings.Split(waves[w].Name, "/")[0], " ", "-")
		for l := range waves[w].Lanes {
			lane := &waves[w].Lanes[l]
			for s := range lane.Steps {
				id := fmt.Sprintf("%s/%s/%s/%d", unit, name, lane.Host, s+1)
				lane.Steps[s].ID = id
				for u := range lane.Steps[s].Undo {
					lane.Steps[s].Undo[u].ID = fmt.Sprintf("%s/undo/%d", id, u+1)
				}
			}
		}
	}
}

// used keeps of the inventory what the plan names, jump hosts included.
func used(env Environment, p Plan) Environment {
	out := Environment{Name: env.Name, Protected: env.Protected, Batch: env.Batch, RequireDigest: env.RequireDigest, Servers: map[string]Host{}, Proxies: map[string]Proxy{}}
	var add func(name string)
	add = func(name string) {
		if s, ok := env.Servers[name]; ok {
			if _, done := out.Servers[name]; !done {
				out.Servers[name] = s
				add(s.Jump)
			}
		}
		if x, ok := env.Proxies[name]; ok {
			if _, done := out.Proxies[name]; !done {
				out.Proxies[name] = x
				add(x.Jump)
			}
		}
	}
	for _, a := range p.Apps {
		for _, h := range append(a.Source.Hosts(), a.Source.proxies()...) {
			add(h)
		}
		for _, s := range a.Source.Servers {
			for _, pt := range Points(a.Source, env, s) {
				if w := pt.Driver.watchedOn(); w != "" {
					add(w)
				}
			}
		}
	}
	return out
}

// watchedOn is the host that a marking driver asks, if it is named.
func (d Driver) watchedOn() string {
	if d.Marker == nil || d.Marker.Watch == nil {
		return ""
	}
	switch w := d.Marker.Watch; {
	case w.HAProxy != nil:
		return w.HAProxy.On
	case w.HTTPD != nil:
		return w.HTTPD.On
	case w.HTTP != nil:
		return w.HTTP.On
	}
	return ""
}

// reloads is the graceful reload of each proxy, once for all apps that took the local route through it.
func reloads(env Environment, apps []AppPlan) []Group {
	needs := map[string][]string{}
	for _, a := range apps {
		if a.Route != "local" || !a.Source.HTTP() {
			continue
		}
		for _, proxy := range a.Source.proxies() {
			if env.Proxies[proxy].Reload != "" {
				needs[proxy] = append(needs[proxy], a.App)
			}
		}
	}
	var out []Group
	for _, proxy := range sortedKeys(needs) {
		op := env.Proxies[proxy].reload()
		g := Group{ID: "reload " + proxy, Needs: needs[proxy], Lanes: []Lane{{Host: proxy, Steps: []Step{{
			ID: "reload/" + proxy + "/1", Host: proxy, Title: op.Title(), Op: op, Timeout: timeoutOf(op), Changes: true,
		}}}}}
		out = append(out, g)
	}
	return out
}
