package main

import (
	"context"
	"errors"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/sign"
)

// trusted refuses a saved plan that its environment, as the config repository at hand writes it, does not let be applied. The
// plan itself is not asked: it could bring rules of its own. It gives that repository and environment.
func (c *cli) trusted(ctx context.Context, s savedPlan) (config.Workspace, plan.Environment, error) {
	var env plan.Environment
	w, err := c.load(ctx)
	var wrong *config.Errors
	if errors.As(err, &wrong) && wrong.List[0].Pos.File == "" {
		return w, env, refused("what %s asks of a plan is not known: %w; apply in the config repository, or name it with -C DIR", s.plan.Env, err)
	}
	if err != nil {
		return w, env, &exitError{exitConfig, err}
	}
	env, err = w.Environment(s.plan.Env)
	if err != nil {
		return w, env, refused("plan %s is foreign here: %w", s.plan.ID, err)
	}
	if differs := plan.Foreign(s.plan, env); len(differs) > 0 {
		return w, env, refused("plan %s is foreign: %s is another one in this config repository (make a new plan with trikk plan):\n  %s", s.plan.ID, env.Name, strings.Join(differs, "\n  "))
	}
	if err := c.judged(ctx, w, s.plan); err != nil {
		return w, env, err
	}
	return w, env, c.approved(s, env)
}

// approved checks the signatures against the environment's rules.
func (c *cli) approved(s savedPlan, env plan.Environment) error {
	if env.Approval == nil {
		for _, one := range s.signs {
			c.say("signed by %s; %s asks nobody to sign", one.Fingerprint(), env.Name)
		}
		return nil
	}
	roster, wrong := sign.NewRoster(*env.Approval)
	if len(wrong) > 0 {
		return refused("the approval rules of %s are wrong: %s %s", env.Name, wrong[0].Path, wrong[0].Message)
	}
	names, err := roster.Approved(s.signs)
	if err != nil {
		return refused("%s is not approved for %s: %w (approve with trikk sign %s)", s.name, env.Name, err, s.name)
	}
	c.say("signed by %s", strings.Join(names, ", "))
	return nil
}

// unsaved refuses to apply what nobody could have approved, and says how it goes.
func (c *cli) unsaved(ch chosen, kind string) error {
	rules := ch.env.Approval
	if rules == nil || kind == plan.Rollback && rules.ExemptRollback {
		return nil
	}
	roster, _ := sign.NewRoster(*rules)
	file := ch.env.Name + ".plan"
	if len(ch.apps) == 1 {
		file = ch.apps[0].Name + ".plan"
	}
	author := ""
	if rules.NotAuthor {
		author = " --sign"
	}
	command := "plan"
	if kind == plan.Rollback {
		command = "rollback"
	}
	return refused("%s applies saved plans only, with %s:\n  trikk %s %s -e %s -o %s%s\n  trikk sign %s\n  trikk apply --plan %s", ch.env.Name, roster.Wants(),
		command, shellescape.QuoteCommand(ch.words), ch.env.Name, file, author, file, file)
}
