//go:build linux

package e2e_test

import (
	"os/exec"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// ssh runs a command over OpenSSH's own client.
func ssh(t *testing.T, f *e2e.Fleet, m *e2e.Machine, command string) string {
	t.Helper()
	out, err := exec.Command("ssh", "-F", f.Keys.SSHConfig, e2e.LoginUser+"@"+m.Address, command).Output()
	if err != nil {
		t.Fatalf("ssh %s %s: %v: %s", m.Name, command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// The machines behave as different machines: each has its own name, homes and processes.
func TestHarnessMachines(t *testing.T) {
	f := e2e.Start(t)
	for _, m := range f.Machines() {
		out := ssh(t, f, m, "hostname; id -un; sudo -n -u "+e2e.AppUser+" id -un; echo "+m.Name+" >name; ls /home; ls /proc | grep -c '^[0-9]'")
		lines := strings.Split(out, "\n")
		want := "Welcome to " + m.Name + " " + m.Name + " " + e2e.LoginUser + " " + e2e.AppUser
		if got := strings.Join(lines[:4], " "); got != want {
			t.Errorf("%s says %q, not %q", m.Name, got, want)
		}
	}
	for _, m := range f.Machines() {
		if got := m.Read("/home/" + e2e.LoginUser + "/name"); got != m.Name+"\n" {
			t.Errorf("%s has the home of %q", m.Name, got)
		}
	}
	if out, err := exec.Command("ssh", "-F", f.Keys.SSHConfig, e2e.LoginUser+"@"+f.App[0].Address, "sudo -n true").CombinedOutput(); err == nil {
		t.Errorf("the login user may do anything as root: %s", out)
	}
}
