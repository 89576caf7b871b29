package main

import (
	"context"
	"fmt"

	"trikk.dev/engine/plan"
)

// renderProxies prints or writes the proxies' side of the apps; without names that of all apps of the environment.
func (c *cli) renderProxies(ctx context.Context, out string, names []string) error {
	ch, err := c.chooseAny(ctx, selection{all: len(names) == 0}, names)
	if err != nil {
		return err
	}
	files, notes, err := plan.Fronts(ch.env, ch.apps)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	for _, n := range notes {
		fmt.Fprintf(c.err, "note: %s\n", n)
	}
	if len(files) == 0 {
		fmt.Fprintf(c.err, "no app of %s has a proxy that trikk could write for\n", ch.env.Name)
		return nil
	}
	if out != "" {
		return writeFiles(c.absolute(out), files)
	}
	return c.printFiles(files)
}
