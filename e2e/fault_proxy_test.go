//go:build linux

package e2e_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"trikk.dev/e2e"
)

// websocket is a connection through HAProxy that nobody closes.
type websocket struct {
	net.Conn
	lines *bufio.Reader
}

// websocket opens one, and gives the server that it goes to.
func (s *scene) websocket(t *testing.T) (*websocket, string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.f.LB[0].Address+":80", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	w := &websocket{conn, bufio.NewReader(conn)}
	fmt.Fprint(conn, "GET /tunnel HTTP/1.1\r\nHost: hello\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	for {
		line, err := w.lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	if said := w.echo("x"); said != "1.0 x\n" {
		t.Fatalf("the websocket says %q", said)
	}
	for _, m := range s.on {
		if out, err := m.Try("ss -Htn state established sport = :8081 src " + m.Address); err == nil && strings.TrimSpace(out) != "" {
			return w, m.Name
		}
	}
	t.Fatal("no server has the websocket")
	return nil, ""
}

// echo sends a line and reads the answer; "" when it was cut.
func (w *websocket) echo(text string) string {
	_ = w.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintln(w, text); err != nil {
		return ""
	}
	line, err := w.lines.ReadString('\n')
	if err != nil {
		return ""
	}
	return line
}

// A websocket that outlives the drain's deadline: with "abort" the turn is undone and the websocket lives, with "cut" it is cut and the
// turn goes on. Both are told.
func TestFault13DrainDeadline(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	with := func(onTimeout string) parts {
		return parts{rollout: `	rollout: {rolling: {}, drainDeadline: "3s", onDrainTimeout: "` + onTimeout + `", admitDeadline: "8s"}`}
	}
	w, server := s.websocket(t)
	r := s.runs(t, s.config(t, with("abort")), bad{code: s.abortedAt(server), took: 30 * time.Second})
	r.Says(t, server+"  FAILED   drain "+server+" at lb1", "is not drained after 3s", "last seen: ")
	if said := w.echo("still there"); said != "1.0 still there\n" {
		t.Errorf("the websocket was cut: it says %q", said)
	}
	s.h.AllUp(t, "hello")
	s.apply(t, s.config(t, with("cut")), "hello@2.0").Exit(t, 0).Says(t, "hello runs 2.0-", "cutting what is in flight after 3s",
		server+": 1 request was cut: it did not end within the drain deadline of 3s")
	if said := w.echo("still there"); said != "" {
		t.Errorf("the websocket was not cut: it says %q", said)
	}
	for _, m := range s.on {
		serves(t, m, "2.0")
	}
	s.h.AllUp(t, "hello")
}

// abortedAt is the exit code of a rollout that fails at a server's turn: the first one's leaves nothing changed.
func (s *scene) abortedAt(server string) int {
	if server == s.on[0].Name {
		return 7
	}
	return 6
}

// HAProxy is reloaded while a server drains, and has forgotten it: the server is drained again before it is stopped, and no request
// fails but those that the reload itself cuts.
func TestFault14ForgottenDrain(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	_, server := s.websocket(t)
	p := s.f.StartTrikk(t, s.config(t, parts{}), "apply", "hello@2.0", "-e", "test", "--yes")
	p.Prints(server + " (hello/" + server + ") at lb1: status DRAIN")
	s.f.LB[0].Run(t, "kill -USR2 $(cat /run/haproxy.pid)")
	r := p.Wait()
	t.Logf("%s\n%s", r.Stdout, r.Stderr)
	r.Exit(t, 0).Says(t, "the proxy has forgotten the drain", "hello runs 2.0-")
	for _, m := range s.on {
		serves(t, m, "2.0")
	}
	s.h.AllUp(t, "hello")
}
