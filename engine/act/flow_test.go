package act_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host/sshtest"
	"trikk.dev/engine/plan"
)

func shell(t *testing.T, dir, command string) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestDeployFromEmptyToPruned walks the local route on a real shell: install, link, start, probe, watch, then a second
// release, whose end prunes the first.
func TestDeployFromEmptyToPruned(t *testing.T) {
	f := newFleet(t, "app01")
	path := f.publish("web.tar.gz", "one")
	sum := fileHash(t, path)
	f.app.Probes["http"].HTTP.Contains = "one"
	f.app.Rollout.MinReadySeconds = 1
	p := f.compile(plan.Intent{Kind: plan.Deploy, ID: "P1"})
	f.app.Rollout.MinReadySeconds = 0
	first := p.Apps[0].To
	a := f.actor("R1")
	f.succeed(f.run(a, p))
	if got := f.get(); got != "one" {
		t.Fatalf("the app says %q", got)
	}
	if !strings.HasPrefix(first, "local-"+sum[:8]+"-") {
		t.Errorf("release %s is not named by its content", first)
	}

	in := f.look("app01")
	if in.Current != first || in.Running != first || in.Service != "active" || len(in.Used) != 1 || in.Used[0] != "P1" || len(in.Cached) != 1 {
		t.Errorf("facts after the first deploy: %+v", in)
	}
	if len(in.Releases) != 1 || !in.Releases[0].Complete || !in.Releases[0].Good || in.Releases[0].GoodSeq != "P1" {
		t.Errorf("releases %+v", in.Releases)
	}
	if again := f.compile(plan.Intent{Kind: plan.Deploy, ID: "P2"}); !again.Empty() {
		t.Errorf("a plan after an apply has something to do: %+v", again.Apps)
	}

	f.publish("web.tar.gz", "two")
	f.app.Probes["http"].HTTP.Contains = "two"
	second := f.compile(plan.Intent{Kind: plan.Deploy, ID: "P3"})
	f.succeed(f.run(a, second))
	if got := f.get(); got != "two" {
		t.Fatalf("the app says %q", got)
	}
	f.publish("web.tar.gz", "three")
	f.app.Probes["http"].HTTP.Contains = "three"
	third := f.compile(plan.Intent{Kind: plan.Deploy, ID: "P4"})
	f.succeed(f.run(a, third))
	in = f.look("app01")
	if in.Current != third.Apps[0].To || in.Running != in.Current || len(in.Releases) != 2 || in.Releases[0].Name == first || in.Releases[1].Name == first {
		t.Errorf("facts after the third deploy: %+v", in)
	}
	if got := f.sh("app01", "cat apps/web/current/config/app.properties; stat -c %a apps/web/current/bin/run.sh"); !strings.Contains(got, "port=") || !strings.HasSuffix(got, "755") {
		t.Errorf("configured release: %s", got)
	}
}

