package schema_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
	"trikk.dev/engine/plan"
)

// organisation is what apps/ describes.
type organisation struct {
	apps map[string][]plan.App // by folder
	envs map[string]plan.Environment
}

// deployments gives all deployments, in no order.
func (o organisation) deployments() (out []plan.App) {
	for _, as := range o.apps {
		out = append(out, as...)
	}
	return out
}

func loadApps(t *testing.T) organisation {
	t.Helper()
	o := organisation{apps: map[string][]plan.App{}, envs: map[string]plan.Environment{}}
	ctx := cuecontext.New()
	for _, in := range load.Instances([]string{"./apps/..."}, &load.Config{Dir: ".."}) {
		if in.Err != nil {
			t.Fatal(in.Err)
		}
		v := ctx.BuildInstance(in)
		if err := v.Validate(); err != nil { // as cue vet -c=false does, of policies too
			t.Error(err)
		}
		if envs := v.LookupPath(cue.ParsePath("environments")); envs.Exists() {
			requireConcrete(t, v)
			strict(t, envs, "", &o.envs)
		}
		if _, err := os.Stat(filepath.Join(in.Dir, "app.cue")); err != nil {
			continue
		}
		requireConcrete(t, v)
		var byEnv map[string]plan.App
		strict(t, v, "app.environments", &byEnv)
		for env, a := range byEnv {
			if a.Env != env {
				t.Errorf("%s: env is %q under %q", in.Dir, a.Env, env)
			}
			o.apps[in.Dir] = append(o.apps[in.Dir], a)
		}
	}
	return o
}

func requireConcrete(t *testing.T, v cue.Value) {
	t.Helper()
	if err := v.Validate(cue.Concrete(true), cue.All()); err != nil {
		t.Errorf("%s", strings.Join(texts(err), "\n"))
	}
}

// TestApps loads apps/ once for all that must hold there.
func TestApps(t *testing.T) {
	o := loadApps(t)
	t.Run("organisation", o.requireWhole)
	t.Run("apart", o.requireApart)
	t.Run("shapes", o.requireShapes)
	t.Run("parents", o.requireParents)
}

// requireWhole: names are those of the folders and of the inventory, and test and prod have all apps.
func (o organisation) requireWhole(t *testing.T) {
	if len(o.apps) != 60 {
		t.Errorf("%d apps", len(o.apps))
	}
	servers, proxies := 0, 0
	for _, e := range o.envs {
		servers += len(e.Servers)
		proxies += len(e.Proxies)
	}
	if servers != 36 || proxies != 8 {
		t.Errorf("%d servers and %d proxies", servers, proxies)
	}
	if !o.envs["prod"].Protected || o.envs["dev"].Protected || o.envs["test"].Protected {
		t.Error("prod, and only prod, is protected")
	}
	for dir, as := range o.apps {
		if !slices.ContainsFunc(as, in("test")) || !slices.ContainsFunc(as, in("prod")) {
			t.Errorf("%s is not in test and prod", dir)
		}
		for _, a := range as {
			if a.Name != filepath.Base(dir) {
				t.Errorf("%s is named %s", dir, a.Name)
			}
			requireKnownHosts(t, a, o.envs[a.Env])
		}
	}
}

func in(env string) func(plan.App) bool { return func(a plan.App) bool { return a.Env == env } }

func requireKnownHosts(t *testing.T, a plan.App, e plan.Environment) {
	t.Helper()
	for _, s := range slices.Concat(a.Servers, a.Standby) {
		if _, ok := e.Servers[s]; !ok {
			t.Errorf("%s in %s: no server %s", a.Name, a.Env, s)
		}
	}
	var proxies []string
	if s := a.Topology.Shared; s != nil {
		proxies = s.Proxies
	}
	if p := a.Topology.Pairs; p != nil {
		proxies = p.Proxies
		if len(p.Proxies) != len(a.Servers) {
			t.Errorf("%s in %s: unequal pairs", a.Name, a.Env)
		}
	}
	for _, p := range proxies {
		if _, ok := e.Proxies[p]; !ok {
			t.Errorf("%s in %s: no proxy %s", a.Name, a.Env, p)
		}
	}
}

