package main

import (
	"errors"
	"fmt"

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

// orKeepGoing is an error with the way on for the apps that are fine.
func orKeepGoing(ch chosen, err error) error {
	fine := fineApps(ch, err)
	if !ch.offered || ch.keepGoing || len(ch.apps) < 2 || fine < 1 {
		return err
	}
	return fmt.Errorf("%w\n  %d of %d apps can be planned; to leave out the rest: --keep-going", err, fine, len(ch.apps))
}

// fineApps counts the apps that an error is not about.
func fineApps(ch chosen, err error) int {
	var unread *act.UnreadError
	var wrong plan.Refusals
	switch {
	case errors.As(err, &unread):
		return len(unread.Fine)
	case errors.As(err, &wrong):
		return len(ch.apps) - len(wrong)
	}
	return 0
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
