package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

func (c *cli) statusCommand() *cobra.Command {
	var sel selection
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status [APP…] -e ENV",
		Short: "What runs where: release, since when, in rotation or not, lock",
		Long: "Reads the servers and proxies (and changes nothing) and shows what runs where. Without names it shows all apps of\n" +
			"the environment. With --watch it goes on until it is interrupted, with exit code 130." + exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitUsage, exitInterrupted),
		Example: "  trikk status jmsadmin -e prod\n  trikk status -e test --watch",
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 && sel.selector == "" {
				sel.all = true
			}
			if cmd.Flags().Changed("watch") && every < shortestWatch {
				return usage("--watch=%s: it is %s at least", every, shortestWatch)
			}
			ch, err := c.chooseAny(cmd.Context(), sel, names)
			if err != nil {
				return err
			}
			f := c.fleet(ch.env, "")
			defer f.close()
			ctx, stop := c.interruptible(cmd.Context())
			defer stop()
			look := func() error {
				v, lookErr := f.gatherer.Look(ctx, ch.env, ch.apps)
				if err := stopped(ctx, lookErr); exitOf(err) == exitInterrupted {
					return err
				}
				return errors.Join(c.showStatus(statusLines(ch, v)), lookErr)
			}
			if every > 0 {
				return c.watch(ctx, every, look)
			}
			return look()
		},
	}
	sel.flags(c, cmd)
	watchFlag(cmd, &every)
	return cmd
}

// statusLine is one app on one host.
type statusLine struct {
	App      string            `json:"app"`
	Env      string            `json:"env"`
	Host     string            `json:"host"`
	Role     string            `json:"role"` // active, standby, proxy
	Known    bool              `json:"known"`
	Release  string            `json:"release,omitempty"`
	Version  string            `json:"version,omitempty"`
	Good     bool              `json:"good"`
	Trial    bool              `json:"trial,omitempty"` // whatever Good says: its canary was not judged
	Since    string            `json:"since,omitempty"` // RFC 3339, when the release was proven or installed
	Service  string            `json:"service,omitempty"`
	Running  string            `json:"running,omitempty"`
	Disabled bool              `json:"disabled,omitempty"`
	Rotation map[string]string `json:"rotation,omitempty"` // state by proxy
	Notes    []string          `json:"notes,omitempty"`
	Edited   []statusEdit      `json:"edited,omitempty"` // generated files that are not as trikk wrote them
	LockedBy string            `json:"lockedBy,omitempty"`
	LockRun  string            `json:"lockRun,omitempty"`
	Asks     string            `json:"asks,omitempty"` // the run that waits for approval here
	Cut      *plan.CutOff      `json:"cut,omitempty"`  // the run that was cut off here
	// Unreachable says why no connection could be had; "" where there was one.
	Unreachable string `json:"unreachable,omitempty"`
}

// statusEdit is one generated file that was edited by hand.
type statusEdit struct {
	Release string `json:"release"`
	Path    string `json:"path"`
	Diff    string `json:"diff,omitempty"`
}

func statusLines(ch chosen, v act.View) []statusLine {
	var out []statusLine
	for _, app := range ch.apps {
		for _, h := range app.Hosts() {
			at, known := v.Facts.Apps[app.Name][h]
			l := statusLine{App: app.Name, Env: app.Env, Host: h, Role: role(app, h), Known: known, Unreachable: v.Facts.Unreachable[h], Asks: v.Asks[app.Name][h]}
			holder := v.Locks[app.Name][h]
			if holder.Alive {
				l.LockedBy, l.LockRun = holder.Who, holder.Run
			}
			if known {
				l.fill(at)
			}
			states := v.Facts.Rotation[app.Name][h]
			for _, r := range states {
				if l.Rotation == nil {
					l.Rotation = map[string]string{}
				}
				l.Rotation[r.Proxy] = r.State
			}
			l.notice(states)
			if holder.Alive {
				l.Notes = append(l.Notes, fmt.Sprintf("locked by %s since %s (run %s)", holder.Who, holder.Since, holder.Run))
			}
			if l.Asks != "" {
				l.Notes = append(l.Notes, fmt.Sprintf("run %s waits for approval (trikk approve %s)", l.Asks, l.Asks))
			}
			out = append(out, l)
		}
	}
	return out
}

func role(app plan.App, host string) string {
	switch {
	case slices.Contains(app.Servers, host):
		return "active"
	case slices.Contains(app.Standby, host):
		return "standby"
	}
	return "proxy"
}

func (l *statusLine) fill(at plan.Installed) {
	l.Release, l.Service, l.Running, l.Disabled = at.Current, at.Service, at.Running, at.Marked
	for _, r := range at.Releases {
		if r.Name != at.Current {
			continue
		}
		l.Version, l.Good = r.Manifest.Version, r.Good
		l.Since = timeOfRun(r.GoodSeq)
		if l.Since == "" {
			l.Since = timeOfRun(r.Manifest.Run)
		}
		switch {
		case !r.Complete:
			l.Notes = append(l.Notes, "the release is incomplete")
		case at.Trial == r.Name && l.Role == "active":
			l.Trial = true
			l.Notes = append(l.Notes, l.trialText())
		case !r.Good && l.Role == "active":
			l.Notes = append(l.Notes, "not proven good yet")
		}
	}
	if l.Cut = at.Cut; l.Cut != nil {
		l.Notes = append(l.Notes, cutText(*l.Cut))
	}
	if by := at.ByHand(); by != "" {
		l.Notes = append(l.Notes, by)
	}
	l.edits(at)
	if l.Release != "" && l.Version == "" {
		l.Notes = append(l.Notes, "current points to a release that trikk did not complete")
	}
}

