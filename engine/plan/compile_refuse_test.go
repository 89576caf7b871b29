package plan_test

import (
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

func TestProtectedEnvironments(t *testing.T) {
	down := "apps/hello/app.cue:20:3: hello would be down while it is replaced, and test is protected (write rollout: recreate: {} for this environment to accept that, or rollout: rolling: {} with more active servers than maxUnavailable)"
	rolling := func(n int) plan.Rollout { return plan.Rollout{Rolling: &plan.Rolling{MaxUnavailable: n}} }
	recreate := plan.Rollout{Recreate: &plan.Recreate{}}
	local := plan.Artifact{File: &plan.FileArtifact{Path: "hello.tar.gz"}}
	none := &plan.Service{}
	tests := map[string]struct {
		servers  int
		rollout  plan.Rollout
		artifact *plan.Artifact
		service  *plan.Service
		topology plan.Topology
		refused  bool
		note     string
	}{
		"two take turns":                           {servers: 2},
		"one is recreated by default":              {servers: 1, refused: true, note: "hello is down while it is replaced (recreate, 1 active)"},
		"recreate is written":                      {servers: 2, rollout: recreate, note: "hello is down while it is replaced (recreate, 2 active)"},
		"rolling takes all":                        {servers: 2, rollout: rolling(2), refused: true, note: "hello is down while it is replaced (maxUnavailable 2, 2 active)"},
		"rolling with one":                         {servers: 1, rollout: rolling(1), refused: true, note: "hello is down while it is replaced (maxUnavailable 1, 1 active)"},
		"rolling leaves one":                       {servers: 3, rollout: rolling(2)},
		"a local build recreates by default":       {servers: 2, artifact: &local, refused: true, note: "hello is down while it is replaced (recreate, 2 active)"},
		"a local build takes turns where asked":    {servers: 2, artifact: &local, rollout: rolling(1)},
		"no process and nothing in front":          {servers: 1, service: none},
		"no process, but a proxy that would drain": {servers: 1, service: none, topology: shared("lb01"), refused: true, note: "hello is down while it is replaced (recreate, 1 active)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := hello(names("app", 1, test.servers)...)
			app.Rollout, app.Topology = test.rollout, test.topology
			if test.artifact != nil {
				app.Artifact = *test.artifact
			}
			if test.service != nil {
				app.Service = *test.service
			}
			f := newFleet(test.servers, 1, haproxy).with(app)
			notes := f.plan(t).Notes
			if note := downNote(notes); note != test.note {
				t.Errorf("note %q, want %q", note, test.note)
			}
			f.env.Protected = true
			_, err := f.try()
			if test.refused != (err != nil) || err != nil && err.Error() != down {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func downNote(notes []string) string {
	for _, n := range notes {
		if strings.Contains(n, "is down while") {
			return n
		}
	}
	return ""
}

func TestBatches(t *testing.T) {
	a, b := hello("app01", "app02"), hello("app01", "app02")
	b.Name, b.After = "zebra", []string{"hello", "absent"}
	f := newFleet(2, 0, haproxy).with(b).with(a)
	p := f.plan(t)
	if len(p.Apps) != 2 || p.Apps[0].App != "hello" || !slices.Equal(p.Apps[1].After, []string{"hello"}) {
		t.Errorf("apps %v", p.Apps)
	}
	f.env.Protected, f.env.Pos = true, plan.Pos{File: "apps/environments/prod.cue", Line: 4, Column: 1}
	want := "apps/environments/prod.cue:4:1: test is protected: one app a run, 2 were asked for (apply them one by one, or set batch: true in the environment)"
	if _, err := f.try(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	f.env.Batch = true
	f.plan(t)
}

// All refusals are given at once, one a line.
func TestRefusalsAreJoined(t *testing.T) {
	a, b := hello("app01"), hello()
	b.Name = "zebra"
	f := newFleet(1, 0, haproxy).with(a).with(b)
	delete(f.facts.Artifacts, "hello")
	_, err := f.try()
	want := "apps/hello/app.cue:9:6: the artifact of hello 1.0 was not looked up\napps/hello/app.cue:9:6: zebra has no active server in test"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestVersionNotes(t *testing.T) {
	app := hello("app01", "app02")
	f := newFleet(2, 0, haproxy).with(app)
	f.deploy(t, "1.9")
	f.deploy(t, "1.10")
	app.Version = "1.9"
	p := f.with(app).plan(t)
	equal(t, "the notes", p.Notes, []string{"hello: the version goes down, from 1.10 to 1.9"})
	if err := f.apply(p); err != nil {
		t.Fatal(err)
	}
	app.Version = "1.10"
	p = f.with(app).plan(t)
	if want := "hello: returns to release " + p.Apps[0].To + ", which was rolled back on app01, app02"; !slices.Contains(p.Notes, want) {
		t.Errorf("notes %q, want %q", p.Notes, want)
	}
	f.happened(t, "!2.0")
	app.Version = "2.0"
	p = f.with(app).plan(t)
	if want := "hello: release " + p.Apps[0].To + " was installed before and never proven good on app01, app02"; !slices.Contains(p.Notes, want) {
		t.Errorf("notes %q, want %q", p.Notes, want)
	}
}

// Versions of local builds are digests: none is lower than another.
func TestLocalBuildsHaveNoOrder(t *testing.T) {
	app := hello("app01", "app02")
	app.Artifact = plan.Artifact{File: &plan.FileArtifact{Path: "hello.tar.gz"}}
	f := newFleet(2, 0, haproxy).with(app)
	for _, v := range []string{"1", "2", "3", "4"} {
		for _, n := range f.deploy(t, v).Notes {
			if strings.Contains(n, "goes down") {
				t.Errorf("note %q", n)
			}
		}
	}
}

func TestNotesBeforeAFirstRelease(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology = shared("lb01")
	f := newFleet(2, 1, byMarker("/run/out")).with(app)
	r := f.facts.Artifacts["hello"]
	r.Digest, r.Identity = "", "sha256:abc"
	f.facts.Artifacts["hello"] = r
	equal(t, "the notes", f.plan(t).Notes, []string{
		"no server of hello is in rotation: all that need it take their turn at once",
		"hello: no digest is published for hello-1.0.tar.gz, so what is fetched can't be verified",
		"hello: first release on app01, app02; if it fails there, they are left stopped and out of rotation",
		"hello: what is in front of app01 can't be asked, so each change waits 10s",
	})
}

// TestForeignArchives: what is an archive by its name and can't be unpacked is told of, or refused where the config wants it unpacked.
func TestForeignArchives(t *testing.T) {
	app := hello("app01", "app02")
	f := newFleet(2, 1, haproxy)
	with := func(app plan.App) *fleet {
		f.with(app)
		r := f.facts.Artifacts["hello"]
		r.File = "hello-1.0.tar.bz2"
		f.facts.Artifacts["hello"] = r
		return f
	}
	note := "hello: hello-1.0.tar.bz2 is put into the release as it is: what is unpacked is zip, tar, tar.gz, tar.xz and tar.zst (unpack: false is without this note)"
	if notes := with(app).plan(t).Notes; !slices.Contains(notes, note) {
		t.Errorf("notes %q", notes)
	}
	for _, unpack := range []bool{true, false} {
		app.Artifact.URL.Unpack = &unpack
		p, err := with(app).try()
		if refused := err != nil && strings.Contains(err.Error(), "hello: hello-1.0.tar.bz2 can't be unpacked: archives are zip, tar, tar.gz, tar.xz and tar.zst (publish one of these"); refused != unpack {
			t.Errorf("unpack %v: %v", unpack, err)
		}
		if slices.Contains(p.Notes, note) {
			t.Errorf("unpack %v: notes %q", unpack, p.Notes)
		}
	}
}

func TestWanted(t *testing.T) {
	live := func(version string) plan.Installed {
		return plan.Installed{Current: "r", Releases: []plan.InstalledRelease{{Name: "r", Complete: true, Manifest: plan.Manifest{Version: version}}}}
	}
	unset := func(a *plan.App) { a.Version = "" }
	tests := map[string]struct {
		change    func(a *plan.App)
		installed map[string]plan.Installed
		asked     string
		offline   bool
		want      string
		refused   string
	}{
		"what was asked for goes first": {asked: "3.0", want: "3.0"},
		"then what is written":          {want: "1.0"},
		"then what is live":             {change: unset, installed: map[string]plan.Installed{"app01": live("2.0"), "app02": live("2.0")}, want: "2.0"},
		"live on one server":            {change: unset, installed: map[string]plan.Installed{"app02": live("2.0")}, want: "2.0"},
		"live on a standby only":        {change: unset, installed: map[string]plan.Installed{"app03": live("2.0")}, refused: "apps/hello/app.cue:9:6: hello was never deployed to test and no version is given (name one: hello@VERSION, or set version in the config)"},
		"never deployed":                {change: unset, refused: "hello was never deployed to test and no version is given"},
		"linked but incomplete":         {change: unset, installed: map[string]plan.Installed{"app01": {Current: "r", Releases: []plan.InstalledRelease{{Name: "r"}}}}, refused: "hello was never deployed"},
		"offline":                       {change: unset, offline: true, want: "VERSION"},
		"live versions differ":          {change: unset, installed: map[string]plan.Installed{"app01": live("2.0"), "app02": live("1.0")}, refused: "servers of hello run different versions: [1.0 2.0] (name one: hello@VERSION)"},
		"a local build is its digest":   {change: func(a *plan.App) { a.Version = ""; a.Artifact = plan.Artifact{File: &plan.FileArtifact{Path: "x"}} }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			app := hello("app01", "app02")
			if test.change != nil {
				test.change(&app)
			}
			in := plan.Intent{Kind: plan.Deploy, Offline: test.offline}
			if test.asked != "" {
				in.Versions = map[string]string{"hello": test.asked}
			}
			got, err := plan.Wanted(app, test.installed, in)
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Fatalf("got %v, want %s", err, test.refused)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// Offline, a plan is made of what is written, for every host, and its reader is told so by Offline.
func TestOffline(t *testing.T) {
	app := hello("app01", "app02")
	app.Topology, app.Standby = shared("lb01"), []string{"app03"}
	app.Build = []string{"make dist"}
	app.Artifact = plan.Artifact{File: &plan.FileArtifact{Path: "dist/hello.tar.gz"}}
	app.Rollout.Rolling = &plan.Rolling{}
	f := newFleet(3, 1, haproxy)
	in := f.intent(plan.Deploy)
	in.Offline = true
	p, err := plan.Compile(f.env, []plan.App{app}, plan.Facts{}, in)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Offline || p.Empty() {
		t.Errorf("offline %v, empty %v", p.Offline, p.Empty())
	}
	equal(t, "the waves", turns(p), []string{"app01", "app02"})
	equal(t, "the notes", p.Notes, []string{"hello is built on the controller by: make dist"})
	for _, s := range wave(t, p, "rotate 1/2").Lanes[0].Steps {
		if s.Op.Kind() == "probe" && len(s.Undo) > 0 {
			t.Errorf("%s has an undo", s.Title)
		}
	}
}
