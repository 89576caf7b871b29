package hosttest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trikk.dev/engine/host"
)

func queryCases() map[string]func(*testing.T, host.Host) {
	return map[string]func(*testing.T, host.Host){
		"arguments are data":         argumentsCase,
		"output is what was printed": rawCase,
		"a user's command":           userQueryCase,
		"a deadline":                 queryDeadlineCase,
		"too much output":            queryTooMuchCase,
	}
}

func argumentsCase(t *testing.T, h host.Host) {
	args := []string{"a b", "it's", `"$HOME"`, "`id`", "-n", "", "new\nline", "\xff", `back\slash`, "*", "!x"}
	out, err := h.Query(soon(t), host.NewQuery("", `printf '<%s>' "$@"`, args...))
	if err != nil {
		t.Fatal(err)
	}
	if want := "<" + strings.Join(args, "><") + ">"; string(out.Stdout) != want {
		t.Errorf("got %q, want %q", out.Stdout, want)
	}
}

func rawCase(t *testing.T, h host.Host) {
	out, err := h.Query(soon(t), host.NewQuery("", `echo a; echo b >&2; printf 'c\377'; head -c 300000 /dev/zero; exit 3`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "a\nb\nc\xff" + strings.Repeat("\x00", 300_000); string(out.Stdout) != want || out.Exit != 3 {
		t.Errorf("%d bytes, exit %d", len(out.Stdout), out.Exit)
	}
}

func userQueryCase(t *testing.T, h host.Host) {
	q := host.UserQuery("", "/", `pwd; echo "$BACKEND $MEMBER"; exit 1`, map[string]string{"BACKEND": "a b", "MEMBER": "it's"})
	out, err := h.Query(soon(t), q)
	if err != nil || string(out.Stdout) != "/\na b it's\n" || out.Exit != 1 {
		t.Errorf("%q, exit %d, %v", out.Stdout, out.Exit, err)
	}
	out, err = h.Query(soon(t), host.UserQuery("", "~/", `[ "$(pwd -P)" = "$(cd && pwd -P)" ] && echo home`, nil))
	if err != nil || string(out.Stdout) != "home\n" {
		t.Errorf("%q, exit %d, %v", out.Stdout, out.Exit, err)
	}
	out, err = h.Query(soon(t), host.UserQuery("", "~/isn't/there", "echo never", nil))
	if err != nil || out.Exit != 125 {
		t.Errorf("a missing directory: %q, exit %d, %v", out.Stdout, out.Exit, err)
	}
}

func queryDeadlineCase(t *testing.T, h host.Host) {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := h.Query(ctx, host.NewQuery("", "sleep 300"))
	if e := wantKind(t, err, host.Unknown); !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("error %v", e)
	}
}

func queryTooMuchCase(t *testing.T, h host.Host) {
	_, err := h.Query(soon(t), host.NewQuery("", "head -c 20000000 /dev/zero"))
	wantKind(t, err, host.Protocol)
}

func socketCases() map[string]func(*testing.T, host.Host) {
	return map[string]func(*testing.T, host.Host){
		"a question over unix":  func(t *testing.T, h host.Host) { askCase(t, h, "unix") },
		"many questions":        manyQuestionsCase,
		"a question over tcp":   func(t *testing.T, h host.Host) { askCase(t, h, "tcp") },
		"a silent answerer":     silentCase,
		"nothing listens":       nothingListensCase,
		"a dialled deadline":    dialDeadlineCase,
		"a half-closed request": halfCloseCase,
	}
}

// serve accepts connections and hands each to f, until the test ends.
func serve(t *testing.T, network string, f func(net.Conn)) host.Socket {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp("", "trikk")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		worldWritable(t, dir)
		address = filepath.Join(dir, "s")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if network == "unix" {
		if err := os.Chmod(address, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				f(conn)
			}()
		}
	}()
	return host.Socket{Network: network, Address: listener.Addr().String()}
}

// manyQuestionsCase: a socket whose queue is short, as HAProxy's is, is asked by few at a time, and all have their answer.
func manyQuestionsCase(t *testing.T, h host.Host) {
	var now, most atomic.Int64
	socket := serve(t, "unix", func(conn net.Conn) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		b := make([]byte, 100)
		_, _ = conn.Read(b)
		time.Sleep(5 * time.Millisecond)
		_, _ = io.WriteString(conn, "up")
	})
	q, err := host.NewQuestion("show stat\n")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if answer, err := h.Ask(soon(t), socket, q); err != nil || string(answer) != "up" {
				t.Errorf("answer %q, error %v", answer, err)
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n > 16 { // what we closed may still be open there for a moment
		t.Errorf("%d asked at once", n)
	}
}

func askCase(t *testing.T, h host.Host, network string) {
	socket := serve(t, network, func(conn net.Conn) {
		b := make([]byte, 100)
		n, _ := conn.Read(b)
		_, _ = io.WriteString(conn, "you said "+string(b[:n]))
	})
	q, err := host.NewQuestion("show stat %s\n", "backend")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.Ask(soon(t), socket, q)
	if err != nil || string(answer) != "you said show stat backend\n" {
		t.Errorf("%q, %v", answer, err)
	}
}

func silentCase(t *testing.T, h host.Host) {
	socket := serve(t, "tcp", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	q, err := host.NewQuestion("show stat\n")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err = h.Ask(ctx, socket, q)
	wantKind(t, err, host.Unknown)
}

func nothingListensCase(t *testing.T, h host.Host) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = h.Dial(soon(t), "tcp", address)
	if e := wantKind(t, err, host.Forwarding); errors.Is(e, host.ErrProhibited) {
		t.Errorf("nothing is prohibited: %v", e)
	}
	_, err = h.Dial(soon(t), "unix", "/nonexistent/admin.sock")
	if e := wantKind(t, err, host.Forwarding); !strings.Contains(e.Hint, "/nonexistent/admin.sock") || !strings.Contains(e.Hint, "AllowStreamLocalForwarding") {
		t.Errorf("hint %q", e.Hint)
	}
}

func dialDeadlineCase(t *testing.T, h host.Host) {
	socket := serve(t, "unix", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	conn, err := h.Dial(soon(t), socket.Network, socket.Address)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func halfCloseCase(t *testing.T, h host.Host) {
	socket := serve(t, "tcp", func(conn net.Conn) {
		got, _ := io.ReadAll(conn)
		_, _ = conn.Write(append([]byte("all of "), got...))
	})
	conn, err := h.Dial(soon(t), socket.Network, socket.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "it"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "all of it" {
		t.Errorf("%q, %v", got, err)
	}
}
