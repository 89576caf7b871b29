package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaults: what is wrong with the servers or the artifact is one clear error, with its exit code, and nothing is changed.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.trikk(1, "plan", "hello@9.9", "-e", "demo").says("hello-9.9.tar.gz", "404")
	b.trikk(1, "apply", "hello@9.9", "-e", "demo", "--yes").says("404")

	inventory := b.read("environments/environment.cue")
	_, after, _ := strings.Cut(inventory, "app02: {")
	node, _, _ := strings.Cut(after, "}")
	_, port, _ := strings.Cut(node, "port: ")
	port, _, _ = strings.Cut(port, ",")
	b.edit("environments/environment.cue", "port: "+port, "port: 1")
	gone := b.trikk(1, "plan", "hello@1.0", "-e", "demo").says("app02", "connection refused")
	golden(t, "run/unreachable.err.txt", []byte(b.scrub(gone.err.String())))
	b.trikk(1, "apply", "hello@1.0", "-e", "demo", "--yes").says("app02")
	b.trikk(1, "status", "-e", "demo").says("app01", "unreachable: connecting to ", "connection refused")
	b.write("environments/environment.cue", inventory)

	known := filepath.Join(b.fleet.Dir, "known_hosts")
	keys, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.trikk(4, "apply", "hello@1.0", "-e", "demo", "--yes").says("app01", "its host key is not known: ssh-ed25519 SHA256:", "--accept-new")
	if err := os.WriteFile(known, keys, 0o600); err != nil {
		t.Fatal(err)
	}

	login := b.fleet.SSHConfig
	text, err := os.ReadFile(login)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, l := range lines {
		if strings.Contains(l, "IdentityFile") {
			lines[i] = "  IdentityFile none"
		}
	}
	if err := os.WriteFile(login, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	b.trikk(4, "apply", "hello@1.0", "-e", "demo", "--yes").says("app01", "app02", "the server refused every key of ")
	if err := os.WriteFile(login, text, 0o600); err != nil {
		t.Fatal(err)
	}

	if _, err := os.Stat(filepath.Join(b.fleet.Dir, "app01", "hello", "releases")); !os.IsNotExist(err) {
		t.Errorf("something was installed: %v", err)
	}
}
