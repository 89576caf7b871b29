//go:build linux

package e2e_test

import (
	"strings"
	"testing"
)

// Mistakes in the config and on the command line: exit code 3, the place, the nearest name, and no host was asked.
func TestBadConfig(t *testing.T) {
	s := newScene(t)

	t.Run("syntax error", func(t *testing.T) {
		c := s.config(t, parts{})
		c.Write("apps/hello/app.cue", "package hello\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"hello\"\n\tports: {http: 8080,, }\n}\n")
		s.refuses(t, c, bad{code: 3, says: []string{"apps/hello/app.cue:7:21: "}})
	})
	t.Run("misspelt field", func(t *testing.T) {
		c := s.config(t, parts{more: `	rolout: minReadySeconds: 3`})
		s.refuses(t, c, bad{code: 3, says: []string{"apps/hello/app.cue:", `unknown field "rolout"`, `did you mean "rollout"?`}})
	})
	t.Run("unknown app", func(t *testing.T) {
		s.refuses(t, s.config(t, parts{}), bad{args: []string{"apply", "helo@2.0", "-e", "test", "--yes"}, code: 3, says: []string{`"helo"`, `did you mean "hello"?`}})
	})
	t.Run("unknown environment", func(t *testing.T) {
		s.refuses(t, s.config(t, parts{}), bad{args: []string{"apply", "hello", "-e", "tset", "--yes"}, code: 3, says: []string{`"tset"`, `did you mean "test"?`}})
	})
	t.Run("unknown server", func(t *testing.T) {
		c := s.config(t, parts{servers: `	environments: test: servers: ["app1", "ap2"]`})
		s.refuses(t, c, bad{code: 3, says: []string{"apps/hello/app.cue:", `unknown server "ap2" in environment test`, `did you mean "app2"?`}})
	})
	t.Run("unknown proxy", func(t *testing.T) {
		c := s.config(t, parts{topology: `	topology: shared: proxies: ["lb2"]`})
		s.refuses(t, c, bad{code: 3, says: []string{"apps/hello/app.cue:", `unknown proxy "lb2" in environment test`}})
	})
	t.Run("two apps with one port", func(t *testing.T) {
		c := s.config(t, parts{more: `	ports: http: 8081`})
		c.App("other", strings.ReplaceAll(s.app(parts{more: `	ports: http: 8081`}), "hello-app", "other-app"))
		s.refuses(t, c, bad{code: 3, says: []string{"port 8081 on app1, app2 is also used by app hello", "apps/hello/app.cue:", "apps/other/app.cue:"}})
	})
	t.Run("no environment", func(t *testing.T) {
		s.refuses(t, s.config(t, parts{}), bad{args: []string{"apply", "hello", "--yes"}, code: 64, says: []string{"-e ENV"}})
	})
	t.Run("nobody to ask", func(t *testing.T) {
		before := s.listing(t)
		r := s.runs(t, s.config(t, parts{}), bad{args: []string{"apply", "hello@2.0", "-e", "test"}, code: 5})
		r.Says(t, "nobody can be asked here: add --yes to apply")
		if after := s.listing(t); after != before {
			t.Errorf("something was changed:\n%s", difference(before, after))
		}
	})
	s.clean(t)
}
