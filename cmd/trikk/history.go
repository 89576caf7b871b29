package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// Results of runs beside the outcomes of package plan.
const (
	runGoesOn = "goes on"
	runCutOff = "cut off"
)

func (c *cli) historyCommand() *cobra.Command {
	var most int
	var servers bool
	cmd := &cobra.Command{
		Use:   "history [APP] [-e ENV]",
		Short: "Past runs of this machine: when, who, from and to which release, how they ended",
		Long: "Lists the runs that were started on this machine, the newest first. Runs of other machines are not known here:\n" +
			"--servers shows what the app's servers recorded themselves, the releases there that were proven good, and by which run." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitUsage, exitInterrupted),
		Example: "  trikk history\n  trikk history jmsadmin -e prod --servers\n  trikk history jmsadmin -e prod -n 5",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, apps []string) error {
			switch {
			case servers && len(apps) == 0:
				return usage("--servers is about one app: trikk history APP -e ENV --servers")
			case servers:
				return c.goodReleases(cmd.Context(), apps[0])
			}
			if most < 0 {
				return usage("-n %d: it is not less than nothing; 0 shows all", most)
			}
			app := ""
			if len(apps) == 1 {
				app = apps[0]
			}
			lines, unread := c.history(app, c.flags.env, most)
			return errors.Join(c.showHistory(lines, app), unread)
		},
	}
	cmd.Flags().StringVarP(&c.flags.env, "env", "e", "", "only runs in this `ENV`")
	cmd.Flags().BoolVar(&servers, "servers", false, "what the app's servers recorded, instead of runs")
	cmd.Flags().IntVarP(&most, "lines", "n", 20, "the last `N` runs; 0 shows all")
	return cmd
}

// historyLine is one past run.
type historyLine struct {
	Plan    string       `json:"plan"`
	Started string       `json:"started"`
	Who     string       `json:"who"`
	Env     string       `json:"env"`
	Apps    []historyApp `json:"apps"`
	Result  string       `json:"result"` // as an outcome's status, or "goes on" or "cut off"
	Seconds float64      `json:"seconds"`
	// Overrides are the guards that the run went past.
	Overrides []run.Override `json:"overrides,omitempty"`
	Release   string         `json:"release,omitempty"` // that the versions were of
	run       string
}

// historyApp is what a run did to one app.
type historyApp struct {
	App    string   `json:"app"`
	Intent string   `json:"intent"`
	From   []string `json:"from"`
	To     string   `json:"to"`
	Status string   `json:"status,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// history reads the last runs of an app and environment; "" stands for any. The error is of runs that can't be read; the others are given.
func (c *cli) history(app, env string, most int) ([]historyLine, error) {
	all, err := run.List(c.runs())
	errs := []error{err}
	slices.Reverse(all)
	var out []historyLine
	for _, s := range all {
		if env != "" && s.Meta.Env != env || app != "" && !slices.Contains(s.Meta.Apps, app) {
			continue
		}
		if most > 0 && len(out) == most {
			break
		}
		saved, err := run.Load(c.runs(), s.Meta.Run)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, c.historyLine(saved))
	}
	return out, errors.Join(errs...)
}

func (c *cli) historyLine(s run.Saved) historyLine {
	l := historyLine{run: s.Meta.Run, Plan: s.Plan.ID, Started: s.Meta.Started, Who: s.Meta.Who, Env: s.Plan.Env, Apps: []historyApp{}, Result: c.resultOf(s), Overrides: s.Meta.Overrides, Release: s.Plan.Release}
	l.Seconds = c.lasted(s, l.Result).Seconds()
	for _, a := range s.Plan.Apps {
		h := historyApp{App: a.App, Intent: a.Intent, From: append([]string{}, a.From...), To: a.To}
		if s.Outcome != nil {
			for _, o := range s.Outcome.Apps {
				if o.App == a.App {
					h.Status, h.Reason = o.Status, o.Reason
				}
			}
		}
		l.Apps = append(l.Apps, h)
	}
	for _, out := range s.Plan.LeftOut {
		l.Apps = append(l.Apps, historyApp{App: out.App, Intent: plan.Deploy, From: []string{}, Status: plan.FailedClean, Reason: "left out: " + out.Reason})
	}
	return l
}

// resultOf is how a run ended. While a process has its journal it goes on, also where it ended once and is resumed.
func (c *cli) resultOf(s run.Saved) string {
	switch {
	case run.InUse(c.runs(), s.Meta.Run):
		return runGoesOn
	case s.Outcome == nil:
		return runCutOff
	}
	return s.Outcome.Status
}

// lasted is from what happened first in a run to what happened last, as the run itself counts: without the time that planning and a
// person's yes took.
func (c *cli) lasted(s run.Saved, result string) time.Duration {
	end := endOf(s)
	if result == runGoesOn {
		end = c.now()
	}
	return max(0, end.Sub(beginOf(s)))
}

// beginOf is when a run did something first; before that, when it was started.
func beginOf(s run.Saved) time.Time {
	began, _ := time.Parse(time.RFC3339, s.Meta.Started) // trikk wrote it
	if len(s.Journal) == 0 {
		return began
	}
	return timeOf(s.Journal[0], began)
}

// endOf is when something happened last.
func endOf(s run.Saved) time.Time {
	end := beginOf(s)
	for _, e := range s.Journal {
		if at := timeOf(e, end); at.After(end) {
			end = at
		}
	}
	return end
}

func (c *cli) showHistory(lines []historyLine, app string) error {
	if c.flags.json {
		for _, l := range lines {
			if err := writeEvent(c.out, eventLine{stamp(c.now()), l.run, "history"}, l); err != nil {
				return err
			}
		}
		return nil
	}
	if len(lines) == 0 {
		c.say("no such runs on this machine (they are kept in %s)", c.runs())
		return nil
	}
	t := table{}
	t.row("RUN", "STARTED", "TOOK", "WHO", "ENV", "RESULT", "APPS")
	for _, l := range lines {
		t.row(l.run, l.Started, shortTook(seconds(l.Seconds)), l.Who, l.Env, l.Result, shown(historyApps(l.Apps, app)+historyMore(l)))
	}
	t.flush(c.out)
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// historyApps says what a run did to its apps: to the one that was asked for, else to the first of them.
func historyApps(apps []historyApp, asked string) string {
	const most = 3
	var out []string
	for _, a := range apps {
		if asked != "" && a.App != asked {
			continue
		}
		text := fmt.Sprintf("%s %s → %s", a.App, fromText(a.From), a.To)
		if a.To == "" {
			text = a.App + " left out"
		}
		if a.Intent == plan.Rollback {
			text += " (rollback)"
		}
		out = append(out, text)
	}
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(out)-most))
	}
	return strings.Join(out, ", ")
}

// historyMore says which release a run was of, and which guards it went past, and why.
func historyMore(l historyLine) string {
	out := ""
	if l.Release != "" {
		out = fmt.Sprintf(" (release %q)", l.Release)
	}
	for _, o := range l.Overrides {
		out += fmt.Sprintf("; %s overridden: %s", o.Guard, o.Reason)
	}
	return out
}

func fromText(from []string) string {
	if len(from) == 0 {
		return "nothing"
	}
	return strings.Join(from, "|")
}
