// Package hosttest holds what tests of the other rooms need of a host: Fake, which records every call and fails the test
// on any call that it has no rule for, and Suite, which every implementation of host.Host must pass.
package hosttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"trikk.dev/engine/host"
)

// Fake is a host.Host that does what its rules say. It fails closed: a call without a rule fails the test and is an
// error for the caller; so does a rule that was never used. It is safe for concurrent use.
type Fake struct {
	name string
	t    testing.TB

	mu      sync.Mutex
	calls   []Call
	closed  bool
	queries rules[host.Query, host.Output]
	asks    rules[Asked, host.Answer]
	steps   rules[Stepped, host.Record]
	holds   rules[host.Script, *Lease]
	uploads rules[host.File, struct{}]
	dials   rules[host.Socket, net.Conn]
}

var _ host.Host = (*Fake)(nil)

// Asked is what an Ask rule gets.
type Asked struct {
	Socket   host.Socket
	Question host.Question
}

// Stepped is what a step rule gets: one step and the script it is in.
type Stepped struct {
	Script host.Script
	Step   host.ScriptStep
}

// New makes a fake without rules. name stands in messages. When the test ends, rules that still expect calls fail it.
func New(t testing.TB, name string) *Fake {
	f := &Fake{name: name, t: t}
	t.Cleanup(f.check)
	return f
}

// check fails the test when a rule was not used.
func (f *Fake) check() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, unmet := range [][]string{
		f.queries.unmet(), f.asks.unmet(), f.steps.unmet(), f.holds.unmet(), f.uploads.unmet(), f.dials.unmet(),
	} {
		for _, what := range unmet {
			f.t.Errorf("%s: expected and never called: %s", f.name, what)
		}
	}
}

// OnQuery answers a query that has part in its text or in one of its arguments.
func (f *Fake) OnQuery(part string) *Rule[host.Query, host.Output] {
	return f.queries.add(&f.mu, "query "+part, func(q host.Query) bool { return queryCall(q).mentions(part) })
}

// OnAsk answers a question that has part in its text, at any socket whose address has address in it.
func (f *Fake) OnAsk(address, part string) *Rule[Asked, host.Answer] {
	return f.asks.add(&f.mu, "ask "+address+": "+part, func(a Asked) bool {
		return strings.Contains(a.Socket.Address, address) && strings.Contains(a.Question.Text(), part)
	})
}

// OnStep answers a step whose ID is part, or that has part in its text. The record's ID is filled in when empty.
func (f *Fake) OnStep(part string) *Rule[Stepped, host.Record] {
	return f.steps.add(&f.mu, "step "+part, func(s Stepped) bool { return stepCall("step", s).mentions(part) })
}

// OnHold answers a Hold whose steps mention part.
func (f *Fake) OnHold(part string) *Rule[host.Script, *Lease] {
	return f.holds.add(&f.mu, "hold "+part, func(s host.Script) bool {
		return slices.ContainsFunc(s.Steps, func(step host.ScriptStep) bool {
			return stepCall("hold", Stepped{s, step}).mentions(part)
		})
	})
}

// OnUpload answers an upload of the file name.
func (f *Fake) OnUpload(name string) *Rule[host.File, struct{}] {
	return f.uploads.add(&f.mu, "upload "+name, func(file host.File) bool { return file.Name == name })
}

// OnDial answers a Dial of address.
func (f *Fake) OnDial(network, address string) *Rule[host.Socket, net.Conn] {
	return f.dials.add(&f.mu, "dial "+network+" "+address, func(s host.Socket) bool {
		return s == host.Socket{Network: network, Address: address}
	})
}

// Calls are all calls so far, in order; a script is one call a step that was reached.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Lines are Calls as text.
func (f *Fake) Lines() []string {
	var out []string
	for _, c := range f.Calls() {
		out = append(out, c.String())
	}
	return out
}

// answer records the call and finds its reply; without one it fails the test.
func answer[In, Out any](f *Fake, rs *rules[In, Out], call Call, in In) (out Out, err error) {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	reply, closed := rs.take(in), f.closed
	f.mu.Unlock()
	if closed {
		f.t.Errorf("%s: called after Close: %s", f.name, call)
		return out, f.refuse(call)
	}
	if reply == nil {
		f.t.Errorf("%s: not expected: %s", f.name, call)
		return out, f.refuse(call)
	}
	return reply(in)
}

