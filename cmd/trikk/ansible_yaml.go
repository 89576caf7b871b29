package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mostNodes bounds what is read of one YAML file: aliases can make a small file endless.
const mostNodes = 500_000

// yamlReader reads one YAML file of Ansible's.
type yamlReader struct {
	inv   *ansibleInventory
	file  string
	nodes int
	wrong []error
}

// yamlPair is a key of a map with its value.
type yamlPair struct {
	key   string
	value *yaml.Node
	at    ansiblePlace
}

// isYAMLMap tells a file in YAML from one in ini, which is no map there.
func isYAMLMap(text []byte) bool {
	var doc yaml.Node
	return yaml.Unmarshal(text, &doc) == nil && len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode
}

// readYAML reads an inventory in YAML. It tells all mistakes.
func (inv *ansibleInventory) readYAML(text []byte, name string) error {
	r := &yamlReader{inv: inv, file: name}
	for _, p := range r.pairs(r.document(text), "the inventory") {
		switch {
		case p.key == "plugin":
			return p.at.errorf("it asks a plugin for the hosts: save what `ansible-inventory -i %s --list --yaml` prints and name that", name)
		case p.key == "_meta":
			return p.at.errorf("it is what `ansible-inventory --list` prints: make it with --yaml")
		}
		r.group(p, "")
	}
	return errors.Join(r.wrong...)
}

func (r *yamlReader) fail(at ansiblePlace, format string, args ...any) {
	r.wrong = append(r.wrong, at.errorf(format, args...))
}

func (r *yamlReader) place(n *yaml.Node) ansiblePlace { return ansiblePlace{r.file, n.Line} }

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

// document is the content of the file; nil where there is none.
func (r *yamlReader) document(text []byte) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		at, what := ansiblePlace{r.file, 1}, strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			at.line, _ = strconv.Atoi(m[1])
			what = m[2]
		}
		r.fail(at, "it is no YAML: %s", what)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// pairs are the keys of a map in their order, with those that << merges where there is no such key. Nothing is a map without keys.
func (r *yamlReader) pairs(n *yaml.Node, what string) []yamlPair {
	n = target(n)
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(r.place(n), "%s is no map: write one NAME: a line", what)
		return nil
	}
	if r.nodes += len(n.Content); r.nodes > mostNodes {
		if r.nodes < 2*mostNodes {
			r.fail(r.place(n), "the file has too many parts")
			r.nodes = 2 * mostNodes
		}
		return nil
	}
	var out, merged []yamlPair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, r.merged(value, what)...)
			continue
		}
		if hasPair(out, key.Value) {
			r.fail(r.place(key), "%s has %s twice", what, key.Value)
			continue
		}
		out = append(out, yamlPair{key.Value, value, r.place(key)})
	}
	for _, p := range merged {
		if !hasPair(out, p.key) {
			out = append(out, p)
		}
	}
	return out
}

// merged are the keys of the map, or the list of maps, behind <<.
func (r *yamlReader) merged(n *yaml.Node, what string) []yamlPair {
	n = target(n)
	if n.Kind != yaml.SequenceNode {
		return r.pairs(n, what)
	}
	var out []yamlPair
	for _, e := range n.Content {
		out = append(out, r.pairs(e, what)...)
	}
	return out
}

