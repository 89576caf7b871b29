package hosttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"trikk.dev/engine/host"
)

// Open gives a fresh host of an implementation; the suite closes it.
type Open func(t *testing.T) host.Host

// Suite is what every implementation with real shells must pass. The host's commands must run on this machine: the suite
// serves sockets for it on loopback and in temporary directories.
func Suite(t *testing.T, open Open) {
	t.Run("contract", func(t *testing.T) { Contract(t, open) })
	for group, cases := range groups() {
		for name, test := range cases {
			t.Run(group+"/"+name, func(t *testing.T) { test(t, opened(t, open)) })
		}
	}
	t.Run("closed", func(t *testing.T) { closedHost(t, open(t)) })
}

// Contract is the part of the suite that a fake passes too, with rules for the texts it runs: the steps with the IDs
// "one" (prints one), "two" (same), "three" (fails with status 3) and "four", and the query "exit 7" (status 7).
func Contract(t *testing.T, open Open) {
	t.Run("a failed step ends the script", func(t *testing.T) {
		h := opened(t, open)
		var live []host.Record
		got, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{
			{ID: "one", Text: "echo one"}, {ID: "two", Text: "same nothing to do; echo never"},
			{ID: "three", Text: "exit 3"}, {ID: "four", Text: "echo never"},
		}}, func(r host.Record) { live = append(live, r) })
		if err != nil {
			t.Fatal(err)
		}
		wantRecords(t, got, host.Record{ID: "one", Output: "one\n"}, host.Record{ID: "two", Same: true, Output: "nothing to do\n"}, host.Record{ID: "three", Exit: 3})
		wantRecords(t, live, got...)
	})
	t.Run("an exit status is data", func(t *testing.T) {
		out, err := opened(t, open).Query(soon(t), host.NewQuery("", "exit 7"))
		if err != nil || out.Exit != 7 {
			t.Errorf("exit %d, %v", out.Exit, err)
		}
	})
	t.Run("a context that is over is an error", func(t *testing.T) {
		h := opened(t, open)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := h.Query(ctx, host.NewQuery("", "true")); !errors.Is(err, context.Canceled) {
			t.Errorf("query: %v", err)
		}
		if _, err := h.Run(ctx, host.Script{Steps: []host.ScriptStep{{ID: "x", Text: "true"}}}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
}

func closedHost(t *testing.T, h host.Host) {
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := h.Query(soon(t), host.NewQuery("", "true"))
	wantKind(t, err, host.Unreachable)
	if err := h.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

func opened(t *testing.T, open Open) host.Host {
	h := open(t)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return h
}

// soon is a context that bounds one test case.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func wantKind(t *testing.T, err error, kind host.Kind) *host.Error {
	t.Helper()
	var e *host.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a *host.Error of kind %s", err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("kind %s, want %s: %v", e.Kind, kind, err)
	}
	return e
}

// wantRecords compares all but the time that steps took.
func wantRecords(t *testing.T, got []host.Record, want ...host.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		a, b := got[i], want[i]
		a.Took, b.Took = 0, 0
		if a != b {
			t.Errorf("record %d is %+v, want %+v", i, a, b)
		}
	}
}

// run runs one step and gives its record.
func run(t *testing.T, h host.Host, text string) host.Record {
	t.Helper()
	got, err := h.Run(soon(t), host.Script{Steps: []host.ScriptStep{{ID: "step", Text: text}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("records %+v, want one", got)
	}
	return got[0]
}
