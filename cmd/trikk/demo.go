package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/demo"
	"trikk.dev/engine/plan"
)

func (c *cli) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Deploy to a whole fleet on this machine, in one process",
		Long: "Starts a fleet in one process (SSH servers with real shells, proxies, an artifact repository and a load\n" +
			"generator that retries nothing), then deploys 1.0, deploys 2.0 under load, and tries a 3.0 that never gets\n" +
			"healthy. It needs no privileges; it needs sh, coreutils, tar, gzip and util-linux." +
			exitHelp(exitDone, exitFailed, exitUsage),
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.demo(cmd.Context()) },
	}
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
		return err
	}
	load := demo.StartLoad(d.fleet.URLs(), 16, 10*time.Millisecond)
	c.say("\nThe load generator runs: 16 clients without retries, through both proxies.")
	err := d.deploy(ctx, "2.0", plan.Done)
	if err == nil {
		time.Sleep(300 * time.Millisecond)
		c.say("\n3.0 never gets healthy. It must be undone by itself.")
		err = d.deploy(ctx, "3.0", plan.Reverted)
	}
	time.Sleep(300 * time.Millisecond)
	count := load.Stop()
	return d.finish(count, err)
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
	ch, err := c.pick(w, selection{}, []string{"hello@" + version})
	if err != nil {
		return err
	}
	err = c.applyChosen(ctx, ch, plan.Deploy, consent{}, planView{})
	if got := exitOf(err); got != exitOfOutcome(want) {
		return fmt.Errorf("hello %s: exit code %d instead of %d: %w", version, got, exitOfOutcome(want), orNone(err))
	}
	return nil
}

func orNone(err error) error {
	if err == nil {
		return fmt.Errorf("no error")
	}
	return err
}

// finish prints the figures, and fails when a request failed or a version was not seen.
func (d *demonstration) finish(count demo.Count, err error) error {
	c := d.cli
	back := err == nil
	good := back && count.Failed == 0 && count.Requests > 0 && slices.Equal(count.Versions, []string{"1.0", "2.0"})
	if c.flags.json {
		e := json.NewEncoder(c.out)
		_ = e.Encode(struct {
			Event      string   `json:"event"`
			Requests   int      `json:"requests"`
			Failed     int      `json:"failed"`
			Versions   []string `json:"versions"`
			RolledBack bool     `json:"rolledBack"`
		}{"demo.finished", count.Requests, count.Failed, count.Versions, back})
	} else {
		fmt.Fprintf(c.out, "\n%d requests, %d failed. Versions that answered: %v. 3.0 was rolled back: %v.\n", count.Requests, count.Failed, count.Versions, back)
	}
	switch {
	case err != nil:
		return err
	case count.First != "":
		return fmt.Errorf("a request failed: %s", count.First)
	case !good:
		return fmt.Errorf("versions %v answered, 1.0 and 2.0 were expected", count.Versions)
	}
	return nil
}

// demoAppCommand is what the demo's servers run. It is hidden: it is no part of the contract.
func (c *cli) demoAppCommand() *cobra.Command {
	var listen, version string
	cmd := &cobra.Command{
		Use: "demo-app", Hidden: true, Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.ServeApp(cmd.Context(), listen, version, c.dir)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address to listen on")
	cmd.Flags().StringVar(&version, "app-version", "", "version to answer with")
	return cmd
}
