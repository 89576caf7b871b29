package model

import (
	"bytes"
	"context"
	"io"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/run"
)

// otherHosts changes every host.
type otherHosts struct {
	proxy.Hosts
	change func(host.Host) host.Host
}

// Host implements proxy.Hosts.
func (o otherHosts) Host(ctx context.Context, name string) (host.Host, error) {
	h, err := o.Hosts.Host(ctx, name)
	if err != nil {
		return nil, err
	}
	return o.change(h), nil
}

// noneInFlight sees every member without requests.
type noneInFlight struct{ host.Host }

func seeingNothingInFlight(_ *life, hs proxy.Hosts) proxy.Hosts {
	return otherHosts{hs, func(h host.Host) host.Host { return noneInFlight{h} }}
}

// Ask implements host.Reader.
func (n noneInFlight) Ask(ctx context.Context, s host.Socket, q host.Question) (host.Answer, error) {
	a, err := n.Host.Ask(ctx, s, q)
	return bytes.ReplaceAll(a, []byte(",0,1,"), []byte(",0,0,")), err
}

// blindTo leaves the lines of one kind out of the facts.
type blindTo struct {
	host.Host
	kind string
}

// seeingNoTrials sees no release on trial.
func seeingNoTrials(_ *life, hs proxy.Hosts) proxy.Hosts {
	return otherHosts{hs, func(h host.Host) host.Host { return blindTo{h, "trial "} }}
}

// seeingNoEdits sees every generated file as trikk wrote it.
func seeingNoEdits(_ *life, hs proxy.Hosts) proxy.Hosts {
	return otherHosts{hs, func(h host.Host) host.Host { return blindTo{h, "edited "} }}
}

// Query implements host.Reader.
func (b blindTo) Query(ctx context.Context, q host.Query) (host.Output, error) {
	out, err := b.Host.Query(ctx, q)
	if queryName(q) != "facts" {
		return out, err
	}
	var lines []byte
	for line := range bytes.Lines(out.Stdout) {
		if !bytes.HasPrefix(line, []byte(b.kind)) {
			lines = append(lines, line...)
		}
	}
	out.Stdout = lines
	return out, err
}

// unlocked lets scripts run without their guard, and answers the question whose lock it is with what is hoped for.
type unlocked struct {
	host.Host
	life *life
}

func withoutLock(l *life, hs proxy.Hosts) proxy.Hosts {
	return otherHosts{hs, func(h host.Host) host.Host { return unlocked{h, l} }}
}

// Run implements host.Host.
func (u unlocked) Run(ctx context.Context, s host.Script, sink func(host.Record)) ([]host.Record, error) {
	s.Guard = ""
	return u.Host.Run(ctx, s, sink)
}

// Query implements host.Reader.
func (u unlocked) Query(ctx context.Context, q host.Query) (host.Output, error) {
	if queryName(q) == "owns" && u.life.info != "" {
		return host.Output{Stdout: []byte(u.life.info + "\n")}, nil
	}
	return u.Host.Query(ctx, q)
}

// Hold implements host.Host.
func (u unlocked) Hold(ctx context.Context, s host.Script) (host.Lease, error) {
	u.life.info, _ = assigned(s.Steps[0].Text, "info")
	return u.Host.Hold(ctx, s)
}

// believingDrain asks HAProxy to drain, and takes the answer for the deed.
func believingDrain(l *life, do run.Do) run.Do {
	return oneByOne(do, func(ctx context.Context, _ plan.Segment, s plan.Step) (plan.Result, bool) {
		op, ok := s.Op.(plan.DrainOp)
		if !ok || op.Points[0].Driver.HAProxy == nil {
			return plan.Result{}, false
		}
		r := plan.Result{Step: s.ID, Status: plan.Changed}
		for _, p := range op.Points {
			if !drainOnce(ctx, l, p) {
				return r, false
			}
		}
		return r, true
	})
}

func drainOnce(ctx context.Context, l *life, p plan.Point) bool {
	h, err := l.ctl.Host(ctx, p.Proxy)
	if err != nil {
		return false
	}
	conn, err := h.Dial(ctx, "unix", p.Driver.HAProxy.Socket)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := io.WriteString(conn, "set server "+p.Backend+"/"+p.Member+" state drain\n"); err != nil {
		return false
	}
	answer, err := io.ReadAll(conn)
	return err == nil && len(bytes.TrimSpace(answer)) == 0 && len(answer) > 0
}
