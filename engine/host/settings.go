package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// settings say how one server is reached: its target, what ssh_config adds, and the options.
type settings struct {
	name           string // inventory name, for messages
	address        string
	port           int
	user           string
	alias          string // the name in known_hosts instead of the address
	identities     []string
	identitiesOnly bool
	agent          string // socket; "" none
	knownHosts     []string
	acceptNew      bool
	jump           string
	notice         func(string)
}

func (s settings) hostPort() string { return net.JoinHostPort(s.address, strconv.Itoa(s.port)) }

// place is user@address:port.
func (s settings) place() string { return s.user + "@" + s.hostPort() }

// keyName is host:port as known_hosts knows the server. An alias is looked up without the port, as OpenSSH does.
func (s settings) keyName() string {
	if s.alias != "" {
		return net.JoinHostPort(s.alias, "22")
	}
	return s.hostPort()
}

const none = "none"

// resolve finds the settings of a target. The error is of kind Unreachable.
func resolve(ctx context.Context, t Target, o Options) (settings, error) {
	s, err := readSettings(ctx, t, o)
	if err == nil {
		err = s.check(t)
	}
	if err != nil {
		return settings{}, &Error{Host: t.Name, Kind: Unreachable, Doing: "reading ssh_config for " + t.Address, Err: err}
	}
	return s, nil
}

func readSettings(ctx context.Context, t Target, o Options) (settings, error) {
	conf, err := readConfig(ctx, t, o)
	if err != nil {
		return settings{}, err
	}
	s := settings{
		name: cmp.Or(t.Name, t.Address), address: cmp.Or(conf.one("hostname"), t.Address),
		alias: conf.one("hostkeyalias"), jump: cmp.Or(t.Jump, conf.one("proxyjump")),
		identitiesOnly: conf.one("identitiesonly") == "yes",
		agent:          cmp.Or(o.AgentSocket, conf.one("identityagent"), "SSH_AUTH_SOCK"),
		notice:         o.Notice,
		acceptNew:      o.AcceptNew || slices.Contains([]string{"accept-new", "no", "off"}, conf.one("stricthostkeychecking")),
	}
	if s.jump == none {
		s.jump = ""
	}
	if command := conf.one("proxycommand"); command != "" && command != none && t.Jump == "" {
		return settings{}, fmt.Errorf("it has a ProxyCommand (%s), which trikk does not run: use ProxyJump, or jump in the inventory", command)
	}
	if s.user, err = userOf(t, conf); err != nil {
		return settings{}, err
	}
	if s.port, err = portOf(t, conf); err != nil {
		return settings{}, err
	}
	return s.withFiles(conf, o)
}

func (s settings) check(t Target) error {
	if strings.HasPrefix(t.Address, "-") || t.Address == "" || strings.ContainsAny(t.Address, " \t\r\n") {
		return fmt.Errorf("%q is no address", t.Address)
	}
	return nil
}

func userOf(t Target, conf config) (string, error) {
	if name := cmp.Or(t.User, conf.one("user")); name != "" {
		return name, nil
	}
	me, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("finding the local user: %w", err)
	}
	return me.Username, nil
}

func portOf(t Target, conf config) (int, error) {
	if t.Port != 0 {
		return t.Port, nil
	}
	text := cmp.Or(conf.one("port"), "22")
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("%q is no port", text)
	}
	return port, nil
}

// withFiles fills in key files, known_hosts files and the agent's socket.
func (s settings) withFiles(conf config, o Options) (settings, error) {
	home, err := os.UserHomeDir()
	if err != nil && o.ConfigFile != none {
		return settings{}, fmt.Errorf("finding the home directory: %w", err)
	}
	expand := func(path string) string { return s.expand(path, home) }
	s.identities = o.IdentityFiles
	if len(s.identities) == 0 {
		s.identities = conf["identityfile"]
	}
	s.knownHosts = o.KnownHosts
	if len(s.knownHosts) == 0 {
		s.knownHosts = append(conf.words("userknownhostsfile"), conf.words("globalknownhostsfile")...)
	}
	if len(s.knownHosts) == 0 && home != "" {
		s.knownHosts = []string{"~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"}
	}
	if len(s.identities) == 0 && home != "" {
		s.identities = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
	}
	s.identities, s.knownHosts = mapped(s.identities, expand), mapped(s.knownHosts, expand)
	s.agent = agentSocket(expand(s.agent))
	return s, nil
}

// mapped applies f to all but "none".
func mapped(in []string, f func(string) string) []string {
	var out []string
	for _, s := range in {
		if s != none {
			out = append(out, f(s))
		}
	}
	return out
}

func agentSocket(name string) string {
	switch {
	case name == none:
		return ""
	case name == "SSH_AUTH_SOCK":
		return os.Getenv(name)
	case strings.HasPrefix(name, "$"):
		return os.Getenv(strings.Trim(name, "${}"))
	}
	return name
}

// expand replaces ~ and the tokens of ssh_config that paths use.
func (s settings) expand(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(home, rest)
	}
	if !strings.Contains(path, "%") {
		return path
	}
	local := ""
	if me, err := user.Current(); err == nil {
		local = me.Username
	}
	return strings.NewReplacer("%%", "%", "%d", home, "%h", s.address, "%r", s.user, "%u", local, "%p", strconv.Itoa(s.port)).Replace(path)
}

// hop parses one part of a jump: [user@]address[:port], or [user@][address]:port.
func hop(text string) (Target, error) {
	bad := fmt.Errorf("%q is no jump host: want an inventory name or [user@]address[:port]", text)
	rest := strings.TrimPrefix(text, "ssh://")
	t := Target{Name: text}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		t.User, rest = rest[:at], rest[at+1:]
	}
	t.Address = strings.Trim(rest, "[]")
	if strings.Count(rest, ":") == 1 || strings.Contains(rest, "]:") {
		address, port, err := net.SplitHostPort(rest)
		if err != nil {
			return Target{}, errors.Join(bad, err)
		}
		if t.Port, err = strconv.Atoi(port); err != nil || t.Port < 1 || t.Port > 65535 {
			return Target{}, bad
		}
		t.Address = address
	}
	if t.Address == "" || strings.HasPrefix(t.Address, "-") {
		return Target{}, bad
	}
	return t, nil
}
