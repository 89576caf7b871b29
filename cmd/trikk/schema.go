package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/manual"
	"trikk.dev/schema"
)

// formatJSONSchema is the other format of trikk schema.
const formatJSONSchema = "jsonschema"

func (c *cli) schemaCommand() *cobra.Command {
	format := formatText
	cmd := &cobra.Command{
		Use:   "schema [PATH]",
		Short: "What a field of an app or an environment means",
		Long: "Prints the documentation of a field: its type, default and meaning, and the fields in it. PATH begins with app,\n" +
			"environment, policy or test, or with a definition of the schema such as #Wait. With --format jsonschema it prints a\n" +
			"JSON Schema of a whole app, or of what PATH names: app or environment." + exitHelp(exitDone, exitFailed, exitUsage),
		Example: "  trikk schema app.rollout\n  trikk schema environment.servers\n  trikk schema app --format jsonschema",
		Args:    args(0, 1),
		RunE: func(_ *cobra.Command, paths []string) error {
			switch format {
			case formatText:
				return c.showManual(paths)
			case formatJSONSchema:
				return c.showJSONSchema(append(paths, "app")[0])
			}
			return usage("--format %s: it is %s or %s", format, formatText, formatJSONSchema)
		},
	}
	cmd.Flags().StringVar(&format, "format", formatText, "`FORMAT` is text or jsonschema")
	return cmd
}

func (c *cli) showManual(paths []string) error {
	m, err := manual.Open(schema.FS)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return c.showRoots(m)
	}
	e, err := m.Find(paths[0])
	var unknown *manual.UnknownError
	if errors.As(err, &unknown) {
		return usage("%w%s", err, config.Suggestion(unknown.Name, unknown.Known))
	}
	if err != nil {
		return err
	}
	return c.showEntry(e)
}

func (c *cli) showJSONSchema(path string) error {
	m, err := manual.Open(schema.FS)
	if err != nil {
		return err
	}
	text, err := m.JSONSchema(path)
	if err != nil {
		return usage("%w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s\n", text)
	return err
}
