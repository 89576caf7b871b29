package act

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// ReadSecrets reads every secret that the plan's steps need, before the first of them, so that one that is missing stops the run
// while nothing is changed. The error has a line for each, with its app.
func (a *Actor) ReadSecrets(ctx context.Context, p plan.Plan) error {
	var wrong []string
	for _, app := range p.Apps {
		for _, w := range app.Waves {
			for _, l := range w.Lanes {
				for _, s := range l.Steps {
					if err := a.readAll(ctx, s.Op); err != nil {
						wrong = append(wrong, app.App+": "+err.Error())
					}
				}
			}
		}
	}
	a.Hide(ctx, p.Sources()) // a release may be installed already, and no step write them
	slices.Sort(wrong)
	if wrong = slices.Compact(wrong); len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n"))
	}
	return nil
}

// Hide reads the secrets of the apps' files, so that nothing shows them that a build, a hook or a program prints. Those that can't
// be read soon are not needed.
func (a *Actor) Hide(ctx context.Context, apps []plan.App) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, app := range apps {
		for _, n := range plan.SecretsOfFiles(app) {
			_, _ = a.secret(ctx, n)
		}
	}
}

func (a *Actor) readAll(ctx context.Context, op plan.Op) error {
	for _, n := range plan.SecretsOf(op) {
		if _, err := a.secret(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// secret reads a secret in the form that a step needs, and hides it from then on.
func (a *Actor) secret(ctx context.Context, n plan.Needed) (string, error) {
	raw, err := a.o.Secrets(ctx, n.Secret)
	if err != nil {
		return "", err
	}
	v, err := n.Value(raw)
	if err != nil {
		return "", err
	}
	a.hidden.add(raw, v)
	return v, nil
}

// secrets reads what a step's script expects in shell variables.
func (d *doing) secrets(ctx context.Context, s plan.Step, into map[string]string) error {
	for _, n := range plan.SecretsOf(s.Op) {
		if n.Variable == "" {
			continue
		}
		v, err := d.secret(ctx, n)
		if err != nil {
			return err
		}
		into[n.Variable] = v
	}
	return nil
}

// hidden are the values that no output of the run may show. Those of under 4 bytes stay: they would hide half of every output.
type hidden struct {
	mu       sync.Mutex
	values   []string
	replacer *strings.Replacer
}

const (
	shortest     = 4 // bytes of a value that is hidden
	shortestLine = 8 // bytes of one line of a value that has several
)

func (h *hidden) add(values ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := len(h.values)
	keep := func(v string, least int) {
		if len(v) >= least && !slices.Contains(h.values, v) {
			h.values = append(h.values, v)
		}
	}
	for _, v := range values {
		keep(v, shortest)
		keep(strings.Join(strings.Fields(v), " "), shortest) // as in what was made one line
		for line := range strings.Lines(v) {
			keep(strings.TrimSpace(line), shortestLine)
		}
	}
	if len(h.values) == known {
		return
	}
	slices.SortFunc(h.values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, v := range h.values {
		pairs = append(pairs, v, "***")
	}
	h.replacer = strings.NewReplacer(pairs...)
}

// text is a text without the values.
func (h *hidden) text(s string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.replacer == nil {
		return s
	}
	return h.replacer.Replace(h.edges(s))
}

// edges hides what the middle that was left out of a long output took the rest of a value from.
func (h *hidden) edges(s string) string {
	at := leftOut.FindStringIndex(s)
	if at == nil {
		return s
	}
	before, after := strings.TrimSuffix(s[:at[0]], "�"), strings.TrimPrefix(s[at[1]:], "�")
	begun, ended := 0, 0 // the longest part of a value at each edge, in bytes
	for _, v := range h.values {
		for n := len(v) - 1; n >= shortest; n-- {
			if n > begun && strings.HasSuffix(before, v[:n]) {
				begun = n
			}
			if n > ended && strings.HasPrefix(after, v[len(v)-n:]) {
				ended = n
			}
		}
	}
	if begun > 0 {
		before = before[:len(before)-begun] + "***"
	}
	if ended > 0 {
		after = "***" + after[ended:]
	}
	return before + s[at[0]:at[1]] + after
}

// leftOut is what stands for the middle of an output that the connection has cut.
var leftOut = regexp.MustCompile(`\n\[[0-9]+ bytes left out\]\n`)

// error is an error without the values.
func (h *hidden) error(err error) error {
	var e *host.Error
	if err == nil || h.text(err.Error()) == err.Error() && !errors.As(err, &e) {
		return err
	}
	if !errors.As(err, &e) {
		return errors.New(h.text(err.Error()))
	}
	if h.text(e.Error()+e.Output) == e.Error()+e.Output {
		return err
	}
	clean := *e
	clean.Output = h.text(e.Output)
	if e.Err != nil {
		clean.Err = errors.New(h.text(e.Err.Error()))
	}
	return &clean
}
