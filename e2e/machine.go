//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Machine is one host of the fleet: namespaces of its own with an sshd on port 22 of its own address. It shares programs and
// users with the others, and nothing else: /home, /srv, /run, /tmp and /usr/local/bin are its own.
type Machine struct {
	Name    string
	Address string
	pid     int // of its process 1, as the tests see it
	cmd     *exec.Cmd
	stdin   io.WriteCloser
}

// ownDirs are the directories that each machine has for itself, in memory.
func ownDirs() []string {
	return []string{"/home", "/srv", "/run", "/tmp", "/var/tmp", "/usr/local/bin", scratch}
}

// startMachine makes the namespaces of a machine, plugs it into the bridge and starts its sshd.
func startMachine(name, address string, prepare func(*Machine) error) (*Machine, error) {
	m := &Machine{Name: name, Address: address}
	m.cmd = again("machine", machineVar+"="+name+" "+address)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	m.cmd.Stdin, m.cmd.Stdout = nil, nil
	var err error
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	m.pid = m.cmd.Process.Pid
	said := bufio.NewScanner(stdout)
	if !said.Scan() || said.Text() != "mounted" {
		return nil, fmt.Errorf("starting %s: it said %q and not that it is mounted", name, said.Text())
	}
	if err := commands(
		fmt.Sprintf("ip link add v%s type veth peer name eth0 netns %d", name, m.pid),
		fmt.Sprintf("ip link set v%s master %s up", name, bridge),
	); err != nil {
		return nil, err
	}
	if err := prepare(m); err != nil {
		return nil, fmt.Errorf("preparing %s: %w", name, err)
	}
	if _, err := io.WriteString(m.stdin, "go\n"); err != nil {
		return nil, err
	}
	if !said.Scan() || said.Text() != "ready" {
		return nil, fmt.Errorf("starting %s: it said %q and not that it is ready", name, said.Text())
	}
	return m, nil
}

// beMachine is process 1 of a machine.
func beMachine(spec string) error {
	name, address, _ := strings.Cut(spec, " ")
	if err := machineMounts(name); err != nil {
		return fmt.Errorf("machine %s: %w", name, err)
	}
	fmt.Println("mounted")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("machine %s: waiting for the word to go: %w", name, err)
	}
	if err := commands("ip link set lo up", "ip addr add "+address+"/24 dev eth0", "ip link set eth0 up"); err != nil {
		return fmt.Errorf("machine %s: %w", name, err)
	}
	if err := startSSHD(address); err != nil {
		return fmt.Errorf("machine %s: %w", name, err)
	}
	fmt.Println("ready")
	for reap(-1) != 0 {
		time.Sleep(50 * time.Millisecond) // no child at all just now
	}
	return nil
}

func machineMounts(name string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	for _, dir := range ownDirs() {
		if err := tmpfs(dir); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		if err := os.Chmod(dir, 0o1777|os.ModeSticky); err != nil {
			return err
		}
	}
	return syscall.Sethostname([]byte(name))
}

// Path is a path of the machine as the tests see it. Absolute symbolic links in it would lead astray.
func (m *Machine) Path(path string) string { return fmt.Sprintf("/proc/%d/root%s", m.pid, path) }

// WriteFile writes a file on the machine, with its directories, owned by root.
func (m *Machine) WriteFile(path, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(m.Path(path)), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(m.Path(path), []byte(text), mode); err != nil {
		return err
	}
	return os.Chmod(m.Path(path), mode)
}

// Try runs a shell script on the machine as root, and gives all that it printed.
func (m *Machine) Try(script string) (string, error) {
	cmd := exec.Command("nsenter", "-t", strconv.Itoa(m.pid), "-m", "-n", "-p", "-u", "-i", "--", "/bin/sh", "-c", script)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("on %s: %s: %w: %s", m.Name, script, err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// Run runs a shell script on the machine as root; failing fails the test.
func (m *Machine) Run(t testing.TB, script string) string {
	t.Helper()
	out, err := m.Try(script)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// Read is the text of a file on the machine; "" where it is missing.
func (m *Machine) Read(path string) string {
	text, err := os.ReadFile(m.Path(path))
	if err != nil {
		return ""
	}
	return string(text)
}

// Exists tells whether something is at path on the machine, a broken link included.
func (m *Machine) Exists(path string) bool {
	_, err := os.Lstat(m.Path(path))
	return err == nil
}

// Link is where a symbolic link on the machine points to; "" where there is none.
func (m *Machine) Link(path string) string {
	to, err := os.Readlink(m.Path(path))
	if err != nil {
		return ""
	}
	return to
}

// Hide makes a program unusable on the machine until the test ends. One that is not installed is hidden already.
func (m *Machine) Hide(t testing.TB, program string) {
	t.Helper()
	m.Run(t, "[ ! -e "+program+" ] || mount --bind /dev/null "+program)
	t.Cleanup(func() { _, _ = m.Try("umount " + program) })
}

// Listens waits until something on the machine listens on a port.
func (m *Machine) Listens(t testing.TB, port int) {
	t.Helper()
	if err := listens(net.JoinHostPort(m.Address, strconv.Itoa(port))); err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
}

// answers tells whether something on the machine listens on a port now.
func (m *Machine) answers(port int) bool {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(m.Address, strconv.Itoa(port)), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func listens(address string) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("nothing listens on %s after 20 s: %w", address, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Reset ends the processes of the machine's users and empties their homes, but for what sshd needs.
func (m *Machine) Reset() error {
	if err := m.endUsers(); err != nil {
		return fmt.Errorf("resetting %s: %w", m.Name, err)
	}
	for _, dir := range []string{"/home", "/tmp"} {
		if err := m.empty(dir); err != nil {
			return fmt.Errorf("resetting %s: %w", m.Name, err)
		}
	}
	for _, dir := range []string{"/srv/edge", "/srv/systemd"} {
		if err := os.RemoveAll(m.Path(dir)); err != nil {
			return fmt.Errorf("resetting %s: %w", m.Name, err)
		}
	}
	return m.addHomes()
}
