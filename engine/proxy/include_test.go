package proxy

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// included is a program whose reload is a command of the test: its page answers with what the generation was when it last reloaded.
type included struct {
	dir   string
	hosts everywhere
	of    include
	point plan.Point
}

// reloads is a reload that happens.
const reloads = "cp app.members.generation live"

func startIncluded(t *testing.T, reload string) *included {
	t.Helper()
	n := &included{dir: t.TempDir()}
	n.write(t, "app.members", "BalancerMember http://127.0.0.1:1 route=b1\nBalancerMember http://127.0.0.1:2 route=b2\n")
	n.write(t, "app.members.generation", "ErrorDocument 200 \"first\"\n")
	n.write(t, "live", "ErrorDocument 200 \"first\"\n")
	page := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text, _ := os.ReadFile(filepath.Join(n.dir, "live"))
		line, _, _ := strings.Cut(string(text), "\n")
		_, _ = w.Write([]byte(strings.Trim(strings.TrimPrefix(line, "ErrorDocument 200 "), `"`)))
	}))
	n.hosts, n.point = everywhere{&local{home: n.dir}}, at("lb1")
	n.of = httpdInclude(plan.HTTPDInclude{Members: n.dir + "/{backend}.members", Generation: page.URL + "/{backend}", PidFile: n.dir + "/pid", Test: "true", Reload: reload})
	n.of.hazards = nil // of this machine
	return n
}

func (n *included) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (n *included) state(t *testing.T) State {
	t.Helper()
	s, err := n.of.State(t.Context(), n.hosts, n.point)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestIncludeLies: a reload that returns 0 and does nothing takes nobody out, and is found out.
func TestIncludeLies(t *testing.T) {
	t.Parallel()
	n := startIncluded(t, "true")
	if err := n.of.Out(t.Context(), n.hosts, n.point); err != nil {
		t.Fatal(err)
	}
	s := n.state(t)
	if s.Settled || s.Rotation != plan.RotationUnknown || !s.Untaken || !strings.Contains(s.Detail, "httpd still answers with an earlier generation") {
		t.Errorf("%+v", s)
	}
	other := n.point
	other.Member = "b2"
	if s, err := n.of.State(t.Context(), n.hosts, other); err != nil || !s.Settled || s.Rotation != plan.RotationIn {
		t.Errorf("the other one: %+v, %v", s, err)
	}
	n.of.reload = reloads
	if err := n.of.Out(t.Context(), n.hosts, n.point); err != nil {
		t.Fatal(err)
	}
	if s := n.state(t); s.Rotation != plan.RotationOut || !s.Settled || s.Detail != "disabled in its file" && !strings.HasPrefix(s.Detail, "disabled in its file,") {
		t.Errorf("made again: %+v", s)
	}
	n.of.reload = reloads + "; exit 3"
	if err := wants(n.of.In(t.Context(), n.hosts, n.point), "changing "+n.dir+"/app.members on lb1: the reload ended with status 3"); err != nil {
		t.Error(err)
	}
}

// TestIncludeHalf: a member that is draining in its file is in, but not for all: to admit it ends that.
func TestIncludeHalf(t *testing.T) {
	t.Parallel()
	n := startIncluded(t, reloads)
	n.write(t, "app.members", "BalancerMember http://127.0.0.1:1 route=b1 status=+N\n")
	if s := n.state(t); s.Settled || s.Rotation != plan.RotationIn || s.Detail != "draining in its file" {
		t.Errorf("%+v", s)
	}
	if err := n.of.In(t.Context(), n.hosts, n.point); err != nil {
		t.Fatal(err)
	}
	if s := n.state(t); !s.Settled || s.Rotation != plan.RotationIn {
		t.Errorf("%+v", s)
	}
}

// TestHTTPDIncludePreflight: each cause is named, with what mends it.
func TestHTTPDIncludePreflight(t *testing.T) {
	t.Parallel()
	pid := func(n *included, t *testing.T) {
		n.write(t, "pid", startSleepingHTTPD(t, n.dir))
	}
	for what, c := range map[string]struct {
		change func(*included, *testing.T)
		want   []string
	}{
		"no pid":     {func(*included, *testing.T) {}, []string{"/pid names no process of httpd, or the login user can't read it", "driver.httpd.include.pidFile"}},
		"no file":    {func(n *included, _ *testing.T) { n.point.Backend = "balancer://Other" }, []string{"/other.members is missing, or the login user can't read it: write `Include ", "into `<Proxy balancer://other>`", "`Redirect 200 /other`", "give both files to the login user"}},
		"no member":  {func(n *included, t *testing.T) { pid(n, t); n.point.Member = "b7" }, []string{`has no member "b7" (did you mean "b1"?)`}},
		"no include": {func(n *included, t *testing.T) { pid(n, t); n.write(t, "live", "x\n") }, []string{`answers with "ErrorDocument 200 \"x\"" at `, "reload httpd, or correct the include"}},
		"no test":    {func(n *included, t *testing.T) { pid(n, t); n.of.test = "echo AH526; false" }, []string{"false` on lb1 ended with status 1: AH526"}},
		"persists": {func(n *included, t *testing.T) {
			pid(n, t)
			n.write(t, "site.conf", "<VirtualHost *>\n  balancerpersist\tOn\n</VirtualHost>\n")
			n.of.hazards = []host.Query{host.NewQuery("", httpdPersists, n.dir+"/none", n.dir)}
		}, []string{"with BalancerPersist On, in ", "/site.conf, httpd does not follow"}},
		"fine": {func(n *included, t *testing.T) {
			pid(n, t)
			n.write(t, "site.conf", "# BalancerPersist On\nBalancerPersist Off\n")
			n.of.hazards = []host.Query{host.NewQuery("", httpdPersists, n.dir)}
		}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			n := startIncluded(t, reloads)
			c.change(n, t)
			err := n.of.Preflight(t.Context(), n.hosts, n.point)
			if c.want == nil && err != nil {
				t.Error(err)
			}
			if err := wants(err, c.want...); err != nil {
				t.Error(err)
			}
		})
	}
}

// startSleepingHTTPD starts a process of httpd's name, and gives its number as a PidFile has it.
func startSleepingHTTPD(t *testing.T, dir string) string {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sleep, dir+"/httpd"); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(startProgram(t, exec.Command(dir+"/httpd", "60")).Pid) + "\n"
}
