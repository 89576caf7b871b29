package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
)

// Guards that a person may go past, as they are recorded.
const (
	guardFreeze    = "freeze"
	guardPromotion = "promotion"
)

// overrideFlags adds the flags that go past guards, with a reason.
func (con *consent) overrideFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&con.freeze, "override-freeze", "", "go on although the environment is frozen; `REASON` is recorded in the run")
	cmd.Flags().StringVar(&con.promote, "override-promotion", "", "go on although versions are not proven where the environment takes them from; `REASON` is recorded in the run")
	con.given = cmd.Flags().Changed
}

// checkOverrides refuses reasons that say nothing.
func (con *consent) checkOverrides() error {
	for _, o := range []struct{ flag, reason string }{{"override-freeze", con.freeze}, {"override-promotion", con.promote}} {
		if con.given(o.flag) && (strings.TrimSpace(o.reason) == "" || shown(o.reason) != o.reason || strings.Contains(o.reason, "\n")) {
			return usage("--%s %q: it is the reason, in words, on one line", o.flag, o.reason)
		}
	}
	return nil
}

// guard is what an environment has against a run now.
type guard struct {
	env    plan.Environment // as the config repository at hand writes it
	config config.Workspace // that repository
	back   bool             // the run goes back to a release that was good, which is never refused
	con    consent
}

// goesBack tells whether a plan is a rollback.
func goesBack(p plan.Plan) bool {
	return len(p.Apps) > 0 && !slices.ContainsFunc(p.Apps, func(a plan.AppPlan) bool { return a.Intent != plan.Rollback })
}

// guarded refuses a run while its environment is frozen. What is gone past is noted in the view and recorded with the run. It is
// called before anybody is asked, and again under the locks: time passes.
func (f *fleet) guarded(v *planView) error {
	g := f.guard
	frozen, err := g.env.Frozen(f.cli.now(), time.LoadLocation)
	switch {
	case err != nil:
		return err
	case frozen == nil && g.con.freeze != "":
		f.cli.gonePast(v, g.env.Name+" is not frozen: --override-freeze goes past nothing")
	case frozen == nil:
	case g.back:
		f.cli.gonePast(v, fmt.Sprintf("%s; a rollback goes all the same", frozen))
	case g.con.freeze != "":
		f.cli.gonePast(v, fmt.Sprintf("%s; overridden: %s", frozen, g.con.freeze))
		f.record(run.Override{Guard: guardFreeze, Said: frozen.String(), Reason: g.con.freeze})
	default:
		return refused("%s; nothing was changed (to apply all the same: --override-freeze REASON, which is recorded)", frozen)
	}
	return nil
}

// gonePast notes what a guard says, once.
func (c *cli) gonePast(v *planView, note string) {
	if !slices.Contains(v.guards, note) {
		v.guards = append(v.guards, note)
	}
}

// record keeps an override with the run, the last one of each guard.
func (f *fleet) record(o run.Override) {
	f.meta.Overrides = slices.DeleteFunc(slices.Clone(f.meta.Overrides), func(was run.Override) bool { return was.Guard == o.Guard })
	f.meta.Overrides = append(f.meta.Overrides, o)
}

// promoted refuses versions that are not live and healthy where the environment takes them from. It reads the servers and proxies there, takes
// no lock and changes nothing.
func (f *fleet) promoted(ctx context.Context, p plan.Plan, v *planView) error {
	g := f.guard
	why, err := f.cli.unproven(ctx, g.config, g.env, p)
	switch {
	case err != nil:
		return err
	case len(why) == 0 && g.con.promote != "":
		f.cli.gonePast(v, g.env.Name+" refuses no version of this plan: --override-promotion goes past nothing")
	case len(why) == 0:
	case g.con.promote != "":
		f.cli.gonePast(v, fmt.Sprintf("%s; overridden: %s", promotionText(g.env, why, "; "), g.con.promote))
		f.record(run.Override{Guard: guardPromotion, Said: promotionText(g.env, why, "; "), Reason: g.con.promote})
	default:
		return refused("%s\n  nothing was changed (to apply all the same: --override-promotion REASON, which is recorded)", promotionText(g.env, why, "\n  "))
	}
	return nil
}

// promotionText says what an environment takes, and what is not so.
func promotionText(env plan.Environment, why []string, between string) string {
	first := ": "
	if strings.HasPrefix(between, "\n") {
		first = ":" + between
	}
	return fmt.Sprintf("%s takes only what is live and healthy in %s%s%s", env.Name, env.Promote.From, first, strings.Join(why, between))
}

// unproven says why versions of a plan may not go to an environment; none: they may.
func (c *cli) unproven(ctx context.Context, w config.Workspace, env plan.Environment, p plan.Plan) ([]string, error) {
	if env.Promote == nil || p.Empty() || goesBack(p) {
		return nil, nil
	}
	from, err := w.Environment(env.Promote.From)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	var apps []plan.App
	concerned := 0
	for _, a := range p.Apps {
		if !env.Promote.Concerns(a) {
			continue
		}
		concerned++
		if app, err := w.Deployment(a.App, from.Name); err == nil {
			apps = append(apps, app)
		}
	}
	if concerned == 0 {
		return nil, nil
	}
	f := c.fleet(from, p.ID)
	defer f.close()
	ctx, stop := c.interruptible(ctx)
	defer stop()
	seen, err := f.gatherer.Look(ctx, from, apps)
	if ctx.Err() != nil {
		return nil, stopped(ctx, err)
	}
	why := env.Promote.Unproven(p, apps, seen.Facts)
	if err != nil {
		why = append(why, strings.Split(err.Error(), "\n")...)
	}
	return why, nil
}

// guardNotes is what guards would say to an apply of a plan now. Where the servers of the other environment must not be asked, what they
// would say is not told.
func (c *cli) guardNotes(ctx context.Context, ch chosen, p plan.Plan) ([]string, error) {
	var out []string
	frozen, err := ch.env.Frozen(c.now(), time.LoadLocation)
	if err != nil {
		return nil, err
	}
	if frozen != nil {
		out = append(out, frozen.String()+"; trikk apply would be refused, unless it says --override-freeze REASON")
	}
	if p.Offline {
		return out, nil
	}
	why, err := c.unproven(ctx, ch.config, ch.env, p)
	if len(why) > 0 {
		out = append(out, promotionText(ch.env, why, "; ")+"; trikk apply would be refused, unless it says --override-promotion REASON")
	}
	return out, err
}

// overridesText tells of the guards that a run went past, a line each.
func overridesText(list []run.Override) []string {
	var out []string
	for _, o := range list {
		out = append(out, fmt.Sprintf("%s; overridden: %s", o.Said, o.Reason))
	}
	return out
}
