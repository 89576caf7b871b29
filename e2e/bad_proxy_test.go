//go:build linux

package e2e_test

import (
	"testing"

	"trikk.dev/e2e"
)

// Proxies that can't be asked: refused before anything is changed.
func TestBadProxy(t *testing.T) {
	s := newScene(t)
	lb := s.f.LB[0]
	// withProxy is a config in which lb1 has another driver, or reload.
	withProxy := func(t *testing.T, fields string) *e2e.Config {
		t.Helper()
		c := s.f.Config(t, e2e.Proxies{"lb1": fields})
		c.App("hello", s.app(parts{}))
		return c
	}

	t.Run("no socket", func(t *testing.T) {
		c := withProxy(t, `driver: haproxy: socket: "/run/haproxy/other.sock"`)
		s.refuses(t, c, bad{code: 1, says: []string{"no socket /run/haproxy/other.sock on lb1", "is haproxy running", "`stats socket /run/haproxy/other.sock level admin`"}})
	})
	t.Run("not a socket", func(t *testing.T) {
		c := withProxy(t, `driver: haproxy: socket: "/run/sshd/pid"`)
		s.refuses(t, c, bad{code: 1, says: []string{"/run/sshd/pid on lb1 is not a socket"}})
	})
	t.Run("no permission", func(t *testing.T) {
		lb.Run(t, "chmod 600 "+e2e.HAProxySocket)
		t.Cleanup(func() { lb.Run(t, "chmod 660 "+e2e.HAProxySocket) })
		s.refuses(t, s.config(t, parts{}), bad{code: 1, says: []string{"the login user may not use the socket " + e2e.HAProxySocket + " on lb1", "mode 660 group GROUP level admin"}})
	})
	t.Run("a port where nothing listens", func(t *testing.T) {
		c := withProxy(t, `driver: haproxy: socket: "127.0.0.1:9999"`)
		s.refuses(t, c, bad{code: 1, says: []string{"connecting to 127.0.0.1:9999 on lb1: ", "Connection refused: is haproxy listening there?"}})
	})
	t.Run("unknown backend", func(t *testing.T) {
		c := s.config(t, parts{topology: `	topology: shared: {proxies: ["lb1"], backend: "helo"}`})
		s.refuses(t, c, bad{code: 1, says: []string{`haproxy on lb1 has no backend "helo" (did you mean "hello"?)`}})
	})
	t.Run("unknown member", func(t *testing.T) {
		c := s.config(t, parts{topology: `	topology: shared: {proxies: ["lb1"], member: "{server}x"}`})
		s.refuses(t, c, bad{code: 1, lines: 2, says: []string{`haproxy on lb1 has no server "app1x" in backend "hello" (did you mean "app1"?)`, `"app2x"`}})
	})
	t.Run("forwarding forbidden, with a tool", func(t *testing.T) {
		withSSHD(t, lb, "-o", "AllowStreamLocalForwarding=no")
		// Drained and admitted through socat; the hook in between fails, so 1.0 stays.
		before := s.listing(t)
		s.runs(t, s.config(t, parts{more: `	hooks: before: ["false"]`}), bad{code: 7}).Says(t, "app1  done     drain app1 at lb1", "app1  done     admit app1 at lb1")
		s.onlyReleases(t, before)
	})
	t.Run("forwarding forbidden, without a tool", func(t *testing.T) {
		withSSHD(t, lb, "-o", "AllowStreamLocalForwarding=no")
		for _, tool := range []string{"socat", "nc", "nc.openbsd", "nc.traditional"} {
			if _, err := lb.Try("test -f /usr/bin/" + tool); err == nil {
				lb.Hide(t, "/usr/bin/"+tool)
			}
		}
		s.refuses(t, s.config(t, parts{}), bad{code: 1, says: []string{"the SSH server of lb1 does not connect to " + e2e.HAProxySocket, "neither socat nor nc", "AllowStreamLocalForwarding yes", "install socat"}})
	})
	t.Run("a command that is not there", func(t *testing.T) {
		c := withProxy(t, `driver: command: {drain: "lbctl drain", isDrained: "lbctl drained", admit: "lbctl admit", isAdmitted: "lbctl admitted"}`)
		s.refuses(t, c, bad{code: 1, says: []string{"on lb1 (`lbctl drained`) ended with status 127", "lbctl: not found"}})
	})
	s.clean(t)
}

// withSSHD is a machine whose sshd has more options, until the test ends.
func withSSHD(t *testing.T, m *e2e.Machine, options ...string) {
	t.Helper()
	m.KillSSHD(t)
	m.RestartSSHD(t, options...)
	t.Cleanup(func() { m.KillSSHD(t); m.RestartSSHD(t) })
}
