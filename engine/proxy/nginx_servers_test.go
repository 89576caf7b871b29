package proxy

import (
	"testing"

	"pgregory.net/rapid"
)

const upstream = `# servers of app
	server 10.0.1.1:8080 max_fails=0; # app1
server 10.0.1.2:8080   weight=2  down ;# app2
server unix:/run/app3.sock;
keepalive 16;
`

// TestNginxServers: only the word down of one line changes.
func TestNginxServers(t *testing.T) {
	for _, c := range []struct {
		member string
		down   bool
		want   string
		err    string
	}{
		{"app1", true, "# servers of app\n\tserver 10.0.1.1:8080 max_fails=0 down; # app1\nserver 10.0.1.2:8080   weight=2  down ;# app2\nserver unix:/run/app3.sock;\nkeepalive 16;\n", ""},
		{"10.0.1.1:8080", true, "# servers of app\n\tserver 10.0.1.1:8080 max_fails=0 down; # app1\nserver 10.0.1.2:8080   weight=2  down ;# app2\nserver unix:/run/app3.sock;\nkeepalive 16;\n", ""},
		{"app1", false, upstream, ""},
		{"app2", true, upstream, ""},
		{"app2", false, "# servers of app\n\tserver 10.0.1.1:8080 max_fails=0; # app1\nserver 10.0.1.2:8080   weight=2;# app2\nserver unix:/run/app3.sock;\nkeepalive 16;\n", ""},
		{"unix:/run/app3.sock", true, "# servers of app\n\tserver 10.0.1.1:8080 max_fails=0; # app1\nserver 10.0.1.2:8080   weight=2  down ;# app2\nserver unix:/run/app3.sock down;\nkeepalive 16;\n", ""},
		{"app4", true, "", `it has no server "app4" (did you mean "app1"?)`},
		{"", true, "", `it has no server ""`},
	} {
		got, err := nginxSyntax().parse(upstream).with(c.member, c.down)
		if c.err != "" {
			if err := wants(err, c.err); err != nil {
				t.Error(err)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s down %v: %v\n%s\nwant\n%s", c.member, c.down, err, got, c.want)
		}
	}
	tabs := "\tserver\t10.0.1.1:8080\tdown\tweight=2;\t# app1\n"
	if got, err := nginxSyntax().parse(tabs).with("app1", false); err != nil || got.String() != "\tserver\t10.0.1.1:8080\tweight=2;\t# app1\n" {
		t.Errorf("with tabs: %v, %q", err, got)
	}
	one := nginxSyntax().parse("server a:1; # a\nserver b:1 down; # b\n")
	if got, err := one.with("a", true); err != nil || got.String() != "server a:1 down; # a\nserver b:1 down; # b\n" {
		t.Errorf("the last one: %v, %v", got, err)
	}
	if _, err := nginxSyntax().parse("# nothing\n").with("a", true); wants(err, "no line such as `server") != nil {
		t.Errorf("an empty file: %v", err)
	}
}

// TestNginxThereAndBack: a server that goes down and comes back leaves the file as it was, whatever the file is.
func TestNginxThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(( {0,2}server [a-c]:1( [a-z_]+=[0-9]{1,2}){0,2};( ?# ?[a-c])?|#[a-z ]*|keepalive 4;)\n){1,5}`).Draw(t, "text")
		member := rapid.SampledFrom([]string{"a", "b", "c", "a:1"}).Draw(t, "member")
		out, err := nginxSyntax().parse(text).with(member, true)
		if err != nil {
			return
		}
		if _, s, err := nginxSyntax().parse(out.String()).find(member); err != nil || !s.out {
			t.Fatalf("%q: %v", out, err)
		}
		back, err := nginxSyntax().parse(out.String()).with(member, false)
		if err != nil || back.String() != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	})
}
