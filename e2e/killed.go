//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Kill ends trikk as kill -9 does, and waits until it is gone. It says nothing about what trikk did.
func (p *Process) Kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

// KillSSHD ends the machine's sshd and all of its connections at once, as a crash of the machine would. RestartSSHD starts it
// again; a test that ends without does it too.
func (m *Machine) KillSSHD(t testing.TB) {
	t.Helper()
	m.Run(t, `left=yes
while [ -n "$left" ]; do
	left=
	for p in /proc/[0-9]*; do
		case $(readlink "$p/exe") in
		*/sshd | */sshd-session) kill -9 "${p#/proc/}"; left=yes ;;
		esac
	done
done`)
	t.Cleanup(func() { m.RestartSSHD(t) })
}

// CutConnections ends all connections of the machine's sshd, which goes on to listen: a network that broke for a moment.
const CutConnections = `for p in $(pgrep sshd); do
	[ "$p" = "$(cat /run/sshd/pid)" ] || kill -9 "$p"
done`

// Unplug cuts the machine off silently until the test ends, or the function it gives is called: nothing arrives, and nobody is told.
func (m *Machine) Unplug(t testing.TB) (plug func()) {
	t.Helper()
	set := func(how string) error { return command("ip", "link", "set", "v"+m.Name, how) }
	if err := set("down"); err != nil {
		t.Fatal(err)
	}
	plug = sync.OnceFunc(func() {
		if err := set("up"); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(plug)
	return plug
}

// RestartSSHD starts the machine's sshd, if it does not run, with more options, such as "-o AllowStreamLocalForwarding=no".
func (m *Machine) RestartSSHD(t testing.TB, options ...string) {
	t.Helper()
	words := ""
	for _, o := range options {
		words += " " + o
	}
	m.Run(t, fmt.Sprintf(`for p in /proc/[0-9]*; do
	case $(readlink "$p/exe") in
	*/sshd) exit 0 ;;
	esac
done
setsid /usr/sbin/sshd -D -e -f /run/sshd/sshd_config%s </dev/null >>/run/sshd/log 2>&1 &`, words))
	m.Listens(t, 22)
}
