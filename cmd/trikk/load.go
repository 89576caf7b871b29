package main

import (
	"context"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
)

// load reads the config repository. It is evaluated by this program in another process, under bounds: what is vetted may be
// a stranger's.
func (c *cli) load(ctx context.Context, paths ...string) (config.Workspace, error) {
	return config.Load(ctx, c.loading(paths))
}

// loading says what is read, and within which bounds.
func (c *cli) loading(paths []string) config.Options {
	o := config.Options{Dir: c.absolute(c.flags.dir), Paths: paths, MaxFile: int64(c.flags.cueFile) << 10}
	if c.program != "" {
		o.Isolation = &config.Isolation{Program: []string{c.program, "evaluate"}, Memory: int64(c.flags.cueMemory) << 20, Time: c.flags.cueTime}
	}
	return o
}

// evaluateCommand is that other process.
func (c *cli) evaluateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "evaluate", Hidden: true, Args: args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return config.Serve(cmd.Context(), c.in, c.out) },
	}
}
