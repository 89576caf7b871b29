package host_test

import (
	"context"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/host/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFakePassesTheContract(t *testing.T) {
	hosttest.Contract(t, func(t *testing.T) host.Host {
		f := hosttest.New(t, "app1")
		f.OnStep("one").Reply(host.Record{Output: "one\n"}).Always()
		f.OnStep("two").Reply(host.Record{Same: true, Output: "nothing to do\n"}).Always()
		f.OnStep("three").Reply(host.Record{Exit: 3}).Always()
		f.OnQuery("exit 7").Reply(host.Output{Exit: 7}).Always()
		return f
	})
}

// fleet is servers in this process and what reaches them.
type fleet struct {
	identity sshtest.Identity
	known    string
	servers  []*sshtest.Server
}

// start starts a server for each config, which it completes.
func start(t *testing.T, configs ...sshtest.Config) *fleet {
	t.Helper()
	dir := t.TempDir()
	id, err := sshtest.NewIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{identity: id, known: filepath.Join(dir, "known_hosts")}
	for _, c := range configs {
		c.Home = t.TempDir()
		if c.AuthorizedKeys == nil {
			c.AuthorizedKeys = append(c.AuthorizedKeys, id.PublicKey())
		}
		s, err := sshtest.Start(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		f.servers = append(f.servers, s)
	}
	if err := sshtest.WriteKnownHosts(f.known, f.servers...); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fleet) options() host.Options {
	return host.Options{ConfigFile: "none", AgentSocket: "none", IdentityFiles: []string{f.identity.File}, KnownHosts: []string{f.known}}
}

func (f *fleet) target(i int) host.Target {
	return host.Target{Name: "app1", Address: f.servers[i].Host(), Port: f.servers[i].Port(), User: "deploy"}
}

// connect connects to the first server; the test's end closes it.
func (f *fleet) connect(t *testing.T, o host.Options) host.Host {
	t.Helper()
	h, err := host.Connect(context.Background(), f.target(0), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func TestInProcessServerPassesTheSuite(t *testing.T) {
	f := start(t, sshtest.Config{})
	hosttest.Suite(t, func(t *testing.T) host.Host { return f.connect(t, f.options()) })
}
