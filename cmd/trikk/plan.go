package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

func (c *cli) planCommand() *cobra.Command {
	var sel selection
	var v planView
	var offline, detailed bool
	var to saving
	cmd := &cobra.Command{
		Use:   "plan APP[@VERSION]… -e ENV | -f RELEASE -e ENV | --failed RUN",
		Short: "Show what would happen, on which server, in which order",
		Long: "Reads the servers and proxies (and changes nothing), compiles the plan and prints it. A saved plan (-o) can be\n" +
			"shown, attached to a ticket and applied once, with trikk apply --plan FILE." +
			exitHelp(exitDone, exitFailed, exitChanges, exitConfig, exitAuth, exitRefused, exitPartly, exitUsage, exitInterrupted),
		Example: "  trikk plan jmsadmin@10.41.0 -e prod\n  trikk plan --all -e test --offline\n  trikk plan jmsadmin -e prod -o jmsadmin.plan",
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := errors.Join(to.check(), c.checkFormat(v.format)); err != nil {
				return err
			}
			ch, err := c.choose(cmd.Context(), sel, names)
			if err != nil {
				return err
			}
			p, v, err := c.compile(cmd.Context(), ch, asking{kind: plan.Deploy, offline: offline, view: v})
			if err != nil {
				return err
			}
			if err := c.judged(cmd.Context(), ch.config, p); err != nil {
				return err
			}
			if v.guards, err = c.guardNotes(cmd.Context(), ch, p); err != nil {
				return err
			}
			if err := c.printPlan(cmd.Context(), p, v, to); err != nil {
				return err
			}
			if len(p.LeftOut) > 0 {
				return &exitError{code: exitLeftOut(p)}
			}
			if detailed && !p.Empty() {
				return &exitError{code: exitChanges}
			}
			return nil
		},
	}
	sel.flags(c, cmd)
	sel.deadlineFlag(cmd)
	sinceFlag(cmd, &sel.since)
	sel.releaseFlag(cmd)
	sel.batchFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&sel.artifact, "artifact", "", "deploy this local `FILE` (one app, local route)")
	f.BoolVar(&offline, "offline", false, "plan against empty facts: no network, shows the whole way")
	f.BoolVar(&v.full, "full", false, "show every step of every host")
	f.BoolVar(&v.scripts, "script", false, "show the exact shell of each step")
	f.StringVar(&v.format, "format", formatText, "show the plan as `FORMAT`: text, markdown (for a pull request) or mermaid")
	f.BoolVar(&detailed, "detailed-exitcode", false, "exit 2 when there are changes")
	to.flags(cmd)
	return cmd
}

// asking is what a plan is asked for.
type asking struct {
	kind    string // plan.Deploy or plan.Rollback
	offline bool   // no server is asked
	view    planView
}

// compile reads the facts, unless offline, and compiles. The view that it gives has what is to be shown of generated files.
func (c *cli) compile(ctx context.Context, ch chosen, ask asking) (plan.Plan, planView, error) {
	in := c.intent(ch, ask.kind)
	if ask.offline {
		in.Offline = true
		p, err := ch.compile(plan.Facts{}, in)
		return p, ask.view, err
	}
	f := c.fleet(ch.env, in.ID)
	defer f.close()
	p, err := f.plan(ctx, ch, in)
	if err != nil {
		return p, ask.view, err
	}
	v, err := f.withFiles(ctx, p, ask.view)
	v.moving = movingNotes(f.moving)
	return p, v, err
}

// saveFile writes a file so that a reader sees the old one or the whole new one.
func saveFile(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such folder (make it first)", filepath.Dir(path))
	case errors.As(err, &at):
		return fmt.Errorf("%s: %w", path, at.Err) // the file has a name of its own only while it is written
	case err != nil:
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(text); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Sync(); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