func (f *Fake) refuse(call Call) error {
	return &host.Error{Host: f.name, Kind: host.Protocol, Doing: call.Method, Err: fmt.Errorf("not expected: %s", call)}
}

// Query answers by the rules of OnQuery.
func (f *Fake) Query(ctx context.Context, q host.Query) (host.Output, error) {
	if err := ctx.Err(); err != nil {
		return host.Output{}, f.cancelled("query", err)
	}
	return answer(f, &f.queries, queryCall(q), q)
}

// Ask answers by the rules of OnAsk.
func (f *Fake) Ask(ctx context.Context, s host.Socket, q host.Question) (host.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, f.cancelled("ask", err)
	}
	call := Call{Method: "ask", Network: s.Network, Address: s.Address, Text: q.Text()}
	return answer(f, &f.asks, call, Asked{s, q})
}

// Run answers each step by the rules of OnStep, up to the first that fails.
func (f *Fake) Run(ctx context.Context, s host.Script, sink func(host.Record)) ([]host.Record, error) {
	var records []host.Record
	for _, step := range s.Steps {
		if err := ctx.Err(); err != nil {
			return records, f.cancelled("run", err)
		}
		in := Stepped{s, step}
		r, err := answer(f, &f.steps, stepCall("step", in), in)
		if err != nil {
			return records, err
		}
		if r.ID == "" {
			r.ID = step.ID
		}
		records = append(records, r)
		if sink != nil {
			sink(r)
		}
		if r.Exit != 0 {
			break
		}
	}
	return records, nil
}

// Hold answers by the rules of OnHold.
func (f *Fake) Hold(ctx context.Context, s host.Script) (host.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, f.cancelled("hold", err)
	}
	var step host.ScriptStep
	if len(s.Steps) > 0 {
		step = s.Steps[0]
	}
	lease, err := answer(f, &f.holds, stepCall("hold", Stepped{s, step}), s)
	if err != nil {
		return nil, err
	}
	if lease == nil {
		lease = NewLease("")
	}
	return lease, nil
}

// Upload reads the file, checks its size and digest as a server would, and answers by the rules of OnUpload.
func (f *Fake) Upload(ctx context.Context, file host.File, progress func(sent, total int64)) error {
	if err := ctx.Err(); err != nil {
		return f.cancelled("upload", err)
	}
	if _, err := answer(f, &f.uploads, Call{Method: "upload", Text: file.Name, Digest: file.Digest}, file); err != nil {
		return err
	}
	in, err := file.Open()
	if err != nil {
		return fmt.Errorf("opening %s: %w", file.Name, err)
	}
	defer func() { _ = in.Close() }()
	sum := sha256.New()
	n, err := io.Copy(sum, in)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file.Name, err)
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != file.Digest || n != file.Size {
		f.t.Errorf("%s: %s has %d bytes and %s, the upload says %d and %s", f.name, file.Name, n, got, file.Size, file.Digest)
	}
	if progress != nil {
		progress(n, file.Size)
	}
	return nil
}

// Dial answers by the rules of OnDial.
func (f *Fake) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, f.cancelled("dial", err)
	}
	call := Call{Method: "dial", Network: network, Address: addr}
	return answer(f, &f.dials, call, host.Socket{Network: network, Address: addr})
}

// Close ends the fake: later calls fail the test.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

func (f *Fake) cancelled(doing string, err error) error {
	return &host.Error{Host: f.name, Kind: host.Unknown, Doing: doing, Err: err}
}

func queryCall(q host.Query) Call {
	return Call{Method: "query", As: q.As(), Text: q.Text(), Args: q.Args()}
}

func stepCall(method string, s Stepped) Call {
	return Call{
		Method: method, As: s.Script.As, ID: s.Step.ID, Text: s.Step.Text, Guard: s.Script.Guard,
		Secrets: slices.Sorted(maps.Keys(s.Script.Secrets)),
	}
}
