package act

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	udiff "github.com/aymanbagabas/go-udiff"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// FileDiff is a generated file that a plan changes, with what people are shown of it.
type FileDiff struct {
	plan.FileChange
	// Diff is the unified diff of the live file and the new one; "" where there is none to show.
	Diff string
	// Why says in a few words why there is no diff; "" where there is one.
	Why string
}

// FileDiffs reads the live files that a plan changes, each of those that are the same on one host only, and compares them with
// what they become. It decides nothing: what can't be read is told in the answer. Files that hold secrets, or did, are not read.
func (g *Gatherer) FileDiffs(ctx context.Context, p plan.Plan) ([]FileDiff, error) {
	changes, err := plan.FileChanges(p)
	if err != nil {
		return nil, err
	}
	out := make([]FileDiff, len(changes))
	asks := map[string]*asking{} // by app and host
	for i, c := range changes {
		out[i].FileChange = c
		if out[i].Why = unread(c); out[i].Why != "" {
			continue
		}
		key := c.App + "\x00" + c.Hosts[0]
		if asks[key] == nil {
			asks[key] = &asking{app: appOf(p, c.App), host: c.Hosts[0]}
		}
		asks[key].files = append(asks[key].files, &out[i])
	}
	var wg sync.WaitGroup
	for _, a := range asks {
		wg.Go(func() { g.compare(ctx, p.Inventory, *a) })
	}
	wg.Wait()
	return out, context.Cause(ctx)
}

// unread says why a file needs no reading, or must not be read.
func unread(c plan.FileChange) string {
	switch {
	case c.Secret:
		return "holds secrets, so it is not shown"
	case c.State == plan.FileNew && c.Unknown:
		return "trikk did not record what is live"
	case c.State == plan.FileNew:
		return "new"
	case c.State == plan.FileGone:
		return "not in " + c.To
	}
	return ""
}

func appOf(p plan.Plan, name string) plan.App {
	i := slices.IndexFunc(p.Apps, func(a plan.AppPlan) bool { return a.App == name })
	return p.Apps[i].Source
}

// asking is what one host is asked of one app.
type asking struct {
	app   plan.App
	host  string
	files []*FileDiff
}

// compare reads the files of one app on one host, and fills in the diffs.
func (g *Gatherer) compare(ctx context.Context, env plan.Environment, a asking) {
	for _, f := range a.files[min(diffFiles, len(a.files)):] {
		f.Why = "not compared: there are many"
	}
	files := a.files[:min(diffFiles, len(a.files))]
	args := []string{a.app.Layout.Root}
	for _, f := range files {
		args = append(args, f.From, f.Path, f.To, f.Path)
	}
	lines, err := g.askTexts(ctx, a.host, a.app.As(env, a.host), args)
	for i, f := range files {
		if err != nil {
			f.Why = "what is live was not read: " + shortLine(err.Error())
			continue
		}
		f.compare(lines[4*i : 4*i+4])
	}
}

// askTexts asks a host for two lines a file: what trikk wrote, and what is there.
func (g *Gatherer) askTexts(ctx context.Context, name, as string, args []string) ([]string, error) {
	r, err := g.Readers.Reader(ctx, name)
	if err != nil {
		return nil, err
	}
	out, err := r.Query(ctx, host.NewQuery(as, diffScript, args...))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(out.Stdout)), "\n")
	if len(lines) != len(args) || lines[len(lines)-1] != "end" {
		return nil, errFacts
	}
	return lines, nil
}

// compare takes four lines of diffScript: of the live release what trikk wrote and what is there, and of the new one the same.
func (f *FileDiff) compare(lines []string) {
	wrote, now := lines[0], lines[1]
	old, shown := shownText(now)
	text, readable := f.Content, true
	if f.Stored {
		if lines[2] == "none" {
			wrote = "none"
		}
		text, readable = shownText(lines[3])
	}
	switch {
	case now == "none":
		f.Why = "the live one is missing"
	case wrote == "none":
		f.Why = "trikk keeps no copy of what it wrote, so it is not shown"
	case !shown || !readable:
		f.Why = "large, no text, or it may not be read"
	case old == text:
		f.Why = "its text stays as it is"
	default:
		f.Diff = cut(udiff.Unified(fmt.Sprintf("%s in %s", f.Path, cmp.Or(f.From, "nothing")), fmt.Sprintf("%s in %s", f.Path, f.To), old, text))
	}
}
