package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sampleConfig = `Host app1.example app2.example
  HostName 10.0.0.1
  Port 2222
  User deploy
  IdentityFile /keys/app
  IdentitiesOnly yes
  ProxyJump hop@bastion.example:2200
  HostKeyAlias app
  UserKnownHostsFile /keys/known
Host *
  User other
  StrictHostKeyChecking accept-new
`

// TestBothReadersAgree: OpenSSH's own answer and our reading of the file give the same settings.
func TestBothReadersAgree(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(sampleConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T) {
		s, err := resolve(context.Background(), Target{Name: "app1", Address: "app1.example"}, Options{ConfigFile: file})
		if err != nil {
			t.Fatal(err)
		}
		if s.place() != "deploy@10.0.0.1:2222" || s.jump != "hop@bastion.example:2200" || s.keyName() != "app:22" || !s.identitiesOnly || !s.acceptNew {
			t.Errorf("settings %+v", s)
		}
		if !slices.Contains(s.identities, "/keys/app") || s.knownHosts[0] != "/keys/known" {
			t.Errorf("files %q, %q", s.identities, s.knownHosts)
		}
		s, err = resolve(context.Background(), Target{Name: "app1", Address: "app1.example", Port: 23, User: "me", Jump: "none"}, Options{ConfigFile: file, KnownHosts: []string{"/k"}})
		if err != nil {
			t.Fatal(err)
		}
		if s.place() != "me@10.0.0.1:23" || s.jump != "" || s.knownHosts[0] != "/k" {
			t.Errorf("the target must win: %+v", s)
		}
	}
	t.Run("with OpenSSH", check)
	t.Run("without", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		check(t)
	})
}

func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		file := filepath.Join(dir, "config")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	target := Target{Name: "app1", Address: "app1.example"}
	_, err := resolve(context.Background(), target, Options{ConfigFile: write("Host *\n  ProxyCommand nc %h %p\n")})
	if err == nil || !strings.Contains(err.Error(), "ProxyCommand") {
		t.Errorf("ProxyCommand: %v", err)
	}
	_, err = resolve(context.Background(), target, Options{ConfigFile: write("Host *\n  NoSuchKeyword yes\n")})
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "nosuchkeyword") {
		t.Errorf("a keyword that isn't one: %v", err)
	}
	t.Setenv("PATH", dir)
	_, err = resolve(context.Background(), target, Options{ConfigFile: write("Match host *\n  User x\n")})
	if err == nil || !strings.Contains(err.Error(), "Match") {
		t.Errorf("Match without OpenSSH: %v", err)
	}
}

func TestHop(t *testing.T) {
	tests := map[string]Target{
		"bastion":             {Address: "bastion"},
		"me@bastion":          {User: "me", Address: "bastion"},
		"me@bastion:2222":     {User: "me", Address: "bastion", Port: 2222},
		"me@[fe80::1]:22":     {User: "me", Address: "fe80::1", Port: 22},
		"fe80::1":             {Address: "fe80::1"},
		"ssh://me@bastion:22": {User: "me", Address: "bastion", Port: 22},
	}
	for text, want := range tests {
		want.Name = text
		if got, err := hop(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "me@", "a:b", "-x", "me@:22", "a:0", "a:65536", "[::1]:70000", "a:"} {
		if got, err := hop(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
