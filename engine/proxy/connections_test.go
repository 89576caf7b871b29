package proxy

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// connectionsTo runs the count in a real shell, with programs of its own before those of the system.
func connectionsTo(t *testing.T, address string, programs map[string]string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", shConnections+`connections "$1"`, "sh", address)
	cmd.Env = []string{"PATH=" + dir + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// TestConnections: all addresses of a name are counted, and what can't be counted is no zero.
func TestConnections(t *testing.T) {
	t.Parallel()
	ss := `case $* in
*"dst [fd00::5]:8080") echo one; echo two ;;
*"dst 10.0.0.5:8080") echo three ;;
*"dst 10.0.0.7:80") echo four ;;
*"dst 10.0.0.9:"*) echo "no netlink"; exit 2 ;;
esac`
	both := map[string]string{"ss": ss, "getent": `echo "10.0.0.5  STREAM app1"; echo "10.0.0.5  DGRAM"; echo "fd00::5  STREAM"`}
	none := map[string]string{"ss": ss, "getent": "exit 2"}
	for _, c := range []struct {
		address  string
		programs map[string]string
		want     string
		fails    bool
	}{
		{"app1:8080", both, "3", false},
		{"10.0.0.5:8080", both, "1", false},
		{"[fd00::5]:8080", both, "2", false},
		{"10.0.0.6:8080", both, "0", false},
		{"10.0.0.7", both, "1", false},
		{"app9:8080", none, "app9 has no address", true},
		{"10.0.0.9:8080", both, "no netlink", true},
		{"unix:/run/app.sock", both, "unix:/run/app.sock is a socket", true},
	} {
		got, err := connectionsTo(t, c.address, c.programs)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %q, %v; want %q", c.address, got, err, c.want)
		}
	}
}

// TestConnectionsReal counts with ss itself.
func TestConnectionsReal(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, want := range []string{"0", "1", "2"} {
		if got, err := connectionsTo(t, l.Addr().String(), nil); err != nil || got != want {
			t.Fatalf("%q, %v; want %s", got, err, want)
		}
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
}
