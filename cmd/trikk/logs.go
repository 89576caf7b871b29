package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/spf13/cobra"
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/survey"
)

func (c *cli) logsCommand() *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use:   "logs APP -e ENV [-f] [-n N]",
		Short: "The end of an app's log on all of its servers",
		Long: "Prints the last lines of the app's log on all of its servers, each line behind its server's name. The log is what the\n" +
			"app's definition names (log), else what its process printed, else its systemd unit's journal, as far as the login user may\n" +
			"read it. With -f it goes on with what is appended, also when the file is replaced, until it is interrupted, with exit\n" +
			"code 130. A server whose connection breaks is connected again." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitPartly, exitUsage, exitInterrupted),
		Example: "  trikk logs jmsadmin -e prod\n  trikk logs jmsadmin -e prod -f -n 0",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if lines < 0 {
				return usage("-n %d: it is not less than nothing", lines)
			}
			ch, err := c.chooseAny(cmd.Context(), selection{}, names)
			if err != nil {
				return err
			}
			l, err := survey.LogOf(ch.apps[0], lines)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			return c.logs(cmd.Context(), ch, l, follow)
		},
	}
	c.envFlag(cmd)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is appended")
	cmd.Flags().IntVarP(&lines, "lines", "n", 20, "the last `N` lines of each server")
	return cmd
}

func (c *cli) logs(ctx context.Context, ch chosen, l survey.Log, follow bool) error {
	f := c.fleet(ch.env, "")
	defer f.close()
	ctx, stop := c.interruptible(ctx)
	defer stop()
	p := logPrinter{cli: c, app: ch.apps[0].Name}
	for _, h := range ch.apps[0].Hosts() {
		p.width = max(p.width, len(h))
	}
	if follow {
		err := someFailed(l.Follow(ctx, f.pool, ch.env, p.event)) // told already
		if c.caught != nil {
			return &exitError{code: exitInterrupted}
		}
		return &exitError{code: exitOf(err)}
	}
	all := l.Read(ctx, proxy.ReadersOf(f.pool), ch.env, c.flags.parallel)
	errs := make([]error, len(all))
	for i, host := range all {
		errs[i] = host.Err
		if host.Empty {
			c.say("%s: the log of %s is empty", host.Host, p.app)
		}
		for _, line := range host.Lines {
			p.event(survey.LogEvent{Host: host.Host, Line: line})
		}
	}
	return stopped(ctx, someFailed(errs))
}

// logPrinter prints lines of several servers, each whole.
type logPrinter struct {
	cli   *cli
	app   string
	width int
	mu    sync.Mutex
}

func (p *logPrinter) event(e survey.LogEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.Failed != nil:
		complain(p.cli.world.err, e.Failed)
	case e.Lost != nil:
		p.cli.say("%v; connecting again, what is logged meanwhile is missing", e.Lost)
	case p.cli.flags.json:
		_ = p.cli.event("log", map[string]string{"host": e.Host, "app": p.app, "line": e.Line}) // printed keeps the error
	default:
		fmt.Fprintf(p.cli.out, "%-*s  %s\n", p.width, e.Host, inLine(e.Line))
	}
}
