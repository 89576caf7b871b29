package act

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// stepLogLines prints what the step log of the root $1 has of the run $2, then its last line, whosever it is, behind "last ".
const stepLogLines = `case $1 in
'~' | '~/'*) root=$HOME${1#'~'} ;;
*) root=$1 ;;
esac
[ -f "$root/.trikk/log" ] || exit 0
grep -e "^$2 " -- "$root/.trikk/log"
printf 'last '
tail -n 1 -- "$root/.trikk/log"
exit 0`

// Logs are what the step logs of a run's hosts have of it.
type Logs struct {
	run   string
	by    map[LockTarget]map[string]string // by step: "started", or "done STATUS"
	later map[string]string                // by host: the run that worked there after it
}

// Logs reads the step logs of all roots that the lock covers, all at once. The lock must be held: else the logs may grow.
func (l *Lock) Logs(ctx context.Context) (Logs, error) {
	out := Logs{run: l.actor.o.Run, by: map[LockTarget]map[string]string{}, later: map[string]string{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, len(l.targets))
	for i, t := range l.targets {
		wg.Go(func() {
			text, err := l.readLog(ctx, t)
			mu.Lock()
			defer mu.Unlock()
			errs[i] = err
			out.take(t, text)
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

func (l *Lock) readLog(ctx context.Context, t LockTarget) (string, error) {
	h, err := l.actor.o.Hosts.Host(ctx, t.Host)
	if err != nil {
		return "", err
	}
	out, err := h.Query(ctx, host.NewQuery(t.As, stepLogLines, t.Root, l.actor.o.Run))
	if err != nil {
		return "", err
	}
	return string(out.Stdout), nil
}

// take reads the lines of one log. A later line about a step counts.
func (l *Logs) take(t LockTarget, text string) {
	steps := map[string]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) >= 2 && words[0] == "last":
			// IDs of runs sort by time.
			if other := words[1]; other != l.run && (len(steps) > 0 || other > l.run) {
				l.later[t.Host] = other
			}
		case len(words) >= 3 && words[0] == l.run:
			steps[words[1]] = strings.Join(words[2:], " ")
		}
	}
	l.by[t] = steps
}

// Later says on which hosts another run worked after this one, "HOST by run ID", sorted.
func (l Logs) Later() []string {
	var out []string
	for _, h := range slices.Sorted(maps.Keys(l.later)) {
		out = append(out, h+" by run "+l.later[h])
	}
	return out
}

// Prove gives, for a segment that was in flight when its driver died, the events that tell what is known of its steps, in their
// order: those that ended, up to the first that failed; then, if it is so, that the next one was never started. Steps that are
// no scripts prove nothing here: they look at what is there when they are done again. A start is logged before the step begins,
// so that a step without a line was not started; where the line could not be written the steps that can't be repeated fail.
func (l Logs) Prove(seg plan.Segment) []plan.Event {
	if seg.Transport != plan.Script {
		return nil
	}
	steps := l.of(seg)
	var out []plan.Event
	for _, s := range seg.Steps {
		e := plan.Event{Kind: plan.StepFinished, Ref: &seg.Ref, Result: &plan.Result{Step: s.ID, Status: plan.Changed}}
		what, status, _ := strings.Cut(steps[s.ID], " ")
		switch {
		case what == "":
			e.Kind, e.Result.Status = plan.StepNotStarted, plan.NotRun
			return append(out, e)
		case what != "done":
			return out
		case status != "0":
			e.Result.Status, e.Result.Error = plan.Failed, "it failed before the run was cut off: exit status "+status
			e.Result.Exit, _ = strconv.Atoi(status)
			return append(out, e)
		}
		out = append(out, e)
	}
	return out
}

// of gives the steps of the log of a segment's app on its host; a group's segment has none.
func (l Logs) of(seg plan.Segment) map[string]string {
	for t, steps := range l.by {
		if t.Host == seg.Host && t.App == seg.App {
			return steps
		}
	}
	return nil
}
