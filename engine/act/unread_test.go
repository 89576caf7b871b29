package act_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// TestKeepGoing: what can't be read concerns the apps that need it, and no others.
func TestKeepGoing(t *testing.T) {
	app := func(name, version string, servers ...string) plan.App {
		return plan.App{Name: name, Env: "test", User: name, Version: version, Servers: servers, Layout: plan.Layout{Root: "/srv/" + name, Current: "current"},
			Artifact: plan.Artifact{File: &plan.FileArtifact{Path: "unread_test.go"}}}
	}
	hosts := func() fakes {
		one, two := hosttest.New(t, "app01"), hosttest.New(t, "app02")
		for _, name := range []string{"fine", "gone", "skips", "lost"} {
			facts := factsOf(name)
			facts.Stdout = bytes.Replace(facts.Stdout, []byte("tool curl\n"), []byte("tool curl\ntool sha256sum\n"), 1)
			one.OnQuery("/srv/" + name).Reply(facts)
		}
		two.OnQuery("/srv/odd").Reply(host.Output{Stdout: []byte("motd\n")})
		return fakes{"app01": one, "app02": two}
	}
	skips := app("skips", "", "app01", "app09")
	skips.Rollout.Unreachable = plan.Skip
	lost := app("lost", "", "app01")
	lost.Artifact.File.Path = "/no/such/file.tar"
	apps := []plan.App{app("fine", "", "app01"), app("gone", "", "app01", "app09"), skips, lost, app("odd", "", "app02")}

	g := act.Gatherer{Readers: proxy.ReadersOf(hosts())}
	_, err := g.Gather(t.Context(), plan.Environment{}, apps, plan.Intent{Kind: plan.Deploy})
	var unread *act.UnreadError
	if !errors.As(err, &unread) {
		t.Fatalf("error %v", err)
	}
	if want := []string{"fine", "lost"}; !slices.Equal(unread.Fine, want) { // no artifact is looked up where something is wrong
		t.Errorf("fine are %v, want %v", unread.Fine, want)
	}

	g = act.Gatherer{Readers: proxy.ReadersOf(hosts())}
	f, err := g.Gather(t.Context(), plan.Environment{}, apps, plan.Intent{Kind: plan.Deploy, KeepGoing: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"gone": "app09: connecting to app09: connection refused", "lost": "/no/such/file.tar", "odd": "app02: reading facts"} {
		if !strings.Contains(f.Unread[name], want) {
			t.Errorf("%s: %q, want %q", name, f.Unread[name], want)
		}
		if _, known := f.Apps[name]; known {
			t.Errorf("facts of %s are left", name)
		}
	}
	if len(f.Unread) != 3 || f.Unreachable["app09"] == "" || f.Artifacts["fine"].File == "" || f.Artifacts["skips"].File == "" {
		t.Errorf("facts %+v", f)
	}

	// Who interrupts it has not been told that all apps are lost.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g = act.Gatherer{Readers: proxy.ReadersOf(fakes{})}
	if _, err := g.Gather(ctx, plan.Environment{}, apps, plan.Intent{Kind: plan.Deploy, KeepGoing: true}); err == nil {
		t.Error("an interrupted look is no error")
	}
}
