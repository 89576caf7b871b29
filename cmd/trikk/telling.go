package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/config"
	"trikk.dev/engine/notify"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/run"
	"trikk.dev/engine/secret"
)

// tellPatience is how long a run's end waits for those who are told of it. What is left then is told by a later command.
const tellPatience = 30 * time.Second

// issueFlag adds --issue to a command that deploys.
func (c *cli) issueFlag(cmd *cobra.Command) {
	cmd.Flags().Var((*issueKeys)(&c.flags.issues), "issue", "the run is about this issue `KEY`, for JIRA; again, or with commas, for more")
}

// issueKeys is the value of --issue.
type issueKeys []string

func (k *issueKeys) Set(text string) error {
	form := regexp.MustCompile(`^[A-Z][A-Z0-9_]+-[1-9][0-9]*$`)
	for key := range strings.SplitSeq(text, ",") {
		if key = strings.TrimSpace(key); !form.MatchString(key) {
			return fmt.Errorf("%q is no key of an issue, such as GIS-123", key)
		}
		*k = append(*k, key)
	}
	return nil
}

func (k *issueKeys) String() string { return strings.Join(*k, ",") }

// Type is the name of the kind of value.
func (k *issueKeys) Type() string { return "keys" }

// outbox holds what the runs of this machine have to tell.
func (c *cli) outbox() *notify.Outbox {
	return &notify.Outbox{Runs: c.runs(), Index: filepath.Join(filepath.Dir(c.runs()), "outbox"), Save: run.WriteWhole, Now: c.now}
}

// sender tells, with secrets that are read on this machine.
func (c *cli) sender() *notify.Sender {
	secrets := &secret.Reader{}
	return &notify.Sender{Secrets: secrets.Read, Now: c.now}
}

// teller tells of one run. Nothing that goes wrong with it is more than a line for people.
type teller struct {
	cli   *cli
	fleet *fleet
	plan  plan.Plan
	to    *notify.Telling // nil: nobody is told
	mu    sync.Mutex
	waves map[int]string // last wave that was told, by unit
}

// tells writes down who is to be told of a run that begins, or is resumed.
func (f *fleet) tells(p plan.Plan) *teller {
	t := &teller{cli: f.cli, fleet: f, plan: p, waves: map[int]string{}}
	out := f.cli.outbox()
	again := out.Has(f.run)
	if len(f.notify) == 0 && !again {
		return t
	}
	box, err := out.Open(f.run)
	if err != nil {
		f.cli.untold(err)
		return t
	}
	if again {
		t.to, err = f.cli.sender().Resume(box, fitsOf(p))
	} else {
		t.to, err = f.cli.sender().Begin(box, f.notify, notify.Start(p, f.ending()), fitsOf(p))
	}
	if err != nil {
		f.cli.untold(err)
	}
	return t
}

// ending is what is known of a run from its start.
func (f *fleet) ending() notify.Ending {
	return endingOf(f.meta, f.cli.flags.issues)
}

func endingOf(meta run.Meta, issues []string) notify.Ending {
	began, _ := time.Parse(time.RFC3339, meta.Started) // trikk wrote it
	return notify.Ending{Run: meta.Run, Who: meta.Who, Began: began, Issues: issues}
}

// fitsOf says which apps of a plan a notifier is told of.
func fitsOf(p plan.Plan) func(plan.Notifier) func(app string) bool {
	labels := map[string]map[string]string{}
	for _, a := range p.Apps {
		labels[a.App] = a.Source.Labels
	}
	for _, l := range p.LeftOut {
		labels[l.App] = l.Labels
	}
	return func(n plan.Notifier) func(string) bool {
		return func(app string) bool { return config.Selects(n.Labels, labels[app]) }
	}
}

// untold says that notifications are in trouble. The run goes on.
func (c *cli) untold(err error) {
	if err != nil {
		c.say("notifications: %v", err)
	}
}

