package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"trikk.dev/engine/host/sshtest"
)

// Versions that the demo's repository has. The last one never gets healthy.
func Versions() []string { return []string{"1.0", "2.0", "3.0"} }

// Fleet is the running demo. The caller stops it.
type Fleet struct {
	Dir       string // everything of it is under this folder
	Config    string // the config repository
	SSHConfig string // how ssh reaches the servers
	State     string // for runs

	user       string
	program    string
	port       int
	repository *repository
	identity   sshtest.Identity
	servers    []*node
	proxies    []*node
	env        []string // of every machine
}

// node is one machine of the demo.
type node struct {
	name     string
	address  string // its own loopback address
	home     string
	ssh      *sshtest.Server
	balancer *balancer
}

// Options say what the demo is made of.
type Options struct {
	// Program is a command that serves the app when it is called with `demo-app …`: trikk itself.
	Program string
	Servers int // 0: 3
	Proxies int // 0: 2
	// Env is more environment of the machines' shells, as NAME=VALUE.
	Env []string
	// Dir is an absolute folder that does not exist yet; "": a temporary one.
	Dir string
}

// Start makes the fleet in a new folder.
func Start(o Options) (*Fleet, error) {
	if err := needs("sh", "setsid", "flock", "timeout", "tar", "gzip", "sha256sum", "id"); err != nil {
		return nil, err
	}
	dir, err := newFolder(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("starting the demo: %w", err)
	}
	f := &Fleet{Dir: dir, Config: filepath.Join(dir, "config"), SSHConfig: filepath.Join(dir, "ssh_config"),
		State: filepath.Join(dir, "state"), program: o.Program, env: o.Env}
	if err := f.start(o); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the demo: %w", err), f.Stop())
	}
	return f, nil
}

// newFolder makes a folder that only this user may enter. One that exists is an error: the fleet removes its folder at the end.
func newFolder(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "trikk-demo-")
	}
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w (name a folder that does not exist yet)", err)
	}
	return dir, err
}

// needs says which programs are missing, all at once.
func needs(programs ...string) error {
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the demo needs %s: install sh, coreutils, tar, gzip and util-linux", strings.Join(missing, ", "))
	}
	return nil
}

func (f *Fleet) start(o Options) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	f.user = me.Username
	if f.repository, err = startRepository(Versions()); err != nil {
		return err
	}
	if f.identity, err = sshtest.NewIdentity(f.Dir); err != nil {
		return err
	}
	servers, proxies := orDefault(o.Servers, 3), orDefault(o.Proxies, 2)
	for i := range servers {
		f.servers = append(f.servers, &node{name: fmt.Sprintf("app%02d", i+1), address: fmt.Sprintf("127.0.9.%d", i+11)})
	}
	for i := range proxies {
		f.proxies = append(f.proxies, &node{name: fmt.Sprintf("lb%02d", i+1), address: "127.0.0.1"})
	}
	if f.port, err = freePort(f.servers); err != nil {
		return err
	}
	if err := f.startBalancers(); err != nil {
		return err
	}
	for _, n := range f.nodes() {
		if err := f.startSSH(n); err != nil {
			return err
		}
	}
	if err := f.writeSSHConfig(); err != nil {
		return err
	}
	return writeConfig(f.Config, f)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (f *Fleet) nodes() []*node { return append(append([]*node{}, f.servers...), f.proxies...) }

// freePort finds a port that is free on every server's address.
func freePort(servers []*node) (int, error) {
	for range 20 {
		l, err := net.Listen("tcp", servers[0].address+":0")
		if err != nil {
			return 0, fmt.Errorf("finding a port for the app: %w", err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if freeOn(servers, port) {
			return port, nil
		}
	}
	return 0, errors.New("no port is free on all of the demo's addresses")
}

func freeOn(servers []*node, port int) bool {
	for _, n := range servers {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", n.address, port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

func (f *Fleet) startBalancers() error {
	addresses, order := map[string]string{}, []string{}
	for _, n := range f.servers {
		addresses[n.name] = fmt.Sprintf("%s:%d", n.address, f.port)
		order = append(order, n.name)
	}
	for _, n := range f.proxies {
		b, err := startBalancer("hello", filepath.Join(f.Dir, n.name+".sock"), addresses, order)
		if err != nil {
			return err
		}
		n.balancer = b
	}
	return nil
}

func (f *Fleet) startSSH(n *node) error {
	n.home = filepath.Join(f.Dir, n.name)
	if err := os.Mkdir(n.home, 0o700); err != nil {
		return err
	}
	s, err := sshtest.Start(sshtest.Config{
		Home: n.home, User: f.user, AuthorizedKeys: keys(f.identity), Env: append([]string{"SERVER_ADDRESS=" + n.address}, f.env...),
		// On a server of the demo, 127.0.0.1 is the server's own address.
		Dial: func(network, address string) (net.Conn, error) {
			if rest, ok := strings.CutPrefix(address, "127.0.0.1:"); ok && network == "tcp" {
				address = n.address + ":" + rest
			}
			return net.DialTimeout(network, address, 5*time.Second)
		},
	})
	n.ssh = s
	return err
}

func (f *Fleet) writeSSHConfig() error {
	known := filepath.Join(f.Dir, "known_hosts")
	var all []*sshtest.Server
	for _, n := range f.nodes() {
		all = append(all, n.ssh)
	}
	if err := sshtest.WriteKnownHosts(known, all...); err != nil {
		return err
	}
	text := fmt.Sprintf("Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n", f.identity.File, known)
	return os.WriteFile(f.SSHConfig, []byte(text), 0o600)
}

// URLs are the addresses that clients use: one a proxy.
func (f *Fleet) URLs() []string {
	var out []string
	for _, n := range f.proxies {
		out = append(out, n.balancer.url()+"/")
	}
	return out
}

// Servers are the names of the servers, in their order.
func (f *Fleet) Servers() []string { return names(f.servers) }

// Proxies are the names of the proxies' hosts.
func (f *Fleet) Proxies() []string { return names(f.proxies) }

func names(nodes []*node) []string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.name)
	}
	return out
}

// Stop ends every process and listener of the demo and removes its folder.
func (f *Fleet) Stop() error {
	for _, n := range f.servers {
		killApp(filepath.Join(n.home, "hello", "shared", "hello.pid"))
	}
	for _, n := range f.nodes() {
		if n.ssh != nil {
			n.ssh.Close()
		}
		if n.balancer != nil {
			n.balancer.close()
		}
	}
	if f.repository != nil {
		f.repository.close()
	}
	return os.RemoveAll(f.Dir)
}
