package model_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/model"
	"trikk.dev/engine/plan"
)

// What the model does not know is an error for who asked, and is told as broken: nothing is answered by a guess.
func TestHostsFailClosed(t *testing.T) {
	strange := map[string]func(context.Context, host.Host) error{
		"query": func(ctx context.Context, h host.Host) error {
			_, err := h.Query(ctx, host.NewQuery("", "echo hello"))
			return err
		},
		"question": func(ctx context.Context, h host.Host) error {
			q, err := host.NewQuestion("show pools\n")
			if err != nil {
				return err
			}
			_, err = h.Ask(ctx, host.Socket{Network: "unix", Address: "/s"}, q)
			return err
		},
		"step": func(ctx context.Context, h host.Host) error {
			_, err := h.Run(ctx, host.Script{Steps: []host.ScriptStep{{ID: "none", Text: "true"}}}, nil)
			return err
		},
		"step of a plan with another shell": func(ctx context.Context, h host.Host) error {
			_, err := h.Run(ctx, host.Script{Steps: []host.ScriptStep{{ID: "hello/install/app01/1", Text: "true"}}}, nil)
			return err
		},
		"holder": func(ctx context.Context, h host.Host) error {
			_, err := h.Hold(ctx, host.Script{Steps: []host.ScriptStep{{ID: "other", Text: "true"}}})
			return err
		},
		"port": func(ctx context.Context, h host.Host) error { _, err := h.Dial(ctx, "tcp", "127.0.0.1:1"); return err },
	}
	p := second(t, inventory(2, 1), hello(2, 1))
	for what, call := range strange {
		synctest.Test(t, func(t *testing.T) {
			f, err := model.Of(p, time.Now, model.Pace{})
			if err != nil {
				t.Fatal(err)
			}
			h, err := f.Controller(nil).Host(t.Context(), "app01")
			if err != nil {
				t.Fatal(err)
			}
			err = call(t.Context(), h)
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != host.Protocol {
				t.Errorf("%s: %v", what, err)
			}
			if !slices.ContainsFunc(f.Broken(), func(s string) bool { return strings.Contains(s, "the model does not know") }) {
				t.Errorf("%s: it is not told: %v", what, f.Broken())
			}
		})
	}
}

// A runtime command moves a member, its answer says so, and a lie does neither.
func TestRuntimeSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := second(t, inventory(2, 1), hello(2, 1))
		f, err := model.Of(p, time.Now, model.Pace{})
		if err != nil {
			t.Fatal(err)
		}
		lie := model.Lies
		ctl := f.Controller(func(c model.Call) model.Strike {
			defer func() { lie = model.Pass }()
			if c.Kind == "dial" {
				return lie
			}
			return model.Pass
		})
		drained := func() []string { return f.Hosts()[0].Drained }
		for _, want := range []int{0, 1} {
			h, err := ctl.Host(t.Context(), "lb01")
			if err != nil {
				t.Fatal(err)
			}
			conn, err := h.Dial(t.Context(), "unix", "/run/haproxy/admin.sock")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, "set server hello/app01 state drain\n"); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(conn); err != nil || strings.TrimSpace(string(answer)) != "" {
				t.Errorf("the answer is %q, %v", answer, err)
			}
			if got := drained(); len(got) != want {
				t.Errorf("drained at %v", got)
			}
		}
	})
}

// An op fails where it can't be done on a real host, and changes nothing.
func TestOpsFail(t *testing.T) {
	p := second(t, inventory(2, 1), hello(2, 1))
	f, err := model.Of(p, time.Now, model.Pace{})
	if err != nil {
		t.Fatal(err)
	}
	before := f.Hosts()
	for what, op := range map[string]plan.Op{
		"is not complete":        plan.Link{Root: "/opt/hello", Name: "current", Release: "none"},
		"fetch it first":         plan.Unpack{Root: "/opt/hello", File: "none", Release: "3.0-aa"},
		"unpack the release":     plan.Record{What: "complete", Root: "/opt/hello", Release: "none", Manifest: &plan.Manifest{}},
		"it can't be good":       plan.Record{What: "good", Root: "/opt/hello", Release: "none"},
		"refused to remove":      plan.Prune{Root: "/opt/hello", Current: "current", Releases: []string{before[0].Current}},
		"upload it first":        plan.Fetch{Root: "/opt/hello", Staged: "none", File: "none"},
		"none is not there":      plan.Run{Root: "/opt/hello", Release: "none", Phase: "before", Command: "true"},
		"has no member none in ": plan.DrainOp{Points: []plan.Point{{Proxy: "lb01", Member: "none"}}},
	} {
		r := f.Do("hello", plan.Step{ID: "x", Host: "app01", Op: op})
		if r.Status != plan.Failed || !strings.Contains(r.Error, what) {
			t.Errorf("%s: %+v", what, r)
		}
	}
	if got := f.Hosts(); got[0].Current != before[0].Current || got[0].Running != before[0].Running || !got[0].Serves {
		t.Errorf("%+v, was %+v", got[0], before[0])
	}
}