// trialText says that a release is on trial, and what goes on with it: the run that holds the lock, or the next one.
func (l *statusLine) trialText() string {
	if l.LockRun != "" {
		return "on trial: its canary is not judged yet"
	}
	return "on trial: its canary was not judged (trikk apply goes on with it)"
}

// cutText says where a run was cut off, and what goes on with it.
func cutText(cut plan.CutOff) string {
	how := ""
	switch {
	case cut.Step != "" && cut.Ended:
		how = " after step " + cut.Step
	case cut.Step != "":
		how = " in step " + cut.Step
	}
	if cut.Run == plan.UnnamedRun {
		return "a run that did not say its name was cut off here (trikk apply)"
	}
	return fmt.Sprintf("run %s of %s was cut off here%s (trikk resume %s where it was started, or trikk apply)", cut.Run, cut.Who, how, cut.Run)
}

// edits lists the files that were edited by hand, those of the live release first.
func (l *statusLine) edits(at plan.Installed) {
	for _, live := range []bool{true, false} {
		for _, r := range at.Releases {
			if live != (r.Name == at.Current) {
				continue
			}
			for _, path := range r.Edited {
				in := ""
				if !live {
					in = " in " + r.Name + ", which is not live"
				}
				l.Notes = append(l.Notes, path+" was edited by hand"+in)
				l.Edited = append(l.Edited, statusEdit{Release: r.Name, Path: path, Diff: r.Diffs[path]})
			}
		}
	}
}

// notice says what a person should look at.
func (l *statusLine) notice(states []plan.Rotation) {
	if l.Unreachable != "" {
		l.Notes = append(l.Notes, "unreachable: "+l.Unreachable)
		return
	}
	if !l.Known {
		l.Notes = append(l.Notes, "could not be read")
		return
	}
	if was, gone := strings.CutSuffix(l.Running, plan.Removed); gone {
		l.Notes = append(l.Notes, fmt.Sprintf("not restarted: it still runs in the directory of %s that was removed", was))
	} else if l.Running != "" && l.Release != "" && l.Running != l.Release {
		l.Notes = append(l.Notes, fmt.Sprintf("switched but not restarted: it still runs %s", l.Running))
	}
	if l.Role != "active" {
		if l.Role == "standby" && l.Service == "active" {
			l.Notes = append(l.Notes, "runs, although it is a standby")
		}
		return
	}
	if l.Release != "" && l.Service == "inactive" {
		l.Notes = append(l.Notes, "stopped")
	}
	if l.Release == "" {
		return
	}
	if at := plan.HeldOut(states); at != "" {
		l.Notes = append(l.Notes, "held out at "+at)
	}
	for _, proxy := range sortedKeys(l.Rotation) {
		if s := l.Rotation[proxy]; s != plan.RotationIn && s != plan.RotationOut {
			l.Notes = append(l.Notes, fmt.Sprintf("%s at %s", s, proxy))
		}
	}
}

func (c *cli) showStatus(lines []statusLine) error {
	if c.flags.json {
		for _, l := range lines {
			if err := c.event("status", l); err != nil {
				return err
			}
		}
		return nil
	}
	last := ""
	t := table{}
	for i, l := range lines {
		if l.App != last {
			t.flush(c.out)
			if last != "" {
				fmt.Fprintln(c.out)
			}
			fmt.Fprintf(c.out, "%s in %s\n", l.App, l.Env)
			t.row("  HOST", "ROLE", "RELEASE", "SINCE", "SERVICE", "ROTATION", "")
			last = l.App
		}
		t.row("  "+l.Host, l.Role, dash(l.Release), dash(l.Since), dash(l.Service), rotationText(l), strings.Join(l.Notes, "; "))
		if i == len(lines)-1 || lines[i+1].App != l.App {
			t.flush(c.out)
			c.showEdits(lines, l.App)
		}
	}
	return nil
}

// showEdits shows, below an app's table, what was edited by hand.
func (c *cli) showEdits(lines []statusLine, app string) {
	for _, l := range lines {
		for _, e := range l.Edited {
			if l.App == app && e.Diff != "" {
				fmt.Fprintf(c.out, "\n  %s on %s, in %s:\n    %s\n", e.Path, l.Host, e.Release, strings.ReplaceAll(strings.TrimRight(e.Diff, "\n"), "\n", "\n    "))
			}
		}
	}
}

func rotationText(l statusLine) string {
	if l.Disabled && len(l.Rotation) == 0 {
		return "disabled"
	}
	if len(l.Rotation) == 0 {
		return "-"
	}
	same := ""
	var parts []string
	for _, proxy := range sortedKeys(l.Rotation) {
		parts = append(parts, proxy+": "+l.Rotation[proxy])
		same = l.Rotation[proxy]
	}
	for _, s := range l.Rotation {
		if s != same {
			return strings.Join(parts, ", ")
		}
	}
	return same
}
