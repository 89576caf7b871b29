package act_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/host/sshtest"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// manifest is a release's completion marker.
func manifest(name, version string) string {
	return `{"app":"web","release":"` + name + `","version":"` + version + `","artifact":"sha256:a","digest":"sha256:b"}`
}

func TestLookReadsOddNames(t *testing.T) {
	f := newFleet(t, "app01")
	f.app.Service = plan.Service{}
	f.sh("app01", `mkdir -p apps/web/releases/1.0-a/.trikk "apps/web/releases/new
line 'q' %41" apps/web/releases/.hidden apps/web/.trikk/good apps/web/.trikk/cache apps/web/.trikk/plans apps/web/shared/config
ln -s releases/1.0-a apps/web/current
ln -s 1.0-a apps/web/releases/link
touch apps/web/shared/config/disabled apps/web/.trikk/cache/b.zip apps/web/.trikk/cache/a.zip apps/web/.trikk/cache/.a.part apps/web/.trikk/plans/P1
echo R7 >apps/web/.trikk/good/1.0-a
cat >apps/web/releases/1.0-a/.trikk/manifest.json <<'X'
`+strings.ReplaceAll(manifest("1.0-a", "1.0"), ",", ",\n\t")+`
X`)
	got := f.look("app01")
	want := plan.InstalledRelease{Name: "1.0-a", Complete: true, Good: true, GoodSeq: "R7"}
	want.Manifest = plan.Manifest{App: "web", Release: "1.0-a", Version: "1.0", Artifact: "sha256:a", Digest: "sha256:b"}
	if len(got.Releases) != 2 || got.Releases[1].Name != "new\nline 'q' %41" || got.Releases[1].Complete {
		t.Fatalf("releases %+v", got.Releases)
	}
	if r := got.Releases[0]; r.Name != want.Name || !r.Complete || !r.Good || r.GoodSeq != "R7" || r.Manifest.Version != "1.0" || r.Manifest.Digest != "sha256:b" {
		t.Errorf("release %+v", r)
	}
	if got.Current != "1.0-a" || !got.Marked || got.Home != f.servers["app01"].Home() || got.Service != "" {
		t.Errorf("facts %+v", got)
	}
	if !slices.Equal(got.Cached, []string{"a.zip", "b.zip"}) || !slices.Equal(got.Used, []string{"P1"}) {
		t.Errorf("cached %q, used %q", got.Cached, got.Used)
	}
}

func TestLookReadsEveryKindOfLink(t *testing.T) {
	tests := []struct{ name, link, current string }{
		{"relative", "ln -s releases/1.0-a apps/web/current", "1.0-a"},
		{"absolute", `ln -s "$HOME/apps/web/releases/1.0-a" apps/web/current`, "1.0-a"},
		{"dangling", "ln -s releases/2.0-b apps/web/current", "2.0-b"},
		{"root behind a link", `mv apps/web real && ln -s "$HOME/real" apps/web && ln -s "$HOME/real/releases/1.0-a" apps/web/current`, "1.0-a"},
		{"another directory", "mkdir other && ln -s ../../other apps/web/current", ""},
		{"none", "true", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, "app01")
			f.sh("app01", "mkdir -p apps/web/releases/1.0-a && "+tt.link)
			if got := f.look("app01").Current; got != tt.current {
				t.Errorf("current is %q, want %q", got, tt.current)
			}
		})
	}
}

// A folder of releases in which trikk left nothing is somebody else's.
func TestForeignReleases(t *testing.T) {
	f := newFleet(t, "app01")
	f.sh("app01", "mkdir -p apps/web/releases/1.0-a/.trikk apps/web/releases/backup")
	got := f.look("app01").Releases
	if len(got) != 2 || got[0].Name != "1.0-a" || got[0].Foreign || got[1].Name != "backup" || !got[1].Foreign {
		t.Errorf("%+v", got)
	}
}

