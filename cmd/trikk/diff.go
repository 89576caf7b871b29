package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

func (c *cli) diffCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "diff APP --from ENV --to ENV",
		Short: "What differs between an app's definitions in two environments",
		Long: "Shows what differs between the definitions of an app in two environments: version, servers, rollout, probes and all\n" +
			"other fields, and the generated files as they would be written. It needs no network: what runs is told by trikk status." +
			exitHelp(exitDone, exitConfig, exitUsage),
		Example: "  trikk diff jmsadmin --from test --to prod",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if from == "" || to == "" {
				return usage("name both environments: --from ENV --to ENV")
			}
			w, err := c.load(cmd.Context())
			if err != nil {
				return &exitError{exitConfig, err}
			}
			d, err := diffOf(w, names[0], from, to)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			return c.showDiff(d)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "as it is in this `ENV` (required)")
	cmd.Flags().StringVar(&to, "to", "", "compared with this `ENV` (required)")
	return cmd
}

// appDiff is what differs between an app in two environments.
type appDiff struct {
	app, from, to string
	fields        []fieldDiff
	files         []fileDiff
}

// fieldDiff is one field of the definition; a value that is not there is "".
type fieldDiff struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// fileDiff is one generated file.
type fileDiff struct {
	Path string `json:"path"`
	Diff string `json:"diff"` // unified
}

func diffOf(w config.Workspace, app, from, to string) (appDiff, error) {
	d := appDiff{app: app, from: from, to: to}
	a, err := w.Deployment(app, from)
	if err != nil {
		return d, err
	}
	b, err := w.Deployment(app, to)
	if err != nil {
		return d, err
	}
	if d.files, err = diffFiles(a, b); err != nil {
		return d, err
	}
	d.fields, err = diffFields(a, b)
	return d, err
}

func diffFiles(a, b plan.App) ([]fileDiff, error) {
	was, err := rendered(a)
	if err != nil {
		return nil, err
	}
	is, err := rendered(b)
	if err != nil {
		return nil, err
	}
	var out []fileDiff
	for _, path := range slices.Sorted(maps.Keys(merged(was, is))) {
		if was[path] != is[path] {
			out = append(out, fileDiff{path, udiff.Unified(diffHead(a, path, was), diffHead(b, path, is), was[path], is[path])})
		}
	}
	return out, nil
}

// diffHead is how a file is named in a diff.
func diffHead(a plan.App, path string, files map[string]string) string {
	if _, there := files[path]; !there {
		return "no " + path + " in " + a.Env
	}
	return path + " in " + a.Env
}

func rendered(a plan.App) (map[string]string, error) {
	files, err := plan.Render(a)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", a.Name, a.Env, err)
	}
	out := map[string]string{}
	for _, f := range files {
		out[f.Path] = f.Content
	}
	return out, nil
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// diffFields compares all fields but the environment, the place on this machine, and what files hold, which is compared as it is written.
func diffFields(a, b plan.App) ([]fieldDiff, error) {
	was, err := fieldsOf(a)
	if err != nil {
		return nil, err
	}
	is, err := fieldsOf(b)
	if err != nil {
		return nil, err
	}
	var out []fieldDiff
	all := merged(was, is)
	for _, f := range slices.Sorted(maps.Keys(all)) {
		if was[f] != is[f] && !(all[f] == emptyStruct && hasBelow(all, f)) {
			out = append(out, fieldDiff{f, was[f], is[f]})
		}
	}
	return out, nil
}

// fieldsOf gives every value of an app by its path in the definition; a list is one value.
func fieldsOf(a plan.App) (map[string]string, error) {
	a.Env, a.Dir = "", ""
	files := map[string]plan.File{}
	for path, f := range a.Files {
		if len(f.Secrets) > 0 || f.Mode != "" {
			files[path] = plan.File{Secrets: f.Secrets, Mode: f.Mode}
		}
	}
	a.Files = files
	text, err := encodeLine(a)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	out := map[string]string{}
	return out, flatten(out, "", tree)
}

// emptyStruct is the value of a key such as recreate, which says something by being there.
const emptyStruct = "{}"

// hasBelow reports whether there are fields in a struct.
func hasBelow(fields map[string]string, path string) bool {
	for f := range fields {
		if strings.HasPrefix(f, path+".") {
			return true
		}
	}
	return false
}

func flatten(out map[string]string, path string, tree map[string]any) error {
	for key, value := range tree {
		if strings.ContainsAny(key, "./ ") {
			key = fmt.Sprintf("%q", key)
		}
		at := strings.TrimPrefix(path+"."+key, ".")
		if inner, ok := value.(map[string]any); ok && len(inner) > 0 {
			if err := flatten(out, at, inner); err != nil {
				return err
			}
			continue
		}
		text, err := encodeLine(value)
		if err != nil {
			return err
		}
		out[at] = strings.Trim(strings.TrimSpace(string(text)), `"`)
	}
	return nil
}

func (c *cli) showDiff(d appDiff) error {
	if c.flags.json {
		for _, f := range d.fields {
			if err := c.event("field", f); err != nil {
				return err
			}
		}
		for _, f := range d.files {
			if err := c.event("file", f); err != nil {
				return err
			}
		}
		return nil
	}
	if len(d.fields)+len(d.files) == 0 {
		fmt.Fprintf(c.out, "%s is the same in %s and %s.\n", d.app, d.from, d.to)
		return nil
	}
	t := table{}
	t.row("FIELD", d.from, d.to)
	for _, f := range d.fields {
		t.row(f.Field, dash(inLine(f.From)), dash(inLine(f.To)))
	}
	if len(d.fields) > 0 {
		t.flush(c.out)
	}
	for _, f := range d.files {
		fmt.Fprintf(c.out, "\n%s", f.Diff)
	}
	return nil
}