func hasPair(all []yamlPair, key string) bool {
	return slices.ContainsFunc(all, func(p yamlPair) bool { return p.key == key })
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// group reads one group and those in it.
func (r *yamlReader) group(p yamlPair, parent string) {
	g := r.inv.group(p.key, p.at)
	if parent != "" && parent != ansibleAll && !slices.Contains(r.inv.groups[parent].children, p.key) {
		r.inv.groups[parent].children = append(r.inv.groups[parent].children, p.key)
	}
	for _, part := range r.pairs(p.value, "group "+p.key) {
		switch part.key {
		case "hosts":
			r.hosts(p.key, part.value)
		case "vars":
			r.vars(part.value, "vars of group "+p.key, g.vars)
		case "children":
			for _, child := range r.pairs(part.value, "children of group "+p.key) {
				r.group(child, p.key)
			}
		default:
			r.inv.odd = append(r.inv.odd, part.at.errorf("%s of group %s is not taken over: a group has hosts, children and vars", part.key, p.key))
		}
	}
}

func (r *yamlReader) hosts(group string, n *yaml.Node) {
	for _, p := range r.pairs(n, "hosts of group "+group) {
		vars := map[string]ansibleVar{}
		r.vars(p.value, "host "+p.key, vars)
		var all []ansibleVar
		for _, name := range sortedNames(vars) {
			all = append(all, vars[name])
		}
		if err := r.inv.addHosts(group, p.key, all, p.at); err != nil {
			r.wrong = append(r.wrong, err)
		}
	}
}

func (r *yamlReader) vars(n *yaml.Node, what string, into map[string]ansibleVar) {
	for _, p := range r.pairs(n, what) {
		into[p.key] = yamlVar(p)
	}
}

func yamlVar(p yamlPair) ansibleVar {
	v := ansibleVar{name: p.key, place: p.at}
	n := target(p.value)
	switch {
	case n.Tag == "!vault" || strings.HasPrefix(n.Value, vaultHeader):
		v.sealed = true
	case n.Kind != yaml.ScalarNode:
		v.compound = true
	case n.Tag != "!!null":
		v.value = n.Value
	}
	return v
}

// readVarsFiles reads group_vars and host_vars beside the inventory. dir is their folder, name what people call it.
func (inv *ansibleInventory) readVarsFiles(dir, name string) error {
	var wrong []error
	for _, group := range sortedNames(inv.groups) {
		vars, err := inv.varsBeside(dir, name, filepath.Join("group_vars", group))
		inv.groups[group].varsFiles = vars
		wrong = append(wrong, err)
	}
	for _, h := range inv.hosts {
		vars, err := inv.varsBeside(dir, name, filepath.Join("host_vars", h.name))
		h.varsFiles = vars
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// varsBeside reads the variables of one group or host: a file, or all files of a folder.
func (inv *ansibleInventory) varsBeside(dir, name, of string) (map[string]ansibleVar, error) {
	out := map[string]ansibleVar{}
	if !filepath.IsLocal(of) {
		return out, nil
	}
	var wrong []error
	for _, ext := range []string{"", ".yml", ".yaml", ".json"} {
		path := filepath.Join(dir, of+ext)
		at, err := os.Stat(path)
		if err != nil {
			continue
		}
		files := []string{of + ext}
		if at.IsDir() {
			if files, err = varsFilesIn(dir, of+ext); err != nil {
				return nil, err
			}
		}
		for _, f := range files {
			wrong = append(wrong, inv.varsFile(filepath.Join(dir, f), filepath.Join(name, f), out))
		}
	}
	return out, errors.Join(wrong...)
}

// varsFilesIn lists the files in a folder of variables, as Ansible takes them.
func varsFilesIn(dir, folder string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, folder))
	if err != nil {
		return nil, fmt.Errorf("reading variables: %w", err)
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && slices.Contains([]string{"", ".yml", ".yaml", ".json"}, filepath.Ext(e.Name())) {
			out = append(out, filepath.Join(folder, e.Name()))
		}
	}
	return out, nil
}

func (inv *ansibleInventory) varsFile(path, name string, into map[string]ansibleVar) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading variables: %w", err)
	}
	if strings.HasPrefix(string(text), vaultHeader) {
		inv.odd = append(inv.odd, ansiblePlace{name, 1}.errorf("the file is encrypted with ansible-vault: nothing of it is taken over"))
		return nil
	}
	r := &yamlReader{inv: inv, file: name}
	r.vars(r.document(text), "the file", into)
	return errors.Join(r.wrong...)
}
