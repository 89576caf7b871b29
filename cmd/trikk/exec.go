package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/survey"
)

// execOptions say where and as whom a command runs.
type execOptions struct {
	selector string
	servers  []string
	as       string
	asApp    bool
	deadline time.Duration
	con      consent
}

func (c *cli) execCommand() *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec -e ENV [-l SELECTOR] [APP…] -- COMMAND…",
		Short: "Run one command on many servers, and show its output grouped by what is the same",
		Long: "Runs one command on all servers of the environment at once: on those of the named or selected apps, on those that\n" +
			"--server names, or on all servers. It runs as the login user, in the home, without input; --as names another user, and\n" +
			"--as-app takes the app's. The words after -- reach the program as they are: for pipes and variables name a shell,\n" +
			"-- sh -c 'df -h | tail -n 1'. Servers with the same output and exit status are shown together; of long outputs the\n" +
			"first and the last 32 KiB. A protected environment asks first. While it goes on, standard error says on how many servers it\n" +
			"has ended and which ones are waited for; -q is silent.\n\n" +
			"The exit code is 0 when the command ended with 0 everywhere, 6 when it failed on some servers, and 1 (or 4) when it\n" +
			"failed on all. What a command that failed changed, trikk does not know." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitRefused, exitPartly, exitUsage, exitInterrupted),
		Example: "  trikk exec -e test -- uptime\n  trikk exec jmsadmin -e prod --as-app --confirm prod -- ls -l jmsadmin/current\n  trikk exec -e test -l team=gis -- sh -c 'df -h | tail -n 1'",
		RunE: func(cmd *cobra.Command, words []string) error {
			at := cmd.ArgsLenAtDash()
			if at < 0 || at == len(words) {
				return usage("write the command after --, for example: trikk exec -e ENV -- uptime")
			}
			if o.deadline <= 0 {
				return usage("--deadline %s: it is more than nothing", o.deadline)
			}
			return c.exec(cmd, o, words[:at], words[at:])
		},
	}
	c.envFlag(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "on the servers of the apps whose labels fit `SELECTOR`: team=gis,tier!=batch")
	f.StringSliceVar(&o.servers, "server", nil, "only on these `SERVERS`, separated by commas; proxies' hosts too")
	f.StringVar(&o.as, "as", "", "run it as this `USER`, through sudo -n")
	f.BoolVar(&o.asApp, "as-app", false, "run it as the user of the one app that is named")
	f.DurationVar(&o.deadline, "deadline", 5*time.Minute, "end the command after `DURATION`")
	f.StringVar(&o.con.confirm, "confirm", "", "go on in the protected `ENV` without being asked")
	return cmd
}

func (c *cli) exec(cmd *cobra.Command, o execOptions, names, words []string) error {
	if err := c.needEnv(); err != nil {
		return err
	}
	w, err := c.load(cmd.Context())
	if err != nil {
		return &exitError{exitConfig, err}
	}
	t, err := c.execTargets(w, o, names)
	if err != nil {
		return err
	}
	defer c.capture()()
	if err := c.agreeExec(t, o.con, words); err != nil {
		return err
	}
	f := c.fleet(t.env, "")
	defer f.close()
	ctx, stop := c.interruptible(cmd.Context())
	defer stop()
	tell, end := c.execProgress(t.all())
	parts := make([][]survey.Ended, 0, len(t.hosts))
	for _, as := range t.users() {
		command := survey.Command{Words: words, As: as, Deadline: o.deadline, Tell: tell}
		parts = append(parts, survey.Execute(ctx, f.pool, t.hosts[as], command, c.flags.parallel))
	}
	end()
	all := slices.Concat(parts...)
	slices.SortFunc(all, func(a, b survey.Ended) int { return strings.Compare(a.Host, b.Host) })
	if err := c.showEnded(all, words); err != nil {
		return err
	}
	return c.exitOfEnded(ctx, all)
}

