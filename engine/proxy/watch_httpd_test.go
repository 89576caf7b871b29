package proxy

import (
	"strings"
	"testing"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

const managerURL = "http://127.0.0.1:8200/balancer-manager"

// TestHTTPDStates reads an answer of httpd 2.4 with one member in each state, by URL, HOST:PORT and route.
func TestHTTPDStates(t *testing.T) {
	f := hosttest.New(t, "lb1")
	f.OnAsk("127.0.0.1:8200", "GET /balancer-manager?xml=1 HTTP/1.0\r\nHost: 127.0.0.1:8200\r\nReferer: "+managerURL).
		Always().Reply(recorded(t, "httpd-2.4.http"))
	f.OnQuery("established").Always().Reply(host.Output{Stdout: []byte("ss is not installed\n"), Exit: 127})
	w := watchHTTPD{plan.WatchHTTPD{URL: managerURL}}
	for _, c := range []struct {
		backend, member string
		want            State
	}{
		{"app", "http://127.0.0.1:18101", State{Rotation: plan.RotationIn, Settled: true, InFlight: 1, Detail: "status Init Ok, 1 busy"}},
		{"balancer://app", "127.0.0.1:18101", State{Rotation: plan.RotationIn, Settled: true, InFlight: 1, Detail: "status Init Ok, 1 busy"}},
		{"balancer://App", "127.0.0.1:18101", State{Rotation: plan.RotationIn, Settled: true, InFlight: 1, Detail: "status Init Ok, 1 busy"}},
		{"other", "http://127.0.0.1:18101", State{Rotation: plan.RotationIn, Settled: true, InFlight: 0, Detail: "status Init Ok, 0 busy"}},
		{"app", "b2", State{Rotation: plan.RotationOut, Settled: true, InFlight: 0, Detail: "status Init Dis, 0 busy"}},
		{"app", "b3", State{Rotation: plan.RotationDown, Settled: true, InFlight: 0, Detail: "status Init HcFl, 0 busy"}},
		{"app", "b4", State{Rotation: plan.RotationOut, Settled: false, InFlight: 0, Detail: "status Init Drn Ok, 0 busy"}},
		{"app", "b5", State{Rotation: plan.RotationOut, Settled: true, InFlight: 0, Detail: "status Init Stop, 0 busy"}},
		{"app", "b6", State{Rotation: plan.RotationIn, Settled: true, InFlight: 0, Detail: "status Init Stby Ok, 0 busy"}},
		{"app", "b7", State{Rotation: plan.RotationDown, Settled: false, InFlight: 0, Detail: "status Init Err, 0 busy"}},
		{"app", "b8", State{Rotation: plan.RotationIn, Settled: false, InFlight: 0, Detail: "status Init Ign Ok, 0 busy"}},
	} {
		got, err := w.look(t.Context(), f, "lb1", plan.Point{Backend: c.backend, Member: c.member})
		if err != nil || got != c.want {
			t.Errorf("%s/%s: %+v, %v\nwant %+v", c.backend, c.member, got, err, c.want)
		}
	}
}

// TestHTTPDMembers: names by which a member is known; httpd tells an IPv6 address without its brackets, and names in lower case.
func TestHTTPDMembers(t *testing.T) {
	balancers := []httpdBalancer{{Name: "balancer://app", Workers: []httpdWorker{
		{Name: "http://[fd00::1]:8080", Host: "fd00::1", Port: "8080", Route: "app1"},
		{Name: "http://web.example", Host: "web.example", Port: "80", Route: "app2"},
	}}}
	for member, want := range map[string]string{
		"http://[fd00::1]:8080": "app1", "[fd00::1]:8080": "app1", "app1": "app1", "http://web.example": "app2", "Web.Example:80": "app2", "fd00::1:8080": "", "App1": "",
	} {
		if w, err := findWorker(balancers, plan.Point{Backend: "app", Member: member}, "lb1"); w.Route != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v", member, w.Route, err)
		}
	}
}

// TestHTTPDErrors: answers that look fine and aren't, and names that httpd doesn't know.
func TestHTTPDErrors(t *testing.T) {
	good := string(recorded(t, "httpd-2.4.http"))
	for _, c := range []struct {
		what, answer, backend, member, want string
	}{
		{"200 without XML", string(recorded(t, "httpd-2.4-no-referer.http")), "app", "b1", "no balancer-manager XML"},
		{"forbidden", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "app", "b1", "answers 403"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "app", "b1", "does not answer in HTTP"},
		{"nothing", "", "app", "b1", "does not answer in HTTP"},
		{"cut", good[:2000], "app", "b1", "unexpected EOF"},
		{"backend", good, "apps", "b1", `no balancer "apps" (did you mean "app"?)`},
		{"member", good, "app", "http://127.0.0.1:18110", `no member "http://127.0.0.1:18110" in balancer "app" (did you mean "http://127.0.0.1:18101"?)`},
		{"no member", good, "other", "", `no member "" in balancer "other" (it has http://127.0.0.1:18101)`},
	} {
		f := hosttest.New(t, "lb1")
		f.OnAsk("127.0.0.1:8200", "GET ").Reply(host.Answer(c.answer))
		w := watchHTTPD{plan.WatchHTTPD{URL: managerURL}}
		_, err := w.look(t.Context(), f, "lb1", plan.Point{Backend: c.backend, Member: c.member})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "lb1") {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}

// TestHTTPGetRoutes: HTTPS, and hosts that refuse to forward, go through curl on the host.
func TestHTTPGetRoutes(t *testing.T) {
	f := hosttest.New(t, "lb1")
	f.OnAsk("127.0.0.1:80", "GET /status?a=1 HTTP/1.0\r\nHost: 127.0.0.1\r\n").Fail(&host.Error{Host: "lb1", Kind: host.Forwarding, Doing: "dialling"})
	f.OnQuery("http://127.0.0.1/status?a=1").Reply(host.Output{Stdout: []byte("two\nlines\n200")})
	f.OnQuery("https://lb1/status").Reply(host.Output{Stdout: []byte("curl: (60) bad certificate\n"), Exit: 60})
	got, err := get(t.Context(), f, "lb1", "http://127.0.0.1/status?a=1")
	if err != nil || got.status != 200 || string(got.body) != "two\nlines" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err = get(t.Context(), f, "lb1", "https://lb1/status"); err == nil || !strings.Contains(err.Error(), "bad certificate") {
		t.Error(err)
	}
	for _, bad := range []string{"ftp://lb1/", "lb1/status", "http://u:p@lb1/", "http://lb1/a;b"} {
		if _, err := get(t.Context(), f, "lb1", bad); err == nil || !hopeless(err) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestSuggest(t *testing.T) {
	many := []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10"}
	for _, c := range []struct {
		got   string
		known []string
		want  string
	}{
		{"x", nil, ""},
		{"jmsadmn", []string{"web", "jmsadmin"}, ` (did you mean "jmsadmin"?)`},
		{"zzzzzz", []string{"web", "api", "web"}, " (it has api, web)"},
		{"zzzzzz", many, " (it has a1, a10, a2, a3, a4, a5, a6, a7 and 2 others)"},
	} {
		if got := suggest(c.got, c.known); got != c.want {
			t.Errorf("%s: %q, want %q", c.got, got, c.want)
		}
	}
}
