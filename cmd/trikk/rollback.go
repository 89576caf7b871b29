package main

import (
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

func (c *cli) rollbackCommand() *cobra.Command {
	var sel selection
	var con consent
	var to string
	var file saving
	cmd := &cobra.Command{
		Use:   "rollback APP -e ENV [--to VERSION]",
		Short: "Go back to the last good release",
		Long: "Compiles the way back to the good release before the live one, or to --to, shows it, asks, and runs it. Nothing is\n" +
			"fetched where the release is still there; where it is missing it is installed first, if the config still makes exactly\n" +
			"that release. With -o the way back is saved instead, for trikk apply --plan." +
			exitHelp(exitDone, exitFailed, exitConfig, exitAuth, exitRefused, exitPartly, exitReverted, exitBroken, exitUsage, exitInterrupted),
		Example: "  trikk rollback jmsadmin -e prod\n  trikk rollback jmsadmin -e prod --to 10.40.2",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if app, version, asked := strings.Cut(names[0], "@"); asked {
				return usage("name the version with --to: trikk rollback %s -e ENV --to %s", app, version)
			}
			if err := file.check(); err != nil {
				return err
			}
			ch, err := c.choose(cmd.Context(), sel, names)
			if err != nil {
				return err
			}
			if to != "" {
				if !validVersion(to) {
					return usage("%q is no version", to)
				}
				ch.versions[ch.apps[0].Name] = to
				ch.words = append(ch.words, "--to", to)
			}
			if file.file == "" {
				return c.applyChosen(cmd.Context(), ch, plan.Rollback, con, planView{})
			}
			p, v, err := c.compile(cmd.Context(), ch, asking{kind: plan.Rollback})
			if err != nil {
				return err
			}
			return c.printPlan(cmd.Context(), p, v, file)
		},
	}
	c.envFlag(cmd)
	con.flags(c, cmd)
	sel.deadlineFlag(cmd)
	c.waitFlag(cmd)
	c.issueFlag(cmd)
	file.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "go back to this `VERSION` or release")
	return cmd
}
