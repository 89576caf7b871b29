package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/schema"
)

//go:embed all:template
var template embed.FS

func (c *cli) initCommand() *cobra.Command {
	from := ""
	cmd := &cobra.Command{
		Use:   "init [--from ansible INVENTORY] [DIR]",
		Short: "Make a new config repository",
		Long: "Makes a config repository: cue.mod with the schema where plain `cue vet` and editors find it, one environment, one\n" +
			"commented app and CI examples. Files that exist are left alone.\n\n" +
			"--from ansible reads the servers from an Ansible inventory, a file in ini or yaml, with group_vars and host_vars beside it: one\n" +
			"environment, groups as labels. What is not taken over is said, a line each." + exitHelp(exitDone, exitFailed, exitConfig, exitUsage),
		Example: "  trikk init deploy\n  trikk init --from ansible inventories/prod/hosts deploy",
		Args:    args(0, 2),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if from != "" {
				return c.importFrom(from, dirs)
			}
			if err := args(0, 1)(cmd, dirs); err != nil {
				return err
			}
			dir := c.absolute(append(dirs, ".")[0])
			made, err := initialise(dir)
			c.sayMade(made)
			if err != nil {
				return err
			}
			c.say("\nNow change two files: environments/environments.cue (your servers) and apps/hello/app.cue (your app). Then:\n" +
				"  trikk vet\n  trikk plan hello@VERSION -e test")
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "read the servers from an inventory of this `KIND`: ansible")
	cmd.Flags().StringVarP(&c.flags.env, "env", "e", "", "with --from: name the environment `ENV` (default: as the inventory's file, or its folder)")
	return cmd
}

// sayMade lists the new files; those of the schema are one line.
func (c *cli) sayMade(names []string) {
	schemas := 0
	for _, name := range names {
		if strings.HasPrefix(name, schemaDir) {
			schemas++
			continue
		}
		c.say("made %s", name)
	}
	if schemas > 0 {
		c.say("made %s (%s)", strings.TrimSuffix(schemaDir, "/"), plural(schemas, "file"))
	}
}

// schemaDir is where plain cue and editors find the schema.
const schemaDir = "cue.mod/pkg/trikk.dev/schema/"

// initialise writes what is missing and gives the names of what it wrote, relative to dir.
func initialise(dir string) ([]string, error) { return initialiseWith(dir, nil) }

// initialiseWith is initialise with some files of one's own, by their names, instead of the template's; nil leaves one out.
func initialiseWith(dir string, own map[string][]byte) ([]string, error) {
	var made []string
	put := func(name string, text []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(path); err == nil {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		made = append(made, name)
		return os.WriteFile(path, text, 0o644)
	}
	for _, name := range sortedNames(own) {
		if own[name] == nil {
			continue
		}
		if err := put(name, own[name]); err != nil {
			return made, fmt.Errorf("making the config repository: %w", err)
		}
	}
	err := fs.WalkDir(template, "template", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := template.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "template/"), ".txt")
		if _, replaced := own[name]; replaced {
			return nil
		}
		return put(name, text)
	})
	if err != nil {
		return made, fmt.Errorf("making the config repository: %w", err)
	}
	err = fs.WalkDir(schema.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := schema.FS.ReadFile(path)
		if err != nil {
			return err
		}
		return put(schemaDir+path, text)
	})
	if err != nil {
		return made, fmt.Errorf("writing the schema: %w", err)
	}
	return made, nil
}