func TestPreflight(t *testing.T) {
	tests := []struct {
		name, prepare string
		edit          func(*plan.App)
		want          string
	}{
		{"current is a directory", "mkdir -p apps/web/current", nil, "app01: web: HOME/apps/web/current is a directory, not a link"},
		{"current is a file", "mkdir -p apps/web && touch apps/web/current", nil, "is a file, not a link"},
		{"current leads elsewhere", "mkdir -p apps/web && ln -s /tmp apps/web/current", nil, "points to /tmp, which is none of trikk's releases"},
		{"root is a file", "mkdir apps && touch apps/web", nil, "HOME/apps/web is not a directory"},
		{"root can't be made", "touch apps", nil, "can not create HOME/apps/web: HOME/apps is not writable"},
		{"damaged manifest", "mkdir -p apps/web/releases/1.0-a/.trikk && echo '{\"app\":' >apps/web/releases/1.0-a/.trikk/manifest.json", nil, "the manifest of release 1.0-a is damaged"},
		{"a NUL in a manifest", `mkdir -p apps/web/releases/1.0-a/.trikk && echo '{"release":"1.0-a","version":"1\u0000"}' >apps/web/releases/1.0-a/.trikk/manifest.json`, nil, "the manifest of release 1.0-a is damaged"},
		{"no such unit", "", func(a *plan.App) {
			a.Service = plan.Service{Systemd: &plan.Systemd{Unit: "gone.service"}}
		}, "there is no systemd unit gone.service"},
		{"broken status command", "mkdir -p apps/web/releases/1.0-a && ln -s releases/1.0-a apps/web/current", func(a *plan.App) {
			a.Service = plan.Service{Commands: &plan.Commands{Status: "no-such-command-here"}}
		}, "its status command can't be run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bin := t.TempDir()
			f := newFleetOf(t, sshtest.Config{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}}, "app01")
			standIn(t, bin, "systemctl", "case $1 in show) echo LoadState=not-found ;; *) echo inactive ;; esac")
			standIn(t, bin, "sudo", "exit 0")
			f.publish("web.tar.gz", "one")
			f.sh("app01", tt.prepare)
			if tt.edit != nil {
				tt.edit(&f.app)
			}
			_, err := f.gatherer().Gather(t.Context(), f.env, []plan.App{f.app}, plan.Intent{Kind: plan.Deploy, ID: "P"})
			want := strings.ReplaceAll(tt.want, "HOME", f.servers["app01"].Home())
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "app01") {
				t.Fatalf("error %v\nwant %s", err, want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func TestMissingTools(t *testing.T) {
	bin := t.TempDir()
	for _, tool := range []string{"sh", "id", "od", "tr", "sed", "readlink", "stat", "grep", "head", "cat", "flock", "timeout", "sleep", "rm", "mkdir", "sha256sum", "gzip"} {
		link(t, bin, tool)
	}
	f := newFleetOf(t, sshtest.Config{Env: []string{"PATH=" + bin}}, "app01")
	f.publish("web.zip", "one")
	f.app.Artifact.File.Path = filepath.Join(f.dist, "web.zip")
	_, err := f.gatherer().Gather(t.Context(), f.env, []plan.App{f.app}, plan.Intent{Kind: plan.Deploy})
	if err == nil || !strings.Contains(err.Error(), "setsid is not installed") {
		t.Errorf("error %v", err)
	}
	link(t, bin, "setsid")
	_, err = f.gatherer().Gather(t.Context(), f.env, []plan.App{f.app}, plan.Intent{Kind: plan.Deploy})
	if err == nil || !strings.Contains(err.Error(), "unzip or bsdtar is not installed") {
		t.Errorf("error %v", err)
	}
	for name, want := range map[string]string{
		"web.tar.xz":  "app01: web: xz is not installed (install it there; the package is xz-utils on Debian and Ubuntu, else xz)",
		"web.tar.zst": "app01: web: zstd is not installed (install it there)",
	} {
		f.app.Artifact.File.Path = filepath.Join(f.dist, name)
		got := f.gatherer().Check(t.Context(), f.env, []plan.App{f.app})
		if !slices.ContainsFunc(got, func(p act.Problem) bool { return p.Host == "app01" && p.Err.Error() == want }) {
			t.Errorf("%s: problems %v", name, got)
		}
	}
	f.app.Artifact = plan.Artifact{URL: &plan.URLArtifact{URL: "http://127.0.0.1:1/x.tar"}}
	_, err = f.gatherer().Gather(t.Context(), f.env, []plan.App{f.app}, plan.Intent{Kind: plan.Rollback})
	if err == nil || !strings.Contains(err.Error(), "neither curl nor wget is installed") {
		t.Errorf("error %v", err)
	}
}

func link(t *testing.T, bin, tool string) {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, tool)); err == nil {
			if err := os.Symlink(filepath.Join(dir, tool), filepath.Join(bin, tool)); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s is not installed", tool)
}

// standIn puts a shell script into bin.
func standIn(t *testing.T, bin, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestServiceStates(t *testing.T) {
	install := "mkdir -p apps/web/releases/1.0-a apps/web/shared && ln -s releases/1.0-a apps/web/current; "
	// A process of its own session in the release's directory.
	start := `(cd apps/web/releases/1.0-a && exec setsid sh -c 'echo $$ >"$HOME/apps/web/shared/web.pid"; exec sleep 60' </dev/null >/dev/null 2>&1 &)
until [ -s apps/web/shared/web.pid ]; do sleep 0.01; done; `
	systemd := plan.Service{Systemd: &plan.Systemd{Unit: "web.service"}}
	process := plan.Service{Process: &plan.Process{Command: "x"}}
	status := func(s string) plan.Service { return plan.Service{Commands: &plan.Commands{Status: s}} }
	tests := []struct {
		name, prepare  string
		service        plan.Service
		systemctl      string
		state, running string
	}{
		{name: "no service", prepare: install, service: plan.Service{}},
		{name: "unit active", prepare: install + start, service: systemd, systemctl: `case $* in *MainPID*) echo MainPID=$(cat apps/web/shared/web.pid) ;; is-active*) echo active ;; esac`, state: "active", running: "1.0-a"},
		{name: "unit failed", prepare: install, service: systemd, systemctl: `case $* in is-active*) echo failed; exit 3 ;; esac`, state: "inactive"},
		{name: "unit strange", prepare: install, service: systemd, systemctl: "true", state: "unknown"},
		{name: "process", prepare: install + start, service: process, state: "active", running: "1.0-a"},
		{name: "process whose release was removed", prepare: install + start + "rm -r apps/web/releases/1.0-a", service: process, state: "active", running: "1.0-a" + plan.Removed},
		{name: "process whose release was replaced", prepare: install + start + "cd apps/web/releases && mv 1.0-a .1.0-a.old.7 && mkdir 1.0-a && rm -r .1.0-a.old.7", service: process, state: "active", running: "1.0-a" + plan.Removed},
		{name: "process never started", prepare: install, service: process, state: "inactive"},
		{name: "pid of somebody else", prepare: install + "echo 1 >apps/web/shared/web.pid", service: process, state: "inactive"},
		{name: "pid of another directory", prepare: install + "echo $PPID >apps/web/shared/web.pid", service: process, state: "inactive"},
		{name: "commands without status, running", prepare: install + start, service: status(""), state: "active", running: "1.0-a"},
		{name: "commands without status, stopped", prepare: install, service: status(""), state: "inactive"},
		{name: "status says yes", prepare: install, service: status(`[ "$TRIKK_APP" = web ] && [ "$(pwd -P)" = "$TRIKK_RELEASE" ] && [ -d "$TRIKK_ROOT/releases" ]`), state: "active"},
		{name: "status says no", prepare: install + start, service: status("false"), state: "inactive", running: "1.0-a"},
		{name: "status without a release", service: status("true"), state: "inactive"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bin := t.TempDir()
			f := newFleetOf(t, sshtest.Config{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}}, "app01")
			standIn(t, bin, "systemctl", tt.systemctl)
			f.app.Service = tt.service
			f.sh("app01", tt.prepare)
			got := f.look("app01")
			if got.Service != tt.state || got.Running != tt.running {
				t.Errorf("service %q runs %q, want %q, %q", got.Service, got.Running, tt.state, tt.running)
			}
		})
	}
}

// fakes finds fake hosts, and errors for the others.
type fakes map[string]*hosttest.Fake

func (f fakes) Host(_ context.Context, name string) (host.Host, error) {
	h, ok := f[name]
	if !ok {
		return nil, &host.Error{Host: name, Kind: host.Unreachable, Doing: "connecting to " + name, Err: errors.New("connection refused")}
	}
	return h, nil
}

func factsOf(names ...string) host.Output {
	out := "user deploy 1000\nhome /home/deploy\ntool flock\ntool timeout\ntool readlink\ntool setsid\ntool curl\n"
	for _, n := range names {
		out += "app " + n + "\nroot /srv/" + n + " /srv/" + n + "\n"
	}
	return host.Output{Stdout: []byte(out + "end\n")}
}

// TestOneRoundTrip: all apps of one user on one server are read by one query.
func TestOneRoundTrip(t *testing.T) {
	one, two := hosttest.New(t, "app01"), hosttest.New(t, "app02")
	var mu sync.Mutex
	var asked []string
	answer := func(names ...string) func(host.Query) (host.Output, error) {
		return func(q host.Query) (host.Output, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, q.As()+":"+strings.Join(q.Args(), " "))
			return factsOf(names...), nil
		}
	}
	one.OnQuery("/srv/a").Do(answer("a", "b"))
	one.OnQuery("/srv/c").Do(answer("c"))
	two.OnQuery("/srv/b").Do(answer("b"))
	env := plan.Environment{Servers: map[string]plan.Host{"app01": {User: "deploy"}, "app02": {User: "deploy"}}}
	app := func(name, user string, servers ...string) plan.App {
		return plan.App{Name: name, User: user, Servers: servers, Layout: plan.Layout{Root: "/srv/" + name, Current: "current"}}
	}
	apps := []plan.App{app("a", "", "app01"), app("b", "deploy", "app01", "app02"), app("c", "itas", "app01")}
	apps[0].User = "deploy"
	g := act.Gatherer{Readers: proxy.ReadersOf(fakes{"app01": one, "app02": two})}
	v, err := g.Look(t.Context(), env, apps)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(asked)
	want := []string{":a /srv/a current  none  b /srv/b current  none ", ":b /srv/b current  none ", "itas:c /srv/c current  none "}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if len(v.Facts.Apps["b"]) != 2 || v.Facts.Apps["c"]["app01"].Home != "/home/deploy" {
		t.Errorf("facts %+v", v.Facts.Apps)
	}
}