// execTargets are the hosts that a command runs on, by the user that runs it.
type execTargets struct {
	env   plan.Environment
	hosts map[string][]string
}

func (t execTargets) users() []string { return sortedKeys(t.hosts) }

func (t execTargets) all() []string {
	var out []string
	for _, as := range t.users() {
		out = append(out, t.hosts[as]...)
	}
	slices.Sort(out)
	return out
}

func (c *cli) execTargets(w config.Workspace, o execOptions, names []string) (execTargets, error) {
	env, err := w.Environment(c.flags.env)
	if err != nil {
		return execTargets{}, &exitError{exitConfig, err}
	}
	var apps []plan.App
	if len(names) > 0 || o.selector != "" {
		if apps, err = w.Select(env.Name, config.Selection{Names: names, Labels: o.selector}); err != nil {
			return execTargets{}, &exitError{exitConfig, err}
		}
	}
	if o.asApp && (len(apps) != 1 || o.as != "") {
		return execTargets{}, usage("--as-app goes with one app, and without --as")
	}
	t := execTargets{env: env, hosts: map[string][]string{}}
	for _, name := range execHosts(env, apps, o.servers) {
		as := o.as
		if o.asApp {
			as = apps[0].As(env, name)
		}
		t.hosts[as] = append(t.hosts[as], name)
	}
	for _, name := range o.servers {
		if !slices.Contains(t.all(), name) {
			return execTargets{}, &exitError{exitConfig, fmt.Errorf("--server %s: none of the servers that are meant (%s)", name, strings.Join(execHosts(env, apps, nil), ", "))}
		}
	}
	if len(t.hosts) == 0 {
		return execTargets{}, &exitError{exitConfig, fmt.Errorf("environment %q has no servers", env.Name)}
	}
	return t, nil
}

// execHosts are the apps' hosts, or without apps the environment's servers; of them those that only names. Named ones may also be the
// hosts of proxies.
func execHosts(env plan.Environment, apps []plan.App, only []string) []string {
	var out []string
	for _, a := range apps {
		out = append(out, a.Hosts()...)
	}
	if len(apps) == 0 {
		out = sortedKeys(env.Servers)
		if len(only) > 0 {
			out = append(out, sortedKeys(env.Proxies)...)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(name string) bool { return len(only) > 0 && !slices.Contains(only, name) })
}

// agreeExec asks in a protected environment; elsewhere whoever typed the command meant it.
func (c *cli) agreeExec(t execTargets, con consent, words []string) error {
	if !t.env.Protected {
		return nil
	}
	c.say("%s\n  on %s", inLine(strings.Join(words, " ")), strings.Join(t.all(), ", "))
	return c.agree(question{env: t.env.Name, protected: true, to: "run this there"}, con)
}

// exitOfEnded is the error of a command that did not end well everywhere; how it ended where is told already.
func (c *cli) exitOfEnded(ctx context.Context, all []survey.Ended) error {
	failed := 0
	var errs []error
	var unknown []string
	for _, e := range all {
		var h *host.Error
		if errors.As(e.Err, &h) && h.Kind == host.Unknown {
			unknown = append(unknown, e.Host)
		}
		if e.Err != nil {
			errs = append(errs, e.Err)
		}
		if e.Err != nil || e.Exit != 0 {
			failed++
		}
	}
	err := errors.Join(errs...)
	switch {
	case failed == 0:
		return nil
	case ctx.Err() != nil && c.caught != nil:
		text := fmt.Sprintf("stopped by %s", c.caught)
		if len(unknown) > 0 {
			text += "; the command was ended, and what it did is not known, on " + strings.Join(unknown, ", ")
		}
		return &exitError{exitInterrupted, errors.New(text)}
	case failed < len(all):
		return &exitError{exitPartly, err}
	case len(errs) == len(all):
		return err
	}
	return &exitError{exitFailed, err}
}