// beside hears what a view is shown: messages that are edited say which wave a run is in.
func (t *teller) beside(show func(plan.Event)) func(plan.Event) {
	if t.to == nil {
		return show
	}
	return func(e plan.Event) {
		show(e)
		if e.Kind != plan.SegmentStarted {
			return
		}
		name := waveName(t.plan, *e.Ref)
		if e.Ref.Undo {
			name = "undo of " + name
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.waves[e.Ref.Unit] != name {
			t.waves[e.Ref.Unit] = name
			t.to.Wave(name)
		}
	}
}

// end tells how the run ended, and then what earlier runs have left. It waits no longer than tellPatience, and less where a signal comes.
func (t *teller) end(ctx context.Context, o plan.Outcome, trouble error) {
	began := time.Now()
	ctx, stop := t.cli.untilNextSignal(ctx)
	defer stop()
	if t.to != nil {
		e := t.fleet.ending()
		e.Ended, e.Outcome, e.Trouble = t.cli.now(), o, trouble
		told, err := t.to.End(ctx, notify.New(t.plan, e), tellPatience)
		t.cli.untold(err)
		t.cli.showTold(told)
	}
	t.cli.tellLeft(ctx, tellPatience-time.Since(began), t.fleet.run, t.today)
}

// mend changes an item before it is sent; false: it is not kept.
type mend func(notify.Item) (notify.Item, bool)

// asItWas changes nothing.
func asItWas(i notify.Item) (notify.Item, bool) { return i, true }

// today is what an earlier run left to tell, with its notifier as the config has it by now.
func (t *teller) today(i notify.Item) (notify.Item, bool) {
	n, ok := t.fleet.notify[i.Name]
	if ok && i.State == notify.Pending && i.Report.Env == t.plan.Env && n.Dir == i.Notifier.Dir && n.Kind() == i.Notifier.Kind() && !sameNotifier(n, i.Notifier) {
		i.Notifier, i.NotBefore = n, "" // the pause was another side's wish, perhaps
	}
	return i, true
}

// sameNotifier compares notifiers as they are kept in an outbox, where an empty list is none.
func sameNotifier(a, b plan.Notifier) bool {
	one, err := json.Marshal(a)
	other, wrong := json.Marshal(b)
	return err == nil && wrong == nil && bytes.Equal(one, other)
}

// untilNextSignal is ctx until a signal that is still to come: one that interrupted the run does not keep others from being told.
func (c *cli) untilNextSignal(ctx context.Context) (context.Context, func()) {
	before := c.caught
	c.caught = nil
	ctx, stop := c.interruptible(ctx)
	return ctx, func() {
		stop()
		if before != nil {
			c.caught = before
		}
	}
}

// showTold says who was told of a run, and who was not.
func (c *cli) showTold(told []notify.Delivery) {
	var names []string
	for _, d := range told {
		for _, w := range d.Warnings {
			c.say("%s: %s", d.Name, w)
		}
		switch {
		case d.Nothing:
		case d.State == notify.Sent:
			names = append(names, d.Name+" ("+d.Kind+")")
		case d.State == notify.Pending:
			c.say("%s was not told: %s\n  the next run tries again, or: trikk notify retry %s", d.Name, d.Error, d.Run)
		default:
			c.say("%s was not told: %s\n  when that is mended: trikk notify retry %s", d.Name, d.Error, d.Run)
		}
		if c.flags.json {
			_ = writeEvent(c.out, eventLine{stamp(c.now()), d.Run, "notified"}, deliveryFields(d)) // nobody reads it any more
		}
	}
	if len(names) > 0 {
		c.say("told %s", strings.Join(names, ", "))
	}
}

func deliveryFields(d notify.Delivery) map[string]any {
	return map[string]any{"name": d.Name, "kind": d.Kind, "state": d.State, "nothing": d.Nothing, "attempts": d.Attempts, "error": d.Error, "warnings": append([]string{}, d.Warnings...)}
}

// tellLeft tells what runs but one have left, as far as it is due.
func (c *cli) tellLeft(ctx context.Context, patience time.Duration, but string, mended mend) {
	runs, err := c.outbox().Left()
	c.untold(err)
	runs = slices.DeleteFunc(runs, func(id string) bool { return id == but })
	if len(runs) == 0 || patience < time.Second {
		return
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, id := range runs {
		all.Go(func() {
			told, err := c.tellAgain(ctx, id, patience, func(i notify.Item) bool { return i.Due(c.now()) }, mended)
			mu.Lock()
			defer mu.Unlock()
			c.untold(err)
			c.showTold(told)
		})
	}
	all.Wait()
}

// tellAgain tells what one run has left. mended changes items before. A run whose outbox another process has is left to it.
func (c *cli) tellAgain(ctx context.Context, id string, patience time.Duration, fits func(notify.Item) bool, mended mend) (told []notify.Delivery, err error) {
	out := c.outbox()
	if _, err := os.Stat(filepath.Join(c.runs(), id)); errors.Is(err, os.ErrNotExist) {
		return nil, out.Forget(id)
	}
	box, err := out.Open(id)
	if errors.Is(err, notify.ErrInUse) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sender := c.sender()
	items, _ := box.Items() // what can't be read is told by Deliver
	errs := []error{c.finishTelling(sender, box, id, items)}
	items, _ = box.Items()
	for _, i := range items {
		if i.State != notify.Pending && i.State != notify.Failed {
			continue
		}
		if i, keep := mended(i); keep {
			errs = append(errs, box.Put(i))
		} else {
			errs = append(errs, box.Drop(i.Name))
		}
	}
	told = sender.Deliver(ctx, box, patience, fits)
	return told, errors.Join(append(errs, box.Close())...)
}

// finishTelling makes ready what a run has to tell that ended, and whose process died before it told.
func (c *cli) finishTelling(s *notify.Sender, box *notify.Box, id string, items []notify.Item) error {
	open := slices.DeleteFunc(slices.Clone(items), func(i notify.Item) bool { return i.State != notify.Open })
	if len(open) == 0 || run.InUse(c.runs(), id) {
		return nil
	}
	saved, err := run.Load(c.runs(), id)
	if err != nil || saved.Outcome == nil {
		return err // what was cut off is told when it is resumed
	}
	e := endingOf(saved.Meta, nil)
	e.Outcome, e.Ended = *saved.Outcome, endOf(saved)
	return s.Finish(box, open, notify.New(saved.Plan, e), fitsOf(saved.Plan))
}

// wrongTemplates finds what is wrong with the templates of notifiers.
func (c *cli) wrongTemplates(w config.Workspace, within func(plan.Pos) bool) error {
	var wrong []config.Diagnostic
	for _, e := range w.Environments {
		if !within(e.Pos) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(e.Notify)) {
			if err := c.sender().Check(e.Notify[name]); err != nil {
				wrong = append(wrong, config.Diagnostic{Pos: e.Pos, Path: "environments." + e.Name + ".notify." + name, Message: err.Error()})
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &config.Errors{List: wrong}
}
