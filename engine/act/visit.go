package act

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// visit is one round trip: all apps of one user on one host.
type visit struct {
	host, as string
	apps     []plan.App
}

// visits groups the apps by host and user, sorted.
func (w *looker) visits() []visit {
	byKey := map[[2]string]*visit{}
	var keys [][2]string
	for _, app := range w.apps {
		for _, name := range app.Hosts() {
			key := [2]string{name, app.As(w.env, name)}
			if byKey[key] == nil {
				byKey[key] = &visit{host: key[0], as: key[1]}
				keys = append(keys, key)
			}
			byKey[key].apps = append(byKey[key].apps, app)
		}
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	out := make([]visit, len(keys))
	for i, k := range keys {
		out[i] = *byKey[k]
	}
	return out
}

// visit reads one host as one user.
func (w *looker) visit(ctx context.Context, v visit) {
	r, err := w.g.Readers.Reader(ctx, v.host)
	if err != nil {
		w.failed(v.host, err)
		return
	}
	out, err := r.Query(ctx, host.NewQuery(v.as, factsScript, factsArgs(v.apps)...))
	if err != nil {
		w.failed(v.host, err)
		return
	}
	facts, err := parseFacts(out.Stdout)
	if err != nil || out.Exit != 0 {
		w.problems.add(v.host, &host.Error{Host: v.host, Kind: host.Protocol, Doing: "reading facts", Output: string(out.Stdout), Err: firstOf(err, fmt.Errorf("exit status %d", out.Exit)), Hint: "is /bin/sh a POSIX shell there?"})
		return
	}
	for _, app := range v.apps {
		s := facts.apps[app.Name]
		if s == nil {
			w.problems.addFor(v.host, app.Name, fmt.Errorf("%s: reading facts of %s: %w", v.host, app.Name, errFacts))
			continue
		}
		w.status(ctx, r, v, app, s)
		w.diffs(ctx, r, v, app, s)
		w.keep(v, app, s, facts)
	}
	if w.strict {
		w.checkSudo(ctx, r, v, facts)
	}
}

func factsArgs(apps []plan.App) []string {
	var args []string
	for _, app := range apps {
		kind, unit := "none", ""
		switch {
		case app.Service.Systemd != nil:
			kind, unit = "systemd", app.Service.Systemd.Unit
		case app.Service.Commands != nil:
			kind = "commands"
		case app.Service.Process != nil:
			kind = "process"
		}
		args = append(args, app.Name, app.Layout.Root, app.Layout.Current, app.Marker, kind, unit)
	}
	return args
}

// status tells the state of an app that brings its own commands: by its status command, else by what was found running.
func (w *looker) status(ctx context.Context, r host.Reader, v visit, app plan.App, s *seen) {
	c := app.Service.Commands
	if c == nil {
		return
	}
	s.Service = "inactive"
	if c.Status == "" {
		if s.Running != "" {
			s.Service = "active"
		}
		return
	}
	if s.Current == "" {
		return
	}
	version := ""
	for _, rel := range s.Releases {
		if rel.Name == s.Current {
			version = rel.Manifest.Version
		}
	}
	out, err := r.Query(ctx, userQuery(v.as, userCommand{
		app: app.Name, version: version, dir: s.root + "/" + app.Layout.Current, command: c.Status, timeout: c.Timeout.D(),
	}))
	switch {
	case err != nil:
		s.Service = "unknown"
		w.failed(v.host, err)
	case out.Exit == 0:
		s.Service = "active"
	case out.Exit == 126 || out.Exit == 127:
		s.Service = "unknown"
		w.problem(v, app, fmt.Sprintf("its status command can't be run: %s", shortLine(lastLine(string(out.Stdout)))))
	}
}

func (w *looker) keep(v visit, app plan.App, s *seen, facts userFacts) {
	if w.strict {
		for _, p := range s.problems {
			w.problem(v, app, p)
		}
		w.checkTools(v, app, facts.tools)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.view.Facts.Apps[app.Name][v.host] = s.Installed
	w.tools[v.host+"\x00"+v.as] = facts.tools
	if s.lock != nil {
		w.view.Locks[app.Name][v.host] = *s.lock
		if s.lock.Alive && s.lock.Run == s.asks {
			w.view.Asks[app.Name][v.host] = s.asks
		}
	}
}

// problem is something to mend on a host before a run.
func (w *looker) problem(v visit, app plan.App, text string) {
	w.problems.addFor(v.host, app.Name, fmt.Errorf("%s: %s: %s", v.host, app.Name, text))
}

// checkTools names the tools that every run of the app needs on a host.
func (w *looker) checkTools(v visit, app plan.App, have []string) {
	need := []string{"flock", "timeout", "readlink"}
	if app.Service.Process != nil {
		need = append(need, "setsid")
	}
	for _, tool := range need {
		if !slices.Contains(have, tool) {
			w.problem(v, app, fmt.Sprintf("%s is not installed (install coreutils and util-linux)", tool))
		}
	}
	o := app.Artifact.Options()
	fetches := app.Artifact.File == nil && o.Fetch != "controller"
	if fetches && !slices.Contains(have, "curl") && !slices.Contains(have, "wget") {
		w.problem(v, app, `neither curl nor wget is installed (install one, or set fetch: "controller" in the artifact)`)
	}
}

// checkUnpackers looks for the tools that depend on the resolved artifact.
func (w *looker) checkUnpackers() {
	for _, v := range w.visits() {
		have, ok := w.tools[v.host+"\x00"+v.as]
		if !ok {
			continue
		}
		for _, app := range v.apps {
			res, ok := w.view.Facts.Artifacts[app.Name]
			if !ok {
				continue
			}
			for _, tools := range unpackers(app.Artifact.Options(), res) {
				if !slices.ContainsFunc(tools, func(t string) bool { return slices.Contains(have, t) }) {
					w.problem(v, app, fmt.Sprintf("%s is not installed (install it there%s)", strings.Join(tools, " or "), packageHint(tools[0])))
				}
			}
		}
	}
}

// unpackers lists what checking and unpacking an artifact needs: one tool of each group.
func unpackers(o plan.ArtifactOptions, res plan.Resolved) [][]string {
	var need [][]string
	if alg, _, ok := strings.Cut(res.Digest, ":"); ok {
		need = append(need, []string{alg + "sum"})
	}
	switch plan.ArchiveFormat(o, res.File) {
	case "tar.gz":
		need = append(need, []string{"tar"}, []string{"gzip"})
	case "tar.xz":
		need = append(need, []string{"tar"}, []string{"xz"})
	case "tar.zst":
		need = append(need, []string{"tar"}, []string{"zstd"})
	case "tar":
		need = append(need, []string{"tar"})
	case "zip":
		need = append(need, []string{"unzip", "bsdtar"})
	}
	return need
}

// packageHint says which package a tool is in, where that has another name than the tool.
func packageHint(tool string) string {
	if tool == "xz" {
		return "; the package is xz-utils on Debian and Ubuntu, else xz"
	}
	return ""
}

// checkSudo asks whether the login user may control the units of its apps.
func (w *looker) checkSudo(ctx context.Context, r host.Reader, v visit, facts userFacts) {
	var units []string
	for _, app := range v.apps {
		if app.Service.Systemd != nil {
			units = append(units, app.Service.Systemd.Unit)
		}
	}
	if len(units) == 0 || v.as == "" && facts.root {
		return
	}
	out, err := r.Query(ctx, host.NewQuery("", sudoScript, units...))
	if err != nil {
		w.failed(v.host, err)
		return
	}
	refused := strings.Fields(string(out.Stdout))
	for _, unit := range slices.Compact(refused[:max(len(refused)-1, 0)]) {
		w.problems.addFor(v.host, appOfUnit(v, unit), &host.Error{Host: v.host, Kind: host.Sudo, Doing: "asking for sudo systemctl start|stop " + unit, Output: string(out.Stdout),
			Err: fmt.Errorf("sudo refuses it without a password"), Hint: "allow it for the login user with NOPASSWD in sudoers"})
	}
}

// appOfUnit names the app of a unit.
func appOfUnit(v visit, unit string) string {
	for _, app := range v.apps {
		if app.Service.Systemd != nil && app.Service.Systemd.Unit == unit {
			return app.Name
		}
	}
	return ""
}
