package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// follower follows one script to its end.
type follower struct {
	c       *Connection
	x       *shell
	script  Script
	sink    func(Record)
	raw     func(event) // query: gets the output as it is
	line    func(event) // hold: gets the first line, which ends the following
	doing   string
	hide    *strings.Replacer
	timer   *time.Timer
	limit   time.Duration
	step    int // -1 before the first
	started time.Time
	group   int
	records []Record
}

func (c *Connection) newFollower(x *shell, s Script, doing string, sink func(Record)) *follower {
	if sink == nil {
		sink = func(Record) {}
	}
	limit := c.options.StartTimeout
	return &follower{c: c, x: x, script: s, sink: sink, doing: doing, hide: redactor(s.Secrets), timer: time.NewTimer(limit), limit: limit, step: -1}
}

// follow takes events until the script is done. A missed deadline or the context's end kills the script.
func (f *follower) follow(ctx context.Context) error {
	defer f.timer.Stop()
	for {
		select {
		case e := <-f.x.events:
			if done, err := f.take(e); done || err != nil {
				return err
			}
		case <-ctx.Done():
			return f.abandon(ctx, context.Cause(ctx))
		case <-f.timer.C:
			return f.abandon(ctx, fmt.Errorf("no end within %s", f.limit))
		}
	}
}

// take handles one event and tells whether it was the last.
func (f *follower) take(e event) (done bool, _ error) {
	switch e.verb {
	case "begin":
		f.group = e.number
		f.timer.Stop()
	case "start":
		f.begin(e)
	case "guard":
		err := f.error(Refused, errors.New(firstLine(f.clean(e.output), "the guard failed")), "")
		err.Output = f.clean(e.output)
		return true, err
	case "end":
		f.end(e)
	case lineVerb:
		f.line(e)
		return true, nil
	case "done":
		return true, nil
	case goneVerb:
		return true, f.gone(e)
	}
	return false, nil
}

func (f *follower) begin(e event) {
	f.step, f.started = e.number, e.at
	if f.step >= len(f.script.Steps) {
		return
	}
	f.limit = f.script.Steps[f.step].Timeout
	if f.limit > 0 {
		f.timer.Reset(f.limit)
	}
}

func (f *follower) end(e event) {
	f.timer.Stop()
	if f.raw != nil {
		f.raw(e)
		return
	}
	r := Record{ID: f.id(), Exit: e.status, Same: e.same && e.status == 0, Output: f.clean(e.output), Took: e.at.Sub(f.started)}
	f.records = append(f.records, r)
	f.sink(r)
}

// gone explains a channel that ended before the script said that it was done.
func (f *follower) gone(e event) error {
	said := f.clean(append([]byte(f.x.said()), e.output...))
	if cause := f.x.channel.on.probe(); cause != nil {
		err := f.error(Unknown, fmt.Errorf("the connection broke: %w", cause), "")
		err.Output = said
		return err
	}
	var err *Error
	switch {
	case f.group != 0 || f.step >= 0:
		err = f.error(Unknown, errors.New("the shell ended without a word about it"), "")
	case f.script.As != "" && sudoSaid(said):
		err = f.error(Sudo, errors.New(sudoLine(said)), sudoHint(f.c.login(), f.script.As))
	default:
		err = f.error(Protocol, errors.New("no shell answered: "+firstLine(said, "the server closed the channel")),
			"the login needs a POSIX shell; an SFTP-only or nologin account won't do")
	}
	err.Output = said
	return err
}

// abandon ends a script that is out of time: its channel first, so that it starts no further step, then its processes.
func (f *follower) abandon(ctx context.Context, cause error) error {
	f.x.leave()
	f.c.kill(ctx, f.script.As, f.group)
	err := f.error(Unknown, cause, "")
	err.Output = f.clean(f.x.snapshot())
	return err
}

func (f *follower) error(kind Kind, cause error, hint string) *Error {
	err := f.c.fail(kind, f.doing, cause, hint)
	err.Step = f.id()
	if err.Step != "" {
		err.Doing += " " + err.Step
	}
	return err
}

func (f *follower) id() string {
	if f.step < 0 || f.step >= len(f.script.Steps) {
		return ""
	}
	return f.script.Steps[f.step].ID
}

// clean is output as text: valid UTF-8, without the script's secrets.
func (f *follower) clean(raw []byte) string {
	return f.hide.Replace(strings.ToValidUTF8(string(raw), "\uFFFD"))
}

// redactor hides secrets. Values shorter than 4 bytes stay: they would hide half of every output.
func redactor(secrets map[string]string) *strings.Replacer {
	values := slices.Collect(maps.Values(secrets))
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) }) // one that begins with another comes first
	var pairs []string
	for _, value := range values {
		if len(value) >= 4 {
			pairs = append(pairs, value, "***")
		}
	}
	return strings.NewReplacer(pairs...)
}

func sudoSaid(said string) bool {
	return strings.Contains(said, "sudo") || strings.Contains(said, "is not allowed to execute")
}

// sudoLine is the line that says why: sudo's own, not the lecture before it.
func sudoLine(said string) string {
	for line := range strings.Lines(said) {
		if sudoSaid(line) {
			return strings.TrimSpace(line)
		}
	}
	return firstLine(said, "sudo refused")
}

func sudoHint(login, user string) string {
	return fmt.Sprintf("allow it in sudoers: %s ALL=(%s) NOPASSWD: /bin/sh", login, user)
}

// firstLine is the first line with something on it, or otherwise.
func firstLine(s, otherwise string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return otherwise
}
