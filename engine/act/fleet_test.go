package act_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"trikk.dev/engine/act"
	"trikk.dev/engine/artifact"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/host/sshtest"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/secret"
)

// TestMain lets the test binary be the app that is deployed: an HTTP server that says its release's version.
func TestMain(m *testing.M) {
	if addr := os.Getenv("ACT_TEST_APP"); addr != "" {
		version, err := os.ReadFile("version.txt")
		if err != nil {
			os.Exit(3)
		}
		fmt.Println("serving", strings.TrimSpace(string(version)))
		err = http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(string(version), "broken") {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = w.Write(version)
		}))
		fmt.Println(err)
		os.Exit(4)
	}
	os.Exit(m.Run())
}

// fleet is servers in this process with one app.
type fleet struct {
	t       *testing.T
	env     plan.Environment
	app     plan.App
	pool    *host.Pool
	servers map[string]*sshtest.Server
	port    int
	dist    string // directory of archives
}

func newFleet(t *testing.T, names ...string) *fleet {
	return newFleetOf(t, sshtest.Config{}, names...)
}

func newFleetOf(t *testing.T, config sshtest.Config, names ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, servers: map[string]*sshtest.Server{}, dist: t.TempDir(), port: hosttest.FreePort(t)}
	id, err := sshtest.NewIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f.env = plan.Environment{Name: "test", Servers: map[string]plan.Host{}}
	var targets []host.Target
	var all []*sshtest.Server
	for _, name := range names {
		c := config
		c.Home, c.AuthorizedKeys = t.TempDir(), []ssh.PublicKey{id.PublicKey()}
		s, err := sshtest.Start(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		f.servers[name] = s
		all = append(all, s)
		f.env.Servers[name] = plan.Host{Name: name, Address: s.Host(), Port: s.Port(), User: "deploy"}
		targets = append(targets, host.Target{Name: name, Address: s.Host(), Port: s.Port(), User: "deploy"})
	}
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := sshtest.WriteKnownHosts(known, all...); err != nil {
		t.Fatal(err)
	}
	f.pool = f.newPool(targets, id.File, known)
	f.app = f.newApp(names)
	t.Cleanup(f.killApps)
	return f
}

func (f *fleet) newPool(targets []host.Target, identity, known string) *host.Pool {
	p := host.NewPool(targets, host.Options{ConfigFile: "none", AgentSocket: "none", IdentityFiles: []string{identity}, KnownHosts: []string{known}})
	f.t.Cleanup(func() { _ = p.Close() })
	return p
}

func (f *fleet) newApp(servers []string) plan.App {
	quick := plan.Timing{Interval: plan.Duration(20 * time.Millisecond), Timeout: plan.Duration(2 * time.Second), Deadline: plan.Duration(10 * time.Second), Success: 2, Failure: 2}
	return plan.App{
		Name: "web", Env: "test", Servers: servers,
		Artifact: plan.Artifact{File: &plan.FileArtifact{Path: filepath.Join(f.dist, "web.tar.gz")}},
		Layout:   plan.Layout{Root: "~/apps/web", Current: "current", Keep: 1, Persist: []string{"data"}},
		Files:    map[string]plan.File{"config/app.properties": {Properties: map[string]any{"port": f.port}, Mode: "0640"}},
		Marker:   "config/disabled",
		Service:  plan.Service{Process: &plan.Process{Command: "exec bin/run.sh", Timeout: plan.Duration(5 * time.Second)}},
		Probes: map[string]plan.Check{
			"http": {HTTP: &plan.HTTPCheck{Timing: quick, Host: "127.0.0.1", Port: f.port, Path: "/", Contains: "{version}"}},
			"tcp":  {TCP: &plan.TCPCheck{Timing: quick, Host: "127.0.0.1", Port: f.port}},
			"exec": {Exec: &plan.ExecCheck{Timing: quick, Command: `[ "$TRIKK_APP" = web ] && [ -f version.txt ] && [ -d "$TRIKK_ROOT/releases" ]`}},
		},
		Rollout: plan.Rollout{OnFailure: "hold", DrainDeadline: plan.Duration(5 * time.Second), OnDrainTimeout: "abort", AdmitDeadline: plan.Duration(5 * time.Second)},
		Modes:   []plan.Mode{{Glob: "bin/*.sh", Mode: "0755"}},
	}
}