// TestAllErrorsTogether: every host's failure is told, in order, once; and what can be read is.
func TestAllErrorsTogether(t *testing.T) {
	bad, odd, good := hosttest.New(t, "app02"), hosttest.New(t, "app03"), hosttest.New(t, "app04")
	bad.OnQuery("").Fail(&host.Error{Host: "app02", Kind: host.Sudo, Doing: "becoming itas", Err: errors.New("a password is required")})
	odd.OnQuery("").Reply(host.Output{Stdout: []byte("motd\n")})
	good.OnQuery("").Reply(factsOf("web"))
	app := plan.App{Name: "web", Servers: []string{"app01", "app02", "app03", "app04", "app09"}}
	g := act.Gatherer{Readers: proxy.ReadersOf(fakes{"app02": bad, "app03": odd, "app04": good})}
	v, err := g.Look(t.Context(), plan.Environment{}, []plan.App{app})
	if err == nil {
		t.Fatal("no error")
	}
	var order []string
	for line := range strings.Lines(err.Error()) {
		order = append(order, line[:5])
	}
	if want := []string{"app01", "app02", "app03", "app09"}; !slices.Equal(order, want) {
		t.Errorf("errors %v", err)
	}
	if _, ok := v.Facts.Apps["web"]["app04"]; !ok {
		t.Errorf("facts of the good host are missing: %+v", v.Facts)
	}
}

