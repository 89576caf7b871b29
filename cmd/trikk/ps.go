package main

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/survey"
)

// psOptions say which processes are shown, and how.
type psOptions struct {
	sort, app string
	csv       bool
}

func (c *cli) psCommand() *cobra.Command {
	var o psOptions
	cmd := &cobra.Command{
		Use:   "ps -e ENV [--sort swap|rss|cpu] [--app APP]",
		Short: "Processes of all servers in one table, with the app that each belongs to",
		Long: "Reads the processes of all servers and proxies' hosts of the environment (and changes nothing) and shows them in one\n" +
			"table, sorted by swap, memory or CPU. A process belongs to the app whose directory it works in or names in its\n" +
			"arguments, whose unit or pid file it comes from, or whose user it runs as. CPU is the share of one core since the\n" +
			"process was started. Long commands are cut; -v shows them whole." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitPartly, exitUsage, exitInterrupted),
		Example: "  trikk ps -e prod\n  trikk ps -e prod --sort cpu --app jmsadmin\n  trikk ps -e prod --csv",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := survey.Sort(nil, o.sort); err != nil {
				return usage("--sort %s: it is swap, rss or cpu", o.sort)
			}
			if o.csv && c.flags.json {
				return usage("--csv and --json don't go together")
			}
			return c.ps(cmd, o)
		},
	}
	c.envFlag(cmd)
	cmd.Flags().StringVar(&o.sort, "sort", "swap", "the largest first: `BY` is swap, rss or cpu")
	cmd.Flags().StringVar(&o.app, "app", "", "only processes of this `APP`, on its servers")
	cmd.Flags().BoolVar(&o.csv, "csv", false, "comma-separated values; sizes in bytes, times in seconds")
	return cmd
}

func (c *cli) ps(cmd *cobra.Command, o psOptions) error {
	env, apps, err := c.everything(cmd)
	if err != nil {
		return err
	}
	hosts := survey.Machines(env)
	if o.app != "" {
		if hosts, err = hostsOfApp(apps, o.app, env.Name); err != nil {
			return err
		}
	}
	f := c.fleet(env, "")
	defer f.close()
	ctx, stop := c.interruptible(cmd.Context())
	defer stop()
	all := survey.Processes(ctx, proxy.ReadersOf(f.pool), env, apps, hosts, c.flags.parallel)
	var found []survey.Process
	errs := make([]error, len(all))
	for i, r := range all {
		errs[i] = r.Err
		if r.Hidden && r.Err == nil {
			c.say("%s: only the login user's own processes can be seen there (/proc is mounted with hidepid)", r.Host)
		}
		found = append(found, r.Processes...)
	}
	failed := someFailed(errs)
	if err := stopped(ctx, failed); exitOf(err) == exitInterrupted {
		return err
	}
	if o.app != "" {
		found = slices.DeleteFunc(found, func(p survey.Process) bool { return p.App != o.app })
	}
	if err := survey.Sort(found, o.sort); err != nil {
		return err
	}
	if err := c.showProcesses(found, o.csv); err != nil {
		return err
	}
	return failed
}

// everything is the environment with all of its apps; it may have none.
func (c *cli) everything(cmd *cobra.Command) (plan.Environment, []plan.App, error) {
	if err := c.needEnv(); err != nil {
		return plan.Environment{}, nil, err
	}
	w, err := c.load(cmd.Context())
	if err != nil {
		return plan.Environment{}, nil, &exitError{exitConfig, err}
	}
	env, err := w.Environment(c.flags.env)
	if err != nil {
		return plan.Environment{}, nil, &exitError{exitConfig, err}
	}
	return env, appsIn(w, env.Name), nil
}

func appsIn(w config.Workspace, env string) []plan.App {
	return slices.DeleteFunc(w.Apps(), func(a plan.App) bool { return a.Env != env })
}

// hostsOf are the hosts of one app.
func hostsOfApp(apps []plan.App, name, env string) ([]string, error) {
	var names []string
	for _, a := range apps {
		if a.Name == name {
			return a.Hosts(), nil
		}
		names = append(names, a.Name)
	}
	return nil, &exitError{exitConfig, fmt.Errorf("no app %q in %s (known: %s)", name, env, strings.Join(names, ", "))}
}

// processLine is one process in --json.
type processLine struct {
	Host    string  `json:"host"`
	PID     int     `json:"pid"`
	Parent  int     `json:"parent"`
	User    string  `json:"user"`
	App     string  `json:"app,omitempty"`
	Release string  `json:"release,omitempty"`
	State   string  `json:"state"`
	Ran     int64   `json:"ran"` // seconds
	RSS     int64   `json:"rss"` // bytes
	Swap    int64   `json:"swap"`
	CPU     float64 `json:"cpu"`     // percent of one core since it was started
	CPUTime float64 `json:"cpuTime"` // seconds
	Command string  `json:"command"`
}

func (c *cli) showProcesses(all []survey.Process, asCSV bool) error {
	switch {
	case asCSV:
		return c.csvProcesses(all)
	case c.flags.json:
		for _, p := range all {
			err := c.event("process", processLine{Host: p.Host, PID: p.PID, Parent: p.Parent, User: p.User, App: p.App, Release: p.Release, State: p.State,
				Ran: int64(p.Ran / time.Second), RSS: p.RSS, Swap: p.Swap, CPU: rounded(p.Load()), CPUTime: p.CPU.Seconds(), Command: p.Command})
			if err != nil {
				return err
			}
		}
		return nil
	}
	width := 100
	if c.flags.verbose > 0 {
		width = 1 << 20
	}
	t := table{}
	t.row("HOST", "PID", "USER", "APP", "RELEASE", "RAN", "RSS", "SWAP", "CPU", "COMMAND")
	for _, p := range all {
		t.row(p.Host, strconv.Itoa(p.PID), inLine(p.User), dash(p.App), dash(inLine(p.Release)), ran(p.Ran), memory(p.RSS), memory(p.Swap),
			fmt.Sprintf("%.1f%%", p.Load()), shortened(inLine(p.Command), width))
	}
	t.flush(c.out)
	return nil
}

func (c *cli) csvProcesses(all []survey.Process) error {
	w := csv.NewWriter(c.out)
	rows := [][]string{{"host", "pid", "user", "app", "release", "ran", "rss", "swap", "cpu", "command"}}
	for _, p := range all {
		rows = append(rows, []string{p.Host, strconv.Itoa(p.PID), inLine(p.User), p.App, inLine(p.Release), strconv.FormatInt(int64(p.Ran/time.Second), 10),
			strconv.FormatInt(p.RSS, 10), strconv.FormatInt(p.Swap, 10), strconv.FormatFloat(rounded(p.Load()), 'f', -1, 64), inLine(p.Command)})
	}
	return w.WriteAll(rows)
}

func rounded(percent float64) float64 { return float64(int64(percent*10+0.5)) / 10 }

// memory is a number of bytes for people: 812K, 34M, 1.2G.
func memory(n int64) string {
	const k = 1 << 10
	switch {
	case n == 0:
		return "0"
	case n < k*k:
		return fmt.Sprintf("%dK", (n+k-1)/k)
	case n < k*k*k:
		return fmt.Sprintf("%dM", n/(k*k))
	}
	return fmt.Sprintf("%.1fG", float64(n)/(k*k*k))
}

// ran is for how long a process runs, in its two largest units.
func ran(d time.Duration) string {
	s := int64(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}
