package main

import (
	"cmp"
	"context"
	"slices"

	"trikk.dev/engine/plan"
)

// goodLine is one release that was proven good on a server.
type goodLine struct {
	App     string `json:"app"`
	Env     string `json:"env"`
	Host    string `json:"host"`
	Release string `json:"release"`
	Since   string `json:"since"` // RFC 3339; "": not known
	By      string `json:"by"`    // the run that proved it
	Live    bool   `json:"live"`
}

// goodReleases shows what the servers themselves recorded of an app, by whichever machine it was deployed.
func (c *cli) goodReleases(ctx context.Context, app string) error {
	ch, err := c.chooseAny(ctx, selection{}, []string{app})
	if err != nil {
		return err
	}
	f := c.fleet(ch.env, "")
	defer f.close()
	ctx, stop := c.interruptible(ctx)
	defer stop()
	v, lookErr := f.gatherer.Look(ctx, ch.env, ch.apps)
	if err := stopped(ctx, lookErr); exitOf(err) == exitInterrupted {
		return err
	}
	if err := c.showGood(goodLines(ch.apps[0], v.Facts)); err != nil {
		return err
	}
	return lookErr
}

// goodLines are the releases that are still on the hosts of an app, on each host the one that was proven last first.
func goodLines(app plan.App, f plan.Facts) []goodLine {
	var out []goodLine
	for _, h := range app.Hosts() {
		at := f.Apps[app.Name][h]
		good := slices.DeleteFunc(slices.Clone(at.Releases), func(r plan.InstalledRelease) bool { return !r.Good })
		slices.SortStableFunc(good, func(a, b plan.InstalledRelease) int { return cmp.Compare(b.GoodSeq, a.GoodSeq) })
		for _, r := range good {
			out = append(out, goodLine{app.Name, app.Env, h, r.Name, timeOfRun(r.GoodSeq), r.GoodSeq, r.Name == at.Current})
		}
	}
	return out
}

func (c *cli) showGood(lines []goodLine) error {
	t := table{}
	t.row("HOST", "RELEASE", "GOOD SINCE", "RUN", "")
	for _, l := range lines {
		if c.flags.json {
			if err := c.event("good", l); err != nil {
				return err
			}
			continue
		}
		live := ""
		if l.Live {
			live = "live"
		}
		t.row(l.Host, l.Release, dash(l.Since), inLine(dash(l.By)), live)
	}
	if !c.flags.json {
		t.flush(c.out)
	}
	return nil
}
