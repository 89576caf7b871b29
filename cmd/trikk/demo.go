package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/demo"
	"trikk.dev/engine/plan"
)

func (c *cli) demoCommand() *cobra.Command {
	keep := ""
	cmd := &cobra.Command{
		Use:   "demo [--keep DIR]",
		Short: "Deploy to a whole fleet on this machine, in one process",
		Long: "Starts a fleet in one process (SSH servers with real shells, proxies, an artifact repository and a load\n" +
			"generator that retries nothing), then deploys 1.0, deploys 2.0 under load, and tries a 3.0 that never gets\n" +
			"healthy. It needs no privileges; it needs sh, coreutils, tar, gzip and util-linux.\n\n" +
			"With --keep it deploys nothing: two servers and a proxy run until it is interrupted, with exit code 130, so that you\n" +
			"can deploy to them from another terminal. It says how." +
			exitHelp(exitDone, exitFailed, exitUsage, exitInterrupted),
		Example: "  trikk demo\n  trikk demo --keep /tmp/fleet",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if keep != "" {
				return c.keepDemo(cmd.Context(), keep)
			}
			return c.demo(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&keep, "keep", "", "deploy nothing; keep the fleet in a new folder `DIR`, until interrupted")
	return cmd
}

func (c *cli) demo(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	release := c.capture() // from here on a signal ends the run in hand, and then the fleet
	defer release()
	f, err := demo.Start(demo.Options{Program: program})
	if err != nil {
		return err
	}
	d := &demonstration{cli: c, fleet: f}
	err = d.show(ctx)
	if serr := f.Stop(); err == nil {
		err = serr
	}
	return err
}

// demonstration is one run of the demo.
type demonstration struct {
	cli   *cli
	fleet *demo.Fleet
}

// show deploys three versions and says how it went. The error is nil only if everything went as it must.
func (d *demonstration) show(ctx context.Context) error {
	c := d.cli
	c.say("A fleet of 3 servers and 2 proxies runs in this process, under %s", d.fleet.Dir)
	if err := d.deploy(ctx, "1.0", plan.Done); err != nil {
		return d.finish(demo.Count{}, err)
	}
	load := demo.StartLoad(d.fleet.URLs(), 16, 10*time.Millisecond)
	c.say("\nThe load generator runs: 16 clients without retries, through both proxies.")
	err := d.underLoad(ctx)
	return d.finish(load.Stop(), err)
}

// underLoad replaces 1.0 by 2.0, and 2.0 by a version that never gets healthy.
func (d *demonstration) underLoad(ctx context.Context) error {
	if err := d.deploy(ctx, "2.0", plan.Done); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	d.cli.say("\n3.0 never gets healthy. It must be undone by itself.")
	if err := d.deploy(ctx, "3.0", plan.Reverted); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	return nil
}

// deploy runs `trikk apply hello@VERSION -e demo` and compares the outcome.
func (d *demonstration) deploy(ctx context.Context, version, want string) error {
	c := *d.cli
	c.capture = func() func() { return func() {} } // captured already
	c.flags.dir, c.flags.env, c.flags.yes = d.fleet.Config, "demo", true
	c.flags.sshConfig, c.flags.state = d.fleet.SSHConfig, d.fleet.State
	c.say("\n$ trikk apply hello@%s -e demo --yes", version)
	w, err := config.Load(ctx, config.Options{Dir: d.fleet.Config})
	if err != nil {
		return err
	}
	ch, err := c.pick(ctx, w, selection{}, []string{"hello@" + version})
	if err != nil {
		return err
	}
	err = c.applyChosen(ctx, ch, plan.Deploy, consent{}, planView{})
	got := exitOf(err)
	switch {
	case got == exitOfOutcome(want):
		return nil
	case got == exitInterrupted:
		return &exitError{exitInterrupted, errors.New("the demo was interrupted; nothing of it is left")}
	case err == nil || err.Error() == "":
		return fmt.Errorf("hello %s: exit code %d instead of %d", version, got, exitOfOutcome(want))
	}
	return fmt.Errorf("hello %s: exit code %d instead of %d: %w", version, got, exitOfOutcome(want), err)
}

// finish prints the figures, and fails when a request failed or a version was not seen.
func (d *demonstration) finish(count demo.Count, err error) error {
	good := err == nil && count.Failed == 0 && count.Requests > 0 && slices.Equal(count.Versions, []string{"1.0", "2.0"})
	if werr := d.figures(count, err == nil); werr != nil {
		return werr
	}
	switch {
	case err != nil && count.First != "":
		return fmt.Errorf("%w; a request failed: %s", err, count.First)
	case err != nil:
		return err
	case count.First != "":
		return fmt.Errorf("a request failed: %s", count.First)
	case !good:
		return fmt.Errorf("versions %v answered, 1.0 and 2.0 were expected", count.Versions)
	}
	return nil
}

// figures prints the last line.
func (d *demonstration) figures(count demo.Count, back bool) error {
	if d.cli.flags.json {
		line, err := encodeLine(struct {
			Event      string   `json:"event"`
			Requests   int      `json:"requests"`
			Failed     int      `json:"failed"`
			Versions   []string `json:"versions"`
			RolledBack bool     `json:"rolledBack"`
		}{"demo.finished", count.Requests, count.Failed, append([]string{}, count.Versions...), back})
		if err == nil {
			_, err = d.cli.out.Write(line)
		}
		return err
	}
	end := "3.0 was rolled back"
	if !back {
		end = "3.0 was not seen to be rolled back"
	}
	answers := "nothing"
	if len(count.Versions) > 0 {
		answers = strings.Join(count.Versions, " and ")
	}
	d.cli.say("")
	_, err := fmt.Fprintf(d.cli.out, "%d requests, %d failed. Answers came from %s; %s.\n", count.Requests, count.Failed, answers, end)
	return err
}

// demoAppCommand is what the demo's servers run. It is hidden: it is no part of the contract.
func (c *cli) demoAppCommand() *cobra.Command {
	var listen, version string
	cmd := &cobra.Command{
		Use: "demo-app", Hidden: true, Args: args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.ServeApp(cmd.Context(), listen, version, c.dir)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address to listen on")
	cmd.Flags().StringVar(&version, "app-version", "", "version to answer with")
	return cmd
}
