//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Config is a config repository: what a user of trikk edits.
type Config struct {
	Dir string
	t   testing.TB
}

// Env is the environment that the tests deploy to.
const Env = "test"

// Proxies are the CUE of each proxy, by inventory name: its driver, and more. The address and the user are filled in.
type Proxies map[string]string

// Config makes a config repository with the fleet as environment "test". Machines that are not in proxies are servers.
func (f *Fleet) Config(t testing.TB, proxies Proxies) *Config {
	t.Helper()
	c := &Config{Dir: f.Dir(t), t: t}
	c.Write("cue.mod/module.cue", "module: \"e2e.example@v0\"\nlanguage: version: \"v0.17.0\"\n")
	c.Write("environments/environments.cue", f.environment(proxies))
	return c
}

func (f *Fleet) environment(proxies Proxies) string {
	var servers, fronts strings.Builder
	for _, m := range f.Machines() {
		host := fmt.Sprintf("address: %q, user: %q", m.Address, LoginUser)
		if text, ok := proxies[m.Name]; ok {
			fmt.Fprintf(&fronts, "\t\t%s: {%s, %s}\n", m.Name, host, text)
			continue
		}
		fmt.Fprintf(&servers, "\t\t%s: {%s}\n", m.Name, host)
	}
	return fmt.Sprintf("package environments\n\nimport \"trikk.dev/schema\"\n\nenvironments: %s: schema.#Environment & {\n\tservers: {\n%s\t}\n\tproxies: {\n%s\t}\n}\n",
		Env, servers.String(), fronts.String())
}

// Write writes any file of the repository.
func (c *Config) Write(name, text string) {
	c.t.Helper()
	write(c.t, filepath.Join(c.Dir, filepath.FromSlash(name)), text)
}

// State is the folder that holds the runs which were started here.
func (c *Config) State() string { return filepath.Join(c.Dir, "..", filepath.Base(c.Dir)+".state") }

// App writes an app: fields is the inside of `app: schema.#App & {…}`, without its name. Writing it again changes it.
func (c *Config) App(name, fields string) {
	c.t.Helper()
	c.Write("apps/"+name+"/app.cue", fmt.Sprintf("package %s\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: %q\n%s\n}\n",
		strings.ReplaceAll(name, "-", "_"), name, fields))
}