func fileHash(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (f *fleet) look(server string) plan.Installed {
	f.t.Helper()
	v, err := f.gatherer().Look(f.t.Context(), f.env, []plan.App{f.app})
	if err != nil {
		f.t.Fatal(err)
	}
	return v.Facts.Apps["web"][server]
}

// TestProbeFailureIsUndone deploys a release that never gets healthy, and takes it back.
func TestProbeFailureIsUndone(t *testing.T) {
	f := newFleet(t, "app01")
	f.app.Probes["http"].HTTP.Contains = ""
	f.publish("web.tar.gz", "one")
	a := f.actor("R1")
	f.succeed(f.run(a, f.compile(plan.Intent{Kind: plan.Deploy, ID: "P1"})))
	f.publish("web.tar.gz", "broken")
	f.app.Probes["http"].HTTP.Deadline = 300_000_000
	p := f.compile(plan.Intent{Kind: plan.Deploy, ID: "P2"})
	results := f.run(a, p)
	last := results[len(results)-1]
	if last.Status != plan.Failed || !strings.Contains(last.Error, "503 Service Unavailable") || !strings.Contains(last.Error, "not passed within 300ms") {
		t.Fatalf("last result %+v", last)
	}
	if !strings.Contains(last.Output, "serving broken") {
		t.Errorf("the log's last lines are missing: %q", last.Output)
	}
	f.undo(a, p, last.Step)
	if got := f.get(); got != "one" {
		t.Errorf("after the undo the app says %q", got)
	}
	if in := f.look("app01"); in.Current != p.Apps[0].Waves[1].Lanes[0].From || in.Running != in.Current {
		t.Errorf("facts after the undo: %+v", in)
	}
}

// undo takes back the lane that the step is in.
func (f *fleet) undo(a interface {
	Do(ctx context.Context, seg plan.Segment, results func(plan.Result)) error
}, p plan.Plan, step string) {
	f.t.Helper()
	for _, wave := range p.Apps[0].Waves {
		for _, lane := range wave.Lanes {
			for i, s := range lane.Steps {
				if s.ID != step {
					continue
				}
				for j := i; j >= 0; j-- {
					for _, u := range lane.Steps[j].Undo {
						seg := plan.Segment{App: "web", Host: u.Host, As: u.As, Transport: u.Op.Transport(), Steps: []plan.Step{u}}
						if err := a.Do(f.t.Context(), seg, func(r plan.Result) { f.succeed([]plan.Result{r}) }); err != nil {
							f.t.Fatal(err)
						}
					}
				}
			}
		}
	}
}

// TestFetchOnTheServer walks the repository route: the server downloads, with credentials that never reach its disk or the
// results.
func TestFetchOnTheServer(t *testing.T) {
	f := newFleet(t, "app01")
	t.Setenv("ACT_TEST_PW", `p"w'$x`)
	path := f.publish("web-1.0.tar.gz", "web 1.0")
	repo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pw, _ := r.BasicAuth(); user != "deploy" || pw != `p"w'$x` {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/web-1.0.tar.gz":
			w.Header().Set("Content-Type", "application/gzip")
			http.ServeFile(w, r, path)
		case "/web-1.0.tar.gz.sha256":
			_, _ = w.Write([]byte(fileHash(t, path)))
		default:
			http.NotFound(w, r)
		}
	}))
	defer repo.Close()
	f.app.Version = "1.0"
	auth := &plan.Auth{Basic: &plan.BasicAuth{User: "deploy", Password: plan.Secret{Env: "ACT_TEST_PW"}}}
	f.app.Artifact = plan.Artifact{URL: &plan.URLArtifact{URL: repo.URL + "/web-{version}.tar.gz", Auth: auth}}
	a := f.actor("R1")
	results := f.run(a, f.compile(plan.Intent{Kind: plan.Deploy, ID: "P1"}))
	f.succeed(results)
	if got := f.get(); got != "web 1.0" {
		t.Errorf("the app says %q", got)
	}
	for _, r := range results {
		if strings.Contains(r.Output+r.Error, `p"w`) {
			t.Errorf("%s leaks the password: %+v", r.Step, r)
		}
	}

	// The controller's route of the same artifact: downloaded once here, uploaded, taken into the cache.
	g := newFleet(t, "app02")
	g.app.Version, g.app.Artifact = "1.0", plan.Artifact{URL: &plan.URLArtifact{ArtifactOptions: plan.ArtifactOptions{Fetch: "controller"}, URL: repo.URL + "/web-{version}.tar.gz", Auth: auth}}
	path = g.publish("web-1.0.tar.gz", "web 1.0")
	g.succeed(g.run(g.actor("R2"), g.compile(plan.Intent{Kind: plan.Deploy, ID: "P2"})))
	if got := g.get(); got != "web 1.0" {
		t.Errorf("by the controller, the app says %q", got)
	}
}

// TestDeployAsAnotherUser: the app's steps go through sudo, the login user only uploads; both check the lock that the app user
// holds. sshd forbids forwarding, so the probes use tools of the server.
func TestDeployAsAnotherUser(t *testing.T) {
	bin := t.TempDir()
	log := filepath.Join(t.TempDir(), "sudo.log")
	standIn(t, bin, "sudo", `[ "$1 $2 $3 $4" = "-n -H -u itas" ] || { echo "sudo: a password is required" >&2; exit 1; }
echo "$4" >>`+log+`
shift 4
exec "$@"`)
	f := newFleetOf(t, sshtest.Config{NoForwarding: true, Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}}, "app01")
	f.app.User = "itas"
	f.app.Probes["http"].HTTP.Contains = "one"
	f.publish("web.tar.gz", "one")
	p := f.compile(plan.Intent{Kind: plan.Deploy, ID: "P1"})
	a := f.actor("R1")
	lock, err := a.Lock(t.Context(), act.LockTargets(p))
	if err != nil {
		t.Fatal(err)
	}
	f.succeed(f.run(a, p))
	if got := f.get(); got != "one" {
		t.Errorf("the app says %q", got)
	}
	if b, _ := os.ReadFile(log); !strings.Contains(string(b), "itas") {
		t.Error("nothing went through sudo")
	}
	f.loggedSteps("R1", p)
	f.sh("app01", `echo '{"run":"R2"}' >apps/web/.trikk/lock.info`)
	for _, wave := range p.Apps[0].Waves {
		for _, s := range wave.Lanes[0].Steps {
			if s.Op.Transport() == plan.Dial {
				continue // probes only look
			}
			results, err := f.do(a, "web", []plan.Step{s})
			if err != nil || len(results) != 1 || results[0].Status != plan.NotRun || !strings.Contains(results[0].Error, "R2") {
				t.Errorf("%s as %q with a foreign lock: %+v, %v", s.ID, s.As, results, err)
			}
		}
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	if got := f.sh("app01", "cat apps/web/.trikk/lock.info"); got != `{"run":"R2"}` {
		t.Errorf("the foreign lock.info became %q", got)
	}
}

// loggedSteps wants the step log on app01 to hold every step that is a script, once each, in order, and none else.
func (f *fleet) loggedSteps(run string, p plan.Plan) {
	f.t.Helper()
	var want []string
	for _, w := range p.Apps[0].Waves {
		for _, s := range w.Lanes[0].Steps {
			if s.Op.Transport() == plan.Script {
				want = append(want, run+" "+s.ID+" started", run+" "+s.ID+" done 0")
			}
		}
	}
	if got := f.sh("app01", "cat apps/web/.trikk/log"); got != strings.Join(want, "\n") {
		f.t.Errorf("the step log is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
