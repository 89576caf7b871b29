package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/survey"
)

func (c *cli) hostsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "hosts", Short: "Check the servers of an environment", Args: args(0, 0),
		Long: "hosts check tells whether the servers of an environment are as trikk needs them." + exitHelp(exitDone, exitUsage),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.hostsCheckCommand())
	return cmd
}

func (c *cli) hostsCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check -e ENV",
		Short: "Whether the servers are as trikk needs them",
		Long: "Reads all servers and proxies' hosts of the environment (and changes nothing) and tells of each: whether it can be\n" +
			"connected to, how fast it answers, its clock, the room on its disks, how many sessions sshd allows; and for each app there,\n" +
			"what a deploy would miss: tools, a root that can be written, sudo, the unit, the proxies' sockets. A warning fails\n" +
			"nothing. The exit code is 6 when some hosts have a problem, and 1 (or 4) when all have." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitPartly, exitUsage, exitInterrupted),
		Example: "  trikk hosts check -e prod",
		Args:    args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.hostsCheck(cmd) },
	}
	c.envFlag(cmd)
	return cmd
}

func (c *cli) hostsCheck(cmd *cobra.Command) error {
	env, apps, err := c.everything(cmd)
	if err != nil {
		return err
	}
	f := c.fleet(env, "")
	defer f.close()
	ctx, stop := c.interruptible(cmd.Context())
	defer stop()
	hosts := survey.Machines(env)
	health := survey.Check(ctx, f.pool, env, apps, hosts, c.flags.parallel)
	problems := f.gatherer.Check(ctx, env, apps)
	if c.caught != nil {
		return interrupted(c.caught)
	}
	findings := allFindings(health, problems, apps)
	if err := c.showFindings(health, findings); err != nil {
		return err
	}
	return failedHosts(health, findings)
}

// allFindings are all findings by host, with what each app would miss there. Hosts that are known by another name only through the
// apps' problems come last.
func allFindings(health []survey.Health, problems []act.Problem, apps []plan.App) []survey.Finding {
	var out []survey.Finding
	told := map[string]bool{}
	for _, h := range health {
		out = append(out, h.Findings()...)
		told[h.Host] = true
		missing := 0
		for _, p := range problems {
			if p.Host == h.Host {
				missing++
				out = append(out, problemFinding(p))
			}
		}
		if names := namesOn(apps, h.Host); missing == 0 && h.Err == nil && names != "" {
			out = append(out, survey.Finding{Host: h.Host, Level: survey.Fine, Text: "nothing is missing for " + names})
		}
	}
	for _, p := range problems {
		if !told[p.Host] {
			out = append(out, problemFinding(p))
		}
	}
	return out
}

func problemFinding(p act.Problem) survey.Finding {
	return survey.Finding{Host: p.Host, Level: survey.Problem, Text: strings.TrimPrefix(p.Err.Error(), p.Host+": ")}
}

// namesOn are the apps of a host.
func namesOn(apps []plan.App, host string) string {
	var names []string
	for _, a := range apps {
		if slices.Contains(a.Hosts(), host) {
			names = append(names, a.Name)
		}
	}
	return strings.Join(names, ", ")
}

// healthLine is one host in --json.
type healthLine struct {
	survey.Health
	ConnectMillis int64  `json:"connectMillis"`
	AnswerMillis  int64  `json:"answerMillis"`
	AheadMillis   *int64 `json:"aheadMillis,omitempty"` // its clock
}

func (c *cli) showFindings(health []survey.Health, findings []survey.Finding) error {
	if !c.flags.json {
		t := table{}
		for _, f := range findings {
			t.row(dash(f.Host), f.Level, inLine(f.Text))
		}
		t.flush(c.out)
		return nil
	}
	for _, h := range health {
		if h.Err != nil {
			continue
		}
		l := healthLine{Health: h, ConnectMillis: h.Connect.Milliseconds(), AnswerMillis: h.Answer.Milliseconds()}
		if ahead := h.Ahead.Milliseconds(); h.Known {
			l.AheadMillis = &ahead
		}
		if err := c.event("host", l); err != nil {
			return err
		}
	}
	for _, f := range findings {
		if err := c.event("finding", f); err != nil {
			return err
		}
	}
	return nil
}

// failedHosts is the exit code of hosts that have problems, which are told already.
func failedHosts(health []survey.Health, findings []survey.Finding) error {
	bad := map[string]bool{}
	for _, f := range findings {
		bad[f.Host] = bad[f.Host] || f.Level == survey.Problem
	}
	failed, code := 0, 0
	for _, isBad := range bad {
		if isBad {
			failed++
		}
	}
	for _, h := range health {
		code = cmp.Or(code, exitOf(h.Err))
	}
	switch {
	case failed == 0:
		return nil
	case failed < len(bad):
		return &exitError{code: exitPartly}
	}
	return &exitError{code: cmp.Or(code, exitFailed)}
}
