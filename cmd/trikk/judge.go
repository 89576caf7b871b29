package main

import (
	"context"
	"errors"

	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
)

// judged refuses a plan that breaks a policy of the config repository. A rollback is never refused: the way back stays open.
func (c *cli) judged(ctx context.Context, w config.Workspace, p plan.Plan) error {
	for _, a := range p.Apps {
		if a.Intent == plan.Rollback {
			return nil
		}
	}
	err := config.Judge(ctx, c.loading(nil), w, p)
	var broken *config.Errors
	if errors.As(err, &broken) {
		return &exitError{exitRefused, err}
	}
	return err
}