// Apps on one server share neither ports nor folders.
func (o organisation) requireApart(t *testing.T) {
	all := o.deployments()
	for _, a := range all {
		for _, b := range all {
			if a.Name >= b.Name || a.Env != b.Env || !shareServer(a, b) {
				continue
			}
			if a.Layout.Root == b.Layout.Root && a.User == b.User {
				t.Errorf("%s and %s in %s both live in %s", a.Name, b.Name, a.Env, a.Layout.Root)
			}
			for _, p := range a.Ports {
				for _, q := range b.Ports {
					if p == q {
						t.Errorf("%s and %s in %s both use port %d", a.Name, b.Name, a.Env, p)
					}
				}
			}
		}
	}
}

func shareServer(a, b plan.App) bool {
	on := slices.Concat(b.Servers, b.Standby)
	return slices.ContainsFunc(slices.Concat(a.Servers, a.Standby), func(s string) bool { return slices.Contains(on, s) })
}

// Every shape that the schema offers is shown by some app.
func (o organisation) requireShapes(t *testing.T) {
	all := o.deployments()
	for shape, shown := range map[string]func(plan.App) bool{
		"maven":       func(a plan.App) bool { return a.Artifact.Maven != nil },
		"url":         func(a plan.App) bool { return a.Artifact.URL != nil },
		"local build": func(a plan.App) bool { return a.Artifact.File != nil && len(a.Build) > 0 },
		"token": func(a plan.App) bool {
			return a.Artifact.URL != nil && a.Artifact.URL.Auth != nil && a.Artifact.URL.Fetch == "controller"
		},
		"password":        func(a plan.App) bool { return a.Artifact.Maven != nil && a.Artifact.Maven.Auth != nil },
		"digest":          func(a plan.App) bool { return a.Artifact.URL != nil && a.Artifact.URL.Digest != "" },
		"systemd":         func(a plan.App) bool { return a.Service.Systemd != nil },
		"commands":        func(a plan.App) bool { return a.Service.Commands != nil && a.Service.Commands.Status != "" },
		"no status":       func(a plan.App) bool { return a.Service.Commands != nil && a.Service.Commands.Status == "" },
		"process":         func(a plan.App) bool { return a.Service.Process != nil },
		"files only":      func(a plan.App) bool { return a.Service.None() },
		"batch":           func(a plan.App) bool { return !a.HTTP() && a.Topology == (plan.Topology{}) && !a.Service.None() },
		"shared":          func(a plan.App) bool { return a.Topology.Shared != nil },
		"behind haproxy":  o.behind(func(d plan.Driver) bool { return d.HAProxy != nil }),
		"behind httpd":    o.behind(func(d plan.Driver) bool { return d.HTTPD != nil }),
		"behind nginx":    o.behind(func(d plan.Driver) bool { return d.Nginx != nil }),
		"behind commands": o.behind(func(d plan.Driver) bool { return d.Command != nil }),
		"through":         func(a plan.App) bool { return a.Topology.Pairs != nil && a.Topology.Pairs.Through != nil },
		"pairs and watch": func(a plan.App) bool { return a.Topology.Pairs != nil && a.Topology.Pairs.Outer.Marker.Watch != nil },
		"pairs and wait":  func(a plan.App) bool { return a.Topology.Pairs != nil && a.Topology.Pairs.Outer.Marker.Settle > 0 },
		"on proxies":      func(a plan.App) bool { return a.Topology.Pairs != nil && a.Topology.Pairs.InstallOnProxies },
		"standby":         func(a plan.App) bool { return len(a.Standby) > 0 && a.Marker != "" },
		"standby of one":  func(a plan.App) bool { return len(a.Standby) > 0 && a.Rollout.Recreate != nil },
		"skip":            func(a plan.App) bool { return a.Rollout.Unreachable == "skip" },
		"recreate":        func(a plan.App) bool { return a.Rollout.Recreate != nil },
		"rolling":         func(a plan.App) bool { return a.Rollout.Rolling != nil && a.Rollout.Rolling.MaxUnavailable > 1 },
		"revert":          func(a plan.App) bool { return a.Rollout.OnFailure == "revert" && a.Rollout.MinReadySeconds > 0 },
		"cut":             func(a plan.App) bool { return a.Rollout.OnDrainTimeout == "cut" },
		"hooks":           func(a plan.App) bool { return len(a.Hooks.Before) > 0 && len(a.Hooks.After) > 0 },
		"properties":      hasFile(func(f plan.File) bool { return f.Properties["jmx.port"] != nil && f.Properties["jvm.xmx"] != nil }),
		"env":             hasFile(func(f plan.File) bool { return f.Env != nil }),
		"json":            hasFile(func(f plan.File) bool { return f.JSON != nil }),
		"yaml":            hasFile(func(f plan.File) bool { return f.YAML != nil }),
		"toml":            hasFile(func(f plan.File) bool { return f.TOML != nil }),
		"ini":             hasFile(func(f plan.File) bool { return f.INI != nil }),
		"secret of age":   hasSecret(func(s plan.Secret) bool { return s.Age != nil }),
		"secret of env":   hasSecret(func(s plan.Secret) bool { return s.Env != "" }),
		"secret of file":  hasSecret(func(s plan.Secret) bool { return s.File != "" }),
		"text":            hasFile(func(f plan.File) bool { return f.Text != nil }),
		"tcp":             hasProbe(func(c plan.Check) bool { return c.TCP != nil }),
		"exec":            hasProbe(func(c plan.Check) bool { return c.Exec != nil }),
		"after":           func(a plan.App) bool { return len(a.After) > 0 },
		"no user":         func(a plan.App) bool { return a.User == "" },
	} {
		if !slices.ContainsFunc(all, shown) {
			t.Errorf("no app shows %q", shape)
		}
	}
}

