package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// batchFlags adds what helps with many apps to a command that deploys: --failed and --keep-going.
func (s *selection) batchFlags(cmd *cobra.Command) {
	s.offered = true
	cmd.Flags().Var((*choice)(&s.failed), "failed", "the apps that `RUN`, a run of this machine, did not do: in its versions and its environment")
	cmd.Flags().BoolVar(&s.keepGoing, "keep-going", false, "leave out apps that can't be planned, and exit with 6; else nothing is planned then")
}

// orKeepGoing is an error with the way on for as many apps as are fine.
func (ch chosen) orKeepGoing(err error, fine int) error {
	if !ch.offered || ch.keepGoing || len(ch.apps) < 2 || fine < 1 {
		return err
	}
	return fmt.Errorf("%w\n  %d of %d apps can be planned; to leave out the rest: --keep-going", err, fine, len(ch.apps))
}

// compile is plan.Compile; its error has the way on.
func (ch chosen) compile(facts plan.Facts, in plan.Intent) (plan.Plan, error) {
	p, err := plan.Compile(ch.env, ch.apps, facts, in)
	if err == nil || in.KeepGoing {
		return p, err
	}
	in.KeepGoing = true
	rest, without := plan.Compile(ch.env, ch.apps, facts, in)
	if without != nil || rest.Empty() {
		return p, err
	}
	return p, ch.orKeepGoing(err, len(ch.apps)-len(rest.LeftOut))
}

// fineApps counts the apps of which everything could be read, without those that come after another one.
func fineApps(apps []plan.App, err error) int {
	var unread *act.UnreadError
	if !errors.As(err, &unread) {
		return 0
	}
	fine := map[string]bool{}
	for _, app := range unread.Fine {
		fine[app] = true
	}
	waits := func(a plan.App) bool {
		return fine[a.Name] && slices.ContainsFunc(apps, func(b plan.App) bool { return !fine[b.Name] && slices.Contains(a.After, b.Name) })
	}
	for {
		i := slices.IndexFunc(apps, waits)
		if i < 0 {
			return len(fine)
		}
		delete(fine, apps[i].Name)
	}
}

// goWithout leaves an app out whose build failed.
func (f *fleet) goWithout(app string, err error) {
	f.cli.say("%v", err)
	if f.unbuilt == nil {
		f.unbuilt = map[string]string{}
	}
	f.unbuilt[app] = firstLine(err.Error())
}

// addUnbuilt makes facts of builds that failed.
func (f *fleet) addUnbuilt(facts *plan.Facts) {
	for app, why := range f.unbuilt {
		if facts.Unread == nil {
			facts.Unread = map[string]string{}
		}
		facts.Unread[app] = why
	}
}

// exitLeftOut is the exit code of a plan that leaves apps out.
func exitLeftOut(p plan.Plan) int {
	if p.Empty() {
		return exitFailed
	}
	return exitPartly
}

// leftOutNotes says which apps a plan goes on without.
func leftOutNotes(p plan.Plan) []string {
	var out []string
	for _, l := range p.LeftOut {
		out = append(out, fmt.Sprintf("LEFT OUT: %s: %s", l.App, l.Reason))
	}
	return out
}

// othersPlanned tells whether an app was looked at and not left out.
func othersPlanned(p plan.Plan) bool {
	for app := range p.Observed.Apps {
		if !p.LeavesOut(app) {
			return true
		}
	}
	return false
}