// publish writes an archive of the app; what it says holds every string, so that {version} of a local build is found.
func (f *fleet) publish(file, says string) string {
	f.t.Helper()
	self, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for name, body := range map[string]string{
		"bin/run.sh":  fmt.Sprintf("#!/bin/sh\nACT_TEST_APP=127.0.0.1:%d exec %s\n", f.port, self),
		"version.txt": says,
	} {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			f.t.Fatal(err)
		}
		if _, err := tw.Write([]byte(body)); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		f.t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		f.t.Fatal(err)
	}
	path := filepath.Join(f.dist, file)
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		f.t.Fatal(err)
	}
	return path
}

func (f *fleet) gatherer() *act.Gatherer {
	return &act.Gatherer{Readers: proxy.ReadersOf(f.pool), Resolver: f.resolver()}
}

func (f *fleet) resolver() *artifact.Resolver {
	return &artifact.Resolver{Cache: filepath.Join(f.dist, "cache"), Wait: time.Millisecond, Secrets: (&secret.Reader{}).Read}
}

func (f *fleet) actor(run string) *act.Actor {
	return act.New(act.Options{Hosts: f.pool, Resolver: f.resolver(), Secrets: (&secret.Reader{}).Read, Run: run, Who: "anna@laptop"})
}

// compile gathers and compiles.
func (f *fleet) compile(in plan.Intent) plan.Plan {
	f.t.Helper()
	facts, err := f.gatherer().Gather(f.t.Context(), f.env, []plan.App{f.app}, in)
	if err != nil {
		f.t.Fatal(err)
	}
	p, err := plan.Compile(f.env, []plan.App{f.app}, facts, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// run does all segments of a plan in order, and stops at the first step that fails.
func (f *fleet) run(a *act.Actor, p plan.Plan) (all []plan.Result) {
	f.t.Helper()
	for _, app := range p.Apps {
		for _, wave := range app.Waves {
			for _, lane := range wave.Lanes {
				for _, steps := range plan.Segments(lane) {
					results, err := f.do(a, app.App, steps)
					all = append(all, results...)
					if err != nil {
						f.t.Fatalf("%s: %v", steps[0].ID, err)
					}
					if len(results) < len(steps) || bad(results[len(results)-1]) {
						return all
					}
				}
			}
		}
	}
	return all
}

func (f *fleet) do(a *act.Actor, app string, steps []plan.Step) (results []plan.Result, err error) {
	seg := plan.Segment{App: app, Host: steps[0].Host, As: steps[0].As, Transport: steps[0].Op.Transport(), Steps: steps}
	err = a.Do(f.t.Context(), seg, func(r plan.Result) { results = append(results, r) })
	return results, err
}

func bad(r plan.Result) bool { return r.Status != plan.Changed && r.Status != plan.Unchanged }

// succeed fails the test unless every step did.
func (f *fleet) succeed(results []plan.Result) {
	f.t.Helper()
	if len(results) == 0 {
		f.t.Fatal("no results")
	}
	if last := results[len(results)-1]; bad(last) {
		f.t.Fatalf("%s: %s: %s\n%s", last.Step, last.Status, last.Error, last.Output)
	}
}

func (f *fleet) get() string {
	f.t.Helper()
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", f.port))
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	_, _ = b.ReadFrom(resp.Body)
	return b.String()
}

// killApps ends what a test left running: the process group of the pid file, if it works in the server's home.
func (f *fleet) killApps() {
	for _, server := range f.servers {
		b, err := os.ReadFile(filepath.Join(server.Home(), "apps/web/shared/web.pid"))
		pid, bad := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil || bad != nil || pid <= 1 {
			continue
		}
		cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if err != nil || !strings.HasPrefix(cwd, server.Home()+"/") {
			continue
		}
		if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
			f.t.Errorf("ending process %d: %v", pid, err)
		}
	}
}

// sh runs a shell command on a server, beside all that is tested.
func (f *fleet) sh(server, command string) string {
	s := f.servers[server]
	return shell(f.t, s.Home(), command)
}

// lines collects progress.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(_ plan.Step, s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}
