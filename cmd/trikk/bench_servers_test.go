package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// servers is about the commands for servers, where hello 2.0 runs.
func (b *bench) servers() {
	b.t.Helper()
	b.processes()
	b.executes()
	b.logs()
	b.checks()

	// From here on app02 can't be reached.
	b.movePort("app02", "1")
	b.trikk(6, "ps", "-e", "demo", "--app", "hello").says("demo-app", "trikk: app02: connecting to ", "connection refused")
	b.trikk(6, "hosts", "check", "-e", "demo").says("app02  problem  connecting to ", "app01  ok ")
	b.trikk(6, "logs", "hello", "-e", "demo").says("trikk: app02: connecting to ")
	watch := b.begin(&call{args: []string{"status", "-e", "demo", "--watch=1s"}})
	watch.printed("hello in demo", 2)
	watch.signals <- os.Interrupt
	watch.wait(130).says("unreachable: connecting to ", "trikk: app02: connecting to ")
	b.trikk(6, "exec", "-e", "demo", "--", "echo", "x").says("app01 (1 of 2)\n  x\n", "trikk: app02: connecting to ")
	b.trikk(1, "exec", "-e", "demo", "--server", "app02", "--", "true").says("trikk: app02: connecting to ")
}

func (b *bench) processes() {
	b.t.Helper()
	b.trikk(64, "ps", "-e", "demo", "--sort", "size").says("--sort size: it is swap, rss or cpu")
	b.trikk(3, "ps", "-e", "demo", "--app", "helo").says(`no app "helo" in demo (known: hello)`)
	all := b.trikk(0, "ps", "-e", "demo", "--json").events()
	only := b.trikk(0, "ps", "-e", "demo", "--app", "hello", "--sort", "rss")
	found := map[string]bool{}
	for _, e := range all {
		if e.Fields["app"] != "hello" {
			continue
		}
		release, _ := e.Fields["release"].(string)
		if e.Event != "process" || !strings.HasPrefix(release, "2.0-") || e.Fields["rss"].(float64) <= 0 {
			b.t.Errorf("process: %s", e.Line)
		}
		host, _ := e.Fields["host"].(string)
		found[host] = true
	}
	if !found["app01"] || !found["app02"] {
		b.t.Errorf("hello runs on %v", found)
	}
	lines := strings.Split(strings.TrimSpace(only.out.String()), "\n")
	if len(lines) < 3 || len(all) < len(lines) || strings.Count(only.out.String(), " hello ") != len(lines)-1 {
		b.t.Errorf("of hello there is\n%s", only)
	}
	if os.Getenv("TRIKK_FULL") == "" {
		return
	}
	rows, err := csv.NewReader(strings.NewReader(b.trikk(0, "ps", "-e", "demo", "--app", "hello", "--csv").out.String())).ReadAll()
	if err != nil || len(rows) != len(lines) || strings.Join(rows[0], " ") != "host pid user app release ran rss swap cpu command" {
		b.t.Errorf("csv: %v\n%v", err, rows)
	}
}

