package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
)

// fromAnsible is the kind of inventory that trikk init reads.
const fromAnsible = "ansible"

// importFrom reads an inventory of a kind, which is named before the folder of the config repository.
func (c *cli) importFrom(kind string, words []string) error {
	if kind != fromAnsible {
		return usage("--from %s: it is %s", kind, fromAnsible)
	}
	if len(words) == 0 {
		return usage("name the inventory: trikk init --from %s INVENTORY [DIR]", fromAnsible)
	}
	return c.importInventory(words[0], c.absolute(append(words[1:], ".")[0]))
}

// importInventory makes a config repository in dir whose environment has the servers of an Ansible inventory. Nothing is written
// when the inventory has a mistake.
func (c *cli) importInventory(inventory, dir string) error {
	path := c.absolute(inventory)
	env, err := environmentName(c.flags.env, path)
	if err != nil {
		return err
	}
	inv, err := readAnsible(path, inventory)
	var unread *fs.PathError
	switch {
	case errors.As(err, &unread):
		return err
	case err != nil:
		return &exitError{exitConfig, err}
	}
	servers, notes, err := importServers(inv)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	own, err := importedFiles(env, filepath.Base(inventory), servers, notes)
	if err != nil {
		return err
	}
	made, err := initialiseWith(dir, own)
	c.sayMade(made)
	if err != nil {
		return err
	}
	c.sayImported(env, servers, notes, made)
	return nil
}

// sayImported tells what became of the inventory. Notes are told also with --quiet: they are no progress.
func (c *cli) sayImported(env string, servers []importedServer, notes, made []string) {
	if !strings.Contains("\n"+strings.Join(made, "\n")+"\n", "\n"+environmentFile(env)+"\n") {
		fmt.Fprintf(c.world.err, "%s exists and is left alone: nothing of the inventory was taken over\n", environmentFile(env))
		return
	}
	c.say("%s in environment %s", plural(len(servers), "server"), env)
	if !c.flags.json {
		for _, n := range notes {
			fmt.Fprintf(c.world.err, "note: %s\n", n)
		}
	}
	c.say("\nAn inventory does not say which hosts are proxies: move those from servers to proxies, each with a driver. Then write your apps\n"+
		"(apps/hello/app.cue is a start), and:\n  trikk vet\n  trikk plan hello@VERSION -e %s", env)
}

// environmentName is the name that was given, else that of the inventory's file, or of its folder where the file is just hosts.
func environmentName(given, path string) (string, error) {
	rules, err := newScalarRules()
	if err != nil {
		return "", err
	}
	name := given
	if name == "" {
		name = stem(path)
		if name == "hosts" || name == "inventory" {
			name = stem(filepath.Dir(path))
		}
	}
	if err := rules.check("#Name", name); err != nil {
		return "", usage("the environment %q %v: name it with -e ENV", name, err)
	}
	return name, nil
}

func stem(path string) string {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func environmentFile(env string) string { return "environments/" + env + ".cue" }

// importedFiles are the files of a new config repository that come from an inventory instead of the template; nil leaves one out.
func importedFiles(env, inventory string, servers []importedServer, notes []string) (map[string][]byte, error) {
	text, err := environmentText(env, inventory, servers, notes)
	if err != nil {
		return nil, err
	}
	app, err := helloFor(env, servers)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"environments/environments.cue": nil, environmentFile(env): text, "apps/hello/app.cue": app}, nil
}

// environmentText is the environment in CUE.
func environmentText(env, inventory string, servers []importedServer, notes []string) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "package environments\n\nimport \"trikk.dev/schema\"\n\n// From the Ansible inventory %s; groups are labels.\n", oneLine(inventory))
	for i, n := range notes {
		if i == 0 {
			b.WriteString("//\n// Notes:\n")
		}
		fmt.Fprintf(&b, "//   %s\n", oneLine(n))
	}
	fmt.Fprintf(&b, "environments: %s: schema.#Environment & {\n\tservers: {\n", cueLabel(env))
	for _, s := range servers {
		fmt.Fprintf(&b, "\t\t%s: {%s}\n", cueLabel(s.name), s.fields())
	}
	b.WriteString("\t}\n}\n")
	return format.Source([]byte(b.String()))
}

// fields are the fields of a server in CUE.
func (s importedServer) fields() string {
	out := []string{"address: " + strconv.Quote(s.address)}
	if s.port != 0 {
		out = append(out, fmt.Sprintf("port: %d", s.port))
	}
	if s.user != "" {
		out = append(out, "user: "+strconv.Quote(s.user))
	}
	if s.jump != "" {
		out = append(out, "jump: "+strconv.Quote(s.jump))
	}
	var labels []string
	for _, g := range s.groups {
		labels = append(labels, cueLabel(g)+`: "true"`)
	}
	switch len(labels) {
	case 0:
	case 1:
		out = append(out, "labels: "+labels[0])
	default:
		out = append(out, "labels: {"+strings.Join(labels, ", ")+"}")
	}
	return strings.Join(out, ", ")
}

// cueLabel is a name as a key of CUE.
func cueLabel(name string) string {
	if ast.StringLabelNeedsQuoting(name) {
		return strconv.Quote(name)
	}
	return name
}

// oneLine is a text as it can be in a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// helloFor is the app of the template, on the first servers of an environment.
func helloFor(env string, servers []importedServer) ([]byte, error) {
	text, err := template.ReadFile("template/apps/hello/app.cue.txt")
	if err != nil {
		return nil, err
	}
	head, _, found := strings.Cut(string(text), "\n\t// The proxies in front")
	if !found {
		return nil, errors.New("the template of the app has no comment on proxies")
	}
	var names []string
	for _, s := range servers[:min(2, len(servers))] {
		names = append(names, strconv.Quote(s.name))
	}
	return fmt.Appendf(nil, "%s\n\tenvironments: %s: servers: [%s]\n}\n", head, cueLabel(env), strings.Join(names, ", ")), nil
}
