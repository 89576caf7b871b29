package proxy

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const members = `# members of app
	BalancerMember http://10.0.1.1:8080 route=app1
BalancerMember "http://10.0.1.2" status=+H loadfactor=2 \
    route=app2
balancermember ajp://[fd00::3]  status=+S status=-E+dS	timeout=3
BalancerMember unix:/run/app4.sock|http://localhost/ route=app4 status=+N
ProxySet stickysession=S
`

// TestHTTPDMemberLines: only what keeps requests from one member changes.
func TestHTTPDMemberLines(t *testing.T) {
	for _, c := range []struct {
		member   string
		out      bool
		from, to string // part of the text; "": nothing changes
	}{
		{"app1", true, "route=app1\n", "route=app1 status=+D\n"},
		{"http://10.0.1.1:8080", true, "route=app1\n", "route=app1 status=+D\n"},
		{"10.0.1.1:8080", false, "", ""},
		{"app2", true, "status=+H ", "status=+H+D "},
		{"10.0.1.2:80", false, "", ""},
		{"ajp://[fd00::3]", false, "  status=+S status=-E+dS", " status=-E"},
		{"[FD00::3]:8009", true, "", ""},
		{"app4", true, "status=+N", "status=+N+D"},
		{"app4", false, " status=+N", ""},
	} {
		got, err := httpdSyntax().parse(members).with(c.member, c.out)
		want := strings.Replace(members, c.from, c.to, 1)
		if c.from == "" {
			want = members
		}
		if err != nil || got.String() != want {
			t.Errorf("%s out %v: %v\n%s\nwant\n%s", c.member, c.out, err, got, want)
		}
	}
	if _, err := httpdSyntax().parse(members).with("app5", true); wants(err, `it has no member "app5" (did you mean "app1"?)`) != nil {
		t.Error(err)
	}
	if _, err := httpdSyntax().parse("# BalancerMember http://a\n").with("a", true); wants(err, "no line such as `BalancerMember http://") != nil {
		t.Error(err)
	}
}

// TestHTTPDMemberLineRead: who is out, and where members are connected to.
func TestHTTPDMemberLineRead(t *testing.T) {
	for line, want := range map[string]server{
		"BalancerMember http://10.0.1.1:8080":                        {address: "10.0.1.1:8080", names: []string{"http://10.0.1.1:8080"}},
		"BalancerMember balancer://app https://a route=b status=D-D": {address: "a:443", names: []string{"b", "https://a"}},
		"BalancerMember http://a:1 'status=+D'":                      {address: "a:1", names: []string{"http://a:1"}, out: true},
		"BalancerMember http://a:1 Status=+h+s":                      {address: "a:1", names: []string{"http://a:1"}, out: true},
		"BalancerMember http://a:1 status=+S status=+N":              {address: "a:1", names: []string{"http://a:1"}, half: "draining"},
		"BalancerMember unix:/s|http://x/":                           {address: "unix:/s|http://x/", names: []string{"unix:/s|http://x/"}},
	} {
		got, ok := readHTTPD(line)
		if !ok || got.address != want.address || got.out != want.out || got.half != want.half || !slices.Equal(got.names, want.names) {
			t.Errorf("%s: %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "\n", "# BalancerMember http://a", "BalancerMember", "BalancerMember route=a", `BalancerMember "`, "ProxySet status=+D"} {
		if got, ok := readHTTPD(line); ok && got.names[0] != "" {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
}

// TestHTTPDMemberLinesThereAndBack: a member that goes out and comes back leaves the file as it was, whatever the file is.
func TestHTTPDMemberLinesThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(( {0,2}BalancerMember http://[a-c]:1( [a-z]{1,9}=[0-9]{1,2}| status=(-D)?[+-][HRE]{1,2}| \\\n){0,2}( route=[a-c])?|#[a-z ]*|ProxySet a=b)\n){1,5}`).Draw(t, "text")
		member := rapid.SampledFrom([]string{"a", "b", "c", "a:1", "http://b:1"}).Draw(t, "member")
		out, err := httpdSyntax().parse(text).with(member, true)
		if err != nil {
			return
		}
		if _, s, err := httpdSyntax().parse(out.String()).find(member); err != nil || !s.out {
			t.Fatalf("%q: %v", out, err)
		}
		back, err := httpdSyntax().parse(out.String()).with(member, false)
		if err != nil || back.String() != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	})
}
