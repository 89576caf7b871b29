//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// sshdConfig is a plain OpenSSH server: keys only. PAM is off because there is no session to keep.
const sshdConfig = `Port 22
HostKey /run/sshd/host_key
PidFile /run/sshd/pid
AuthorizedKeysFile /run/sshd/keys/%u
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PrintMotd no
UseDNS no
Subsystem sftp internal-sftp
`

// noise is the users' .bashrc: it prints before anything else, as real ones do, and names an HTTP proxy that does not exist,
// which a download on the server must not use.
const noise = "echo \"Welcome to $HOSTNAME\"\necho 'be careful' >&2\nexport http_proxy=http://127.0.0.1:9\n"

// prepareSSHD puts host key, authorized keys and homes onto the machine.
func (k *keys) prepareSSHD(m *Machine) error {
	private, err := os.ReadFile(k.host(m.Name))
	if err != nil {
		return err
	}
	public, err := os.ReadFile(k.Identity + ".pub")
	if err != nil {
		return err
	}
	files := map[string]string{"/run/sshd/sshd_config": sshdConfig, "/run/sshd/keys/" + LoginUser: string(public), "/run/sshd/keys/" + OtherUser: string(public)}
	for path, text := range files {
		if err := m.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	if err := m.WriteFile("/run/sshd/host_key", string(private), 0o600); err != nil {
		return err
	}
	if err := m.WriteFile("/usr/local/bin/systemctl", systemctl, 0o755); err != nil {
		return err
	}
	return m.addHomes()
}

// addHomes makes the users' homes.
func (m *Machine) addHomes() error {
	for _, user := range users() {
		home := "/home/" + user
		if err := m.WriteFile(home+"/.bashrc", noise, 0o644); err != nil {
			return err
		}
		u, err := idsOf(user)
		if err != nil {
			return err
		}
		for _, path := range []string{home, home + "/.bashrc"} {
			if err := os.Chown(m.Path(path), u.uid, u.gid); err != nil {
				return err
			}
		}
		if err := os.Chmod(m.Path(home), 0o750); err != nil {
			return err
		}
	}
	return nil
}

// startSSHD runs in a machine: it starts sshd and waits until it answers.
func startSSHD(address string) error {
	log, err := os.OpenFile("/run/sshd/log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	_, err = syscall.ForkExec("/usr/sbin/sshd", []string{"/usr/sbin/sshd", "-D", "-e", "-f", "/run/sshd/sshd_config"}, &syscall.ProcAttr{
		Dir: "/", Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Files: []uintptr{null.Fd(), log.Fd(), log.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("starting sshd: %w", err)
	}
	if err := listens(address + ":22"); err != nil {
		text, _ := os.ReadFile("/run/sshd/log")
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// keys are the identity of the person who deploys, the host keys, and the files that ssh reads.
type keys struct {
	Dir        string
	Identity   string // private key file
	KnownHosts string
	SSHConfig  string
}

func (k *keys) host(name string) string { return filepath.Join(k.Dir, "host_"+name) }

// newKeys makes all keys and writes known_hosts and ssh_config.
func newKeys(dir string) (*keys, error) {
	k := &keys{Dir: dir, Identity: filepath.Join(dir, "id_ed25519"), KnownHosts: filepath.Join(dir, "known_hosts"), SSHConfig: filepath.Join(dir, "ssh_config")}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := newKey(k.Identity); err != nil {
		return nil, err
	}
	var known strings.Builder
	for _, m := range inventory() {
		if err := newKey(k.host(m.name)); err != nil {
			return nil, err
		}
		public, err := os.ReadFile(k.host(m.name) + ".pub")
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&known, "%s,%s %s", m.name, m.address, public)
	}
	if err := os.WriteFile(k.KnownHosts, []byte(known.String()), 0o600); err != nil {
		return nil, err
	}
	return k, os.WriteFile(k.SSHConfig, []byte(k.config(k.Identity, k.KnownHosts)), 0o600)
}

// config is an ssh_config with these files.
func (k *keys) config(identity, knownHosts string) string {
	return fmt.Sprintf("Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n",
		identity, knownHosts)
}

func newKey(file string) error {
	return command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", filepath.Base(file), "-f", file)
}