func TestSudoForUnits(t *testing.T) {
	h := hosttest.New(t, "app01")
	h.OnQuery("/srv/web").Reply(factsOf("web"))
	h.OnQuery("sudo -n -l").Reply(host.Output{Stdout: []byte("web.service\nweb.service\nend\n")})
	app := plan.App{Name: "web", Servers: []string{"app01"}, Layout: plan.Layout{Root: "/srv/web", Current: "current"},
		Artifact: plan.Artifact{File: &plan.FileArtifact{Path: "x"}}, Service: plan.Service{Systemd: &plan.Systemd{Unit: "web.service"}}}
	g := act.Gatherer{Readers: proxy.ReadersOf(fakes{"app01": h})}
	_, err := g.Gather(t.Context(), plan.Environment{}, []plan.App{app}, plan.Intent{Kind: plan.Rollback})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != host.Sudo || !strings.Contains(err.Error(), "web.service") || !strings.Contains(err.Error(), "NOPASSWD") {
		t.Fatalf("error %v", err)
	}
}

// TestRotationFacts asks every proxy of every active server, and tells which can't be asked.
func TestRotationFacts(t *testing.T) {
	command := plan.Driver{Command: &plan.Command{Drain: "do-drain", IsDrained: "is-drained", Admit: "do-admit", IsAdmitted: "is-admitted"}}
	env := plan.Environment{
		Servers: map[string]plan.Host{"app01": {Name: "app01"}, "app02": {Name: "app02"}},
		Proxies: map[string]plan.Proxy{
			"lb01": {Host: plan.Host{Name: "lb01"}, Driver: command}, "lb02": {Host: plan.Host{Name: "lb02"}, Driver: command},
		},
	}
	app := plan.App{Name: "web", Servers: []string{"app01", "app02"}, Layout: plan.Layout{Root: "/srv/web", Current: "current"},
		Artifact: plan.Artifact{File: &plan.FileArtifact{Path: "x"}},
		Topology: plan.Topology{Shared: &plan.Shared{Proxies: []string{"lb01", "lb02"}, Backend: "web", Member: "{server}"}}}
	hosts := fakes{}
	for _, name := range []string{"app01", "app02"} {
		h := hosttest.New(t, name)
		h.OnQuery("/srv/web").Times(3).Reply(factsOf("web"))
		hosts[name] = h
	}
	lb := hosttest.New(t, "lb01")
	in := func(yes string) func(q host.Query) (host.Output, error) {
		return func(q host.Query) (host.Output, error) {
			if slices.ContainsFunc(q.Args(), func(a string) bool { return strings.Contains(a, "app02") }) == (yes == "app02") {
				return host.Output{}, nil
			}
			return host.Output{Exit: 1}, nil
		}
	}
	lb.OnQuery("is-drained").Always().Do(in("app02"))
	lb.OnQuery("is-admitted").Always().Do(in("app01"))
	hosts["lb01"] = lb
	second := hosttest.New(t, "lb02")
	second.OnQuery("is-admitted").Always()
	second.OnQuery("is-drained").Always().Reply(host.Output{Exit: 1})
	hosts["lb02"] = second
	g := act.Gatherer{Readers: proxy.ReadersOf(hosts)}
	facts, err := g.Gather(t.Context(), env, []plan.App{app}, plan.Intent{Kind: plan.Rollback})
	if err != nil {
		t.Fatal(err)
	}
	for server, want := range map[string][]plan.Rotation{
		"app01": {{Proxy: "lb01", State: plan.RotationIn}, {Proxy: "lb02", State: plan.RotationIn}},
		"app02": {{Proxy: "lb01", State: plan.RotationOut, Said: "isDrained says yes"}, {Proxy: "lb02", State: plan.RotationIn}},
	} {
		if got := facts.Rotation["web"][server]; !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", server, got, want)
		}
	}
	broken := hosttest.New(t, "lb02")
	broken.OnQuery("").Always().Reply(host.Output{Exit: 127, Stdout: []byte("is-drained: not found")})
	hosts["lb02"] = broken
	_, err = g.Gather(t.Context(), env, []plan.App{app}, plan.Intent{Kind: plan.Rollback})
	if err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), "app01") || !strings.Contains(err.Error(), "is-drained: not found") {
		t.Errorf("error %v, want one line, although the cause was met for both servers", err)
	}
	delete(hosts, "lb02")
	_, err = g.Gather(t.Context(), env, []plan.App{app}, plan.Intent{Kind: plan.Rollback})
	if err == nil || err.Error() != "lb02: connecting to lb02: connection refused" {
		t.Errorf("error %v, want one line for both servers", err)
	}
}
