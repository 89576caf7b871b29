//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
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
