package proxy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// command drives a proxy by four commands of the config, run by the login user of the proxy's host.
type command struct{ conf plan.Command }

var _ Driver = command{}

// env are the variables that the commands find.
func (c command) env(p plan.Point) map[string]string {
	return map[string]string{"BACKEND": p.Backend, "MEMBER": p.Member, "SERVER": p.Server, "ADDRESS": p.Address}
}

// State asks both is-commands. isDrained says that the server is out and that its requests ended; where neither says yes, a
// change is perhaps on its way.
func (c command) State(ctx context.Context, rs Readers, p plan.Point) (State, error) {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return State{}, err
	}
	drained, err := c.is(ctx, r, p, "isDrained", c.conf.IsDrained)
	if err != nil {
		return State{}, err
	}
	admitted, err := c.is(ctx, r, p, "isAdmitted", c.conf.IsAdmitted)
	if err != nil {
		return State{}, err
	}
	s := State{Rotation: plan.RotationUnknown, InFlight: -1, Detail: "isDrained says no, isAdmitted says no"}
	switch {
	case drained && admitted:
		s.Detail = contradiction
	case drained:
		s = State{Rotation: plan.RotationOut, Settled: true, Detail: "isDrained says yes"}
	case admitted:
		s = State{Rotation: plan.RotationIn, Settled: true, InFlight: -1, Detail: "isAdmitted says yes"}
	}
	return s, nil
}

// is runs an is-command: status 0 is yes, 1 is no, and anything else is an error.
func (c command) is(ctx context.Context, r host.Reader, p plan.Point, what, text string) (bool, error) {
	out, err := r.Query(ctx, host.UserQuery("", "", text, c.env(p)))
	if err != nil {
		return false, err
	}
	if out.Exit == 0 || out.Exit == 1 {
		return out.Exit == 0, nil
	}
	return false, fmt.Errorf("%s on %s (`%s`) ended with status %d, which is neither 0 (yes) nor 1 (no): %s", what, p.Proxy, text, out.Exit, tail(string(out.Stdout)))
}

// contradiction is what State says of is-commands that both say yes.
const contradiction = "isDrained says yes and isAdmitted says yes: they contradict each other"

// Preflight runs the is-commands. That both say no is in order: a server that is dead is neither.
func (c command) Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	s, err := c.State(ctx, rs, p)
	if err != nil {
		return err
	}
	if s.Detail == contradiction {
		return fmt.Errorf("the commands of %s do not know whether %s is in rotation: %s", p.Proxy, p.Server, s.Detail)
	}
	return nil
}

// Out runs the drain command.
func (c command) Out(ctx context.Context, hs Hosts, p plan.Point) error {
	return c.run(ctx, hs, p, "drain", c.conf.Drain)
}

// In runs the admit command.
func (c command) In(ctx context.Context, hs Hosts, p plan.Point) error {
	return c.run(ctx, hs, p, "admit", c.conf.Admit)
}

func (c command) run(ctx context.Context, hs Hosts, p plan.Point, what, text string) error {
	h, err := hs.Host(ctx, p.Proxy)
	if err != nil {
		return err
	}
	r, err := runStep(ctx, h, "", host.ScriptStep{ID: "proxy-" + what, Text: c.script(p, text)})
	if err != nil {
		return err
	}
	if r.Exit != 0 {
		return stop(fmt.Errorf("%s on %s (`%s`) ended with status %d: %s", what, p.Proxy, text, r.Exit, tail(r.Output)))
	}
	return nil
}

// script runs a command of the config with its variables.
func (c command) script(p plan.Point, text string) string {
	var pairs []string
	for key, value := range c.env(p) {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return "set -eu\nexec env " + shellescape.QuoteCommand(pairs) + " sh -c " + shellescape.Quote(text) + "\n"
}

// tail keeps the last lines of an output for a message.
func tail(s string) string {
	s = strings.TrimSpace(s)
	lines := strings.Split(s, "\n")
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	return strings.Join(lines, " | ")
}
