package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"trikk.dev/engine/act"
	"trikk.dev/engine/plan"
)

// showFiles says what becomes of an app's generated files: diffs, and in a word each what needs none.
func showFiles(w io.Writer, a plan.AppPlan, files []act.FileDiff) {
	first := true
	for _, f := range files {
		if f.App != a.App || firstOfAll(f) {
			continue
		}
		if first || f.Diff != "" {
			fmt.Fprintln(w)
		}
		first = false
		fmt.Fprintf(w, "  %s\n", fileTitle(f))
		for line := range strings.Lines(f.Diff) {
			fmt.Fprintf(w, "    %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
}

// firstOfAll tells of a file where nothing was live: that it is written says all.
func firstOfAll(f act.FileDiff) bool { return f.State == plan.FileNew && f.From == "" }

// fileTitle is a file with its servers, and why there is no diff.
func fileTitle(f act.FileDiff) string {
	title := fmt.Sprintf("%s on %s", f.Path, hostsText(f.Hosts))
	if f.Why == "" {
		return title
	}
	return title + ": " + f.Why
}

// withFiles adds to a view what becomes of generated files, and how long it usually takes, where people see the plan.
func (f *fleet) withFiles(ctx context.Context, p plan.Plan, v planView) (planView, error) {
	c := f.cli
	if c.flags.json || c.flags.quiet || p.Empty() {
		return v, nil
	}
	ctx, stop := c.interruptible(ctx)
	defer stop()
	files, err := f.gatherer.FileDiffs(ctx, p)
	v.files, v.usually = files, c.usually(p)
	return v, stopped(ctx, err)
}