func (b *bench) executes() {
	b.t.Helper()
	b.trikk(64, "exec", "-e", "demo", "uptime").says("write the command after --")
	b.trikk(64, "exec", "-e", "demo", "--as-app", "--", "id").says("--as-app goes with one app")
	b.trikk(3, "exec", "-e", "demo", "--server", "app07", "--", "id").says("--server app07: none of the servers that are meant (app01, app02)")
	for _, name := range []string{"app01", "app02"} {
		if err := os.WriteFile(filepath.Join(b.fleet.Dir, name, "name"), []byte(name+"\n"), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	if got := b.trikk(0, "exec", "-e", "demo", "--", "printf", "%s|", "a b", "$HOME", "\x1b[2J").out.String(); got != "app01, app02 (2 of 2)\n  a b|$HOME|\\x1b[2J|\n" {
		b.t.Errorf("exec prints %q", got)
	}
	differ := b.trikk(6, "exec", "hello", "-e", "demo", "--as-app", "--", "sh", "-c", `cat name; [ "$(cat name)" = app01 ] || exit 3`)
	if got := differ.out.String(); got != "app01 (1 of 2)\n  app01\napp02 (1 of 2): exit status 3\n  app02\n" {
		b.t.Errorf("exec prints %q", got)
	}
	b.trikk(1, "exec", "-e", "demo", "--", "echo x | cat").says("app01, app02 (2 of 2): exit status 127", "for that write -- sh -c 'echo x | cat'")
	for _, e := range b.trikk(0, "exec", "-e", "demo", "--server", "app02", "--json", "--", "cat", "name").events() {
		if e.Event != "exec" || e.Fields["host"] != "app02" || e.Fields["exit"] != 0.0 || e.Fields["output"] != "app02\n" {
			b.t.Errorf("exec: %s", e.Line)
		}
	}
	b.trikk(1, "exec", "-e", "demo", "--deadline", "300ms", "--", "sh", "-c", "echo begun; exec sleep 60").says("app01, app02 (2 of 2): its end is not known: no end within 300ms", "  begun")
	running := b.begin(&call{args: []string{"exec", "-e", "demo", "--", "sh", "-c", "touch begun; exec sleep 60"}})
	b.appears("app01/begun", "app02/begun")
	running.signals <- os.Interrupt
	running.wait(130).says("trikk: stopped by interrupt; the command was ended, and what it did is not known, on app01, app02")

	b.edit("environments/environment.cue", "servers: {", "protected: true\n\tservers: {")
	b.trikk(5, "exec", "-e", "demo", "--", "touch", "forbidden").says("touch forbidden\n  on app01, app02", "add --confirm demo")
	b.typing(5, "no\n", "exec", "-e", "demo", "--", "touch", "forbidden").says("demo is protected. Type its name to run this there: ")
	if _, err := os.Stat(filepath.Join(b.fleet.Dir, "app01", "forbidden")); !os.IsNotExist(err) {
		b.t.Errorf("it ran without consent: %v", err)
	}
	b.trikk(0, "exec", "-e", "demo", "--confirm", "demo", "--", "true").says("app01, app02 (2 of 2)\n")
	b.edit("environments/environment.cue", "protected: true\n", "")
}

// past is about history and show, after 1.0, 2.0 and a 3.0 that was undone.
func (b *bench) past() {
	b.t.Helper()
	past := b.trikk(0, "history")
	lines := strings.Split(strings.TrimSpace(b.scrub(past.out.String())), "\n")
	for i, want := range []string{"", "  demo  reverted  hello 2.0-DIGEST → 3.0-DIGEST", "  demo  done      hello 1.0-DIGEST → 2.0-DIGEST", "  demo  done      hello nothing → 1.0-DIGEST"} {
		if len(lines) != 4 || !strings.Contains(lines[i], want) {
			b.t.Fatalf("%s\nlacks %q", past, want)
		}
	}
	if n := strings.Count(b.trikk(0, "history", "hello", "-e", "demo", "-n", "1").out.String(), "\n"); n != 2 {
		b.t.Errorf("-n 1 gives %d lines", n)
	}
	b.trikk(0, "history", "hello", "-e", "prod").says("no such runs on this machine")
	b.trikk(0, "history", "other").says("no such runs on this machine")
	b.trikk(64, "history", "-n", "-1")
	events := b.trikk(0, "history", "--json").events()
	if len(events) != 3 || events[1].Fields["result"] != "done" || events[1].Run == "" || events[0].Fields["seconds"].(float64) < 3 {
		b.t.Errorf("history: %+v", events)
	}

	b.trikk(64, "history", "--servers", "-e", "demo").says("--servers is about one app")
	b.trikk(64, "history", "hello", "--servers").says("name the environment")
	good := strings.Split(b.scrub(b.trikk(0, "history", "hello", "-e", "demo", "--servers").out.String()), "\n")
	for i, want := range []string{"app01 2.0-DIGEST TIME RUN live", "app01 1.0-DIGEST TIME RUN", "app02 2.0-DIGEST TIME RUN live", "app02 1.0-DIGEST TIME RUN"} {
		if len(good) != 6 || strings.Join(strings.Fields(good[i+1]), " ") != want {
			b.t.Errorf("history --servers prints %q, want %q", good, want)
		}
	}

	broken := b.trikk(0, "show", events[0].Run)
	broken.says("run "+events[0].Run+" of "+who()+" in demo, started ", ": reverted\n", "deploy hello in demo: 2.0-", "rotate 1/2\n", "undo of rotate 1/2\n", "FAILED   probe http",
		"slowest steps\n", "hello failed and was rolled back in demo: app01: probe http")
	if broken.err.String() != "" {
		b.t.Errorf("show writes to standard error: %s", broken)
	}
	shown := b.trikk(0, "show", events[1].Run, "--json").events()
	if end := last(shown); shown[0].Event != "run.started" || end.Event != "run.finished" || end.Fields["exit"] != 0.0 || end.Time <= shown[0].Time || end.Run != events[1].Run {
		b.t.Errorf("show --json ends with %s", end.Line)
	}
	b.trikk(64, "show", "20260101T000000-0000").says("neither a run 20260101T000000-0000", "trikk history lists them")
	saved := b.path("one.plan")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", saved)
	plan := b.trikk(0, "show", saved).says(" of "+who()+", made ", " for demo\n", "    app02\n", "      drain app02 at lb01\n")
	if strings.Contains(plan.out.String(), "the same 8 steps") {
		b.t.Errorf("not every host is shown: %s", plan)
	}
	b.trikk(0, "show", saved, "-vv").says("TRIKK_", "set -")
	if text, err := os.ReadFile(saved); err != nil || b.trikk(0, "show", saved, "--json").out.String() != string(text) {
		b.t.Errorf("show --json is not the document: %v", err)
	}
}

// logs is about logs, with what the test itself appends.
func (b *bench) logs() {
	b.t.Helper()
	for _, name := range []string{"app01", "app02"} {
		b.log(name, "first of "+name+"\nan escape \x1b[31m of "+name+"\n")
	}
	want := "app01  first of app01\napp01  an escape \\x1b[31m of app01\napp02  first of app02\napp02  an escape \\x1b[31m of app02\n"
	if got := b.trikk(0, "logs", "hello", "-e", "demo", "-n", "2").out.String(); got != want {
		b.t.Errorf("logs prints %q", got)
	}
	b.trikk(64, "logs", "-e", "demo")
	b.trikk(64, "logs", "hello", "-e", "demo", "-n", "-1")
	follow := b.begin(&call{args: []string{"logs", "hello", "-e", "demo", "-f", "-n", "1", "--json"}})
	follow.printed(`[31m of app`, 2)
	b.log("app02", "later\n")
	follow.printed(`"later"`, 1)
	follow.signals <- os.Interrupt
	follow.wait(130)
	if e := last(follow.events()); follow.err.String() != "" || e.Event != "log" || e.Fields["host"] != "app02" || e.Fields["line"] != "later" || e.Fields["app"] != "hello" {
		b.t.Errorf("%s", follow)
	}
	if err := os.Truncate(b.path("app02/hello/shared/log/hello.out"), 0); err != nil {
		b.t.Fatal(err)
	}
	const empty = "app02: the log of hello is empty\n"
	if got := b.trikk(0, "logs", "hello", "-e", "demo"); got.err.String() != empty || strings.Contains(got.out.String(), "app02") {
		b.t.Errorf("of an empty log: %s", got)
	}
	if got := b.trikk(0, "logs", "hello", "-e", "demo", "--json"); got.err.String() != "" {
		b.t.Errorf("of an empty log: %s", got)
	}
}

// log appends to the log of hello.
func (b *bench) log(server, text string) {
	b.t.Helper()
	f, err := os.OpenFile(b.path(server+"/hello/shared/log/hello.out"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		b.t.Fatal(err)
	}
}

// printed waits until the call has printed text on standard output so many times.
func (c *call) printed(text string, times int) {
	c.b.t.Helper()
	for deadline := time.Now().Add(time.Minute); strings.Count(c.out.String(), text) < times; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.b.t.Fatalf("%s\ndoes not print %q %d times", c, text, times)
		}
	}
}

// checks is about hosts check where all is well.
func (b *bench) checks() {
	b.t.Helper()
	b.trikk(0, "hosts", "check", "-e", "demo").says("app01  ok  ", "app02  ok  ", "lb01   ok  ", "sshd allows 10 sessions on a connection", "nothing is missing for hello")
	if os.Getenv("TRIKK_FULL") == "" {
		return
	}
	hosts := 0
	for _, e := range b.trikk(0, "hosts", "check", "-e", "demo", "--json").events() {
		if e.Event == "host" {
			hosts++
		}
		if e.Event == "host" && e.Fields["sessions"] != 10.0 || e.Event == "finding" && e.Fields["level"] == "problem" {
			b.t.Errorf("check: %s", e.Line)
		}
	}
	if hosts != 3 {
		b.t.Errorf("%d hosts were checked", hosts)
	}
}