func hasFile(is func(plan.File) bool) func(plan.App) bool {
	return func(a plan.App) bool {
		for _, f := range a.Files {
			if is(f) {
				return true
			}
		}
		return false
	}
}

func hasSecret(is func(plan.Secret) bool) func(plan.App) bool {
	return hasFile(func(f plan.File) bool {
		for _, s := range f.Secrets {
			if is(s) {
				return true
			}
		}
		return false
	})
}

// behind tells of apps with a shared proxy that is driven so.
func (o organisation) behind(is func(plan.Driver) bool) func(plan.App) bool {
	return func(a plan.App) bool {
		return a.Topology.Shared != nil && slices.ContainsFunc(a.Topology.Shared.Proxies, func(p string) bool { return is(o.envs[a.Env].Proxies[p].Driver) })
	}
}

func hasProbe(is func(plan.Check) bool) func(plan.App) bool {
	return func(a plan.App) bool {
		for _, c := range a.Probes {
			if is(c) {
				return true
			}
		}
		return false
	}
}

// requireParents: apps don't repeat what their parents say. Most are short.
func (o organisation) requireParents(t *testing.T) {
	short := 0
	for dir := range o.apps {
		data, err := os.ReadFile(filepath.Join(dir, "app.cue"))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(data), "\n"); n <= 20 {
			short++
		} else if n > 60 {
			t.Errorf("%s/app.cue has %d lines", dir, n)
		}
	}
	if short < 36 {
		t.Errorf("%d apps have at most 20 lines", short)
	}
}

func TestSmallestAppIsUnder15Lines(t *testing.T) {
	data, err := os.ReadFile("../apps/platform/status/app.cue")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "\n"); n >= 15 {
		t.Errorf("it has %d lines", n)
	}
}
