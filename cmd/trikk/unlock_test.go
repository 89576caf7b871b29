package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnlock: a run that is alive is ended only by its ID, and with consent; it finds out, does nothing more, and another run can
// work. What a holder that is gone left behind is removed without.
func TestUnlock(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes")
	b.trikk(0, "unlock", "hello", "-e", "demo").says("hello in demo", "app01  free", "app02  free")
	b.trikk(5, "unlock", "hello", "-e", "demo", "--run", "R1", "--yes").says("run R1 holds no lock of hello in demo")

	b.edit("hello/app.cue", `deadline: "3s"`, `deadline: "60s"`)
	b.edit("environments/environment.cue", "servers: {", "protected: true\n\tservers: {")
	frozen := b.begin(&call{args: []string{"apply", "hello@3.0", "-e", "demo", "--confirm", "demo"}})
	frozen.shows("waiting  503")
	runID := strings.Fields(frozen.err.String()[strings.Index(frozen.err.String(), "run ")+4:])[0]

	b.trikk(5, "unlock", "hello", "-e", "demo", "--confirm", "demo").says("app01  held by run "+runID+" of "+who(), "app01: locked by run "+runID, "which is alive", "trikk unlock hello -e demo --run "+runID)
	b.trikk(5, "unlock", "hello", "-e", "demo", "--confirm", "demo", "--run", "R1").says("locked by run "+runID, "not by run R1")
	b.trikk(5, "unlock", "hello", "-e", "demo", "--run", runID, "--yes").says("demo is protected and nobody can be asked here: add --confirm demo")
	b.typing(5, "dmeo\n", "unlock", "hello", "-e", "demo", "--run", runID).says("demo is protected. Type its name to unlock: ", "nothing was changed")
	for _, e := range b.trikk(5, "unlock", "hello", "-e", "demo", "--json").named("lock") {
		holder, _ := e.Fields["holder"].(map[string]any)
		if e.Fields["state"] != "held" || holder["run"] != runID {
			t.Errorf("lock: %s", e.Line)
		}
	}
	b.typing(0, "demo\n", "unlock", "hello", "-e", "demo", "--run", runID).says("app01: unlocked; run "+runID+" is known as cut off there", "app02: unlocked")
	frozen.wait(8).says("the lock was lost; nothing more is done", "a person is needed: the lock on app0", "hello on app01 was left half done")

	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--confirm", "demo")
	b.runs("2.0")

	// As after a reboot of the server.
	info := filepath.Join(b.fleet.Dir, "app01", "hello", ".trikk", "lock.info")
	if err := os.WriteFile(info, []byte(`{"run":"R7","who":"bo@desk","since":"2026-01-02T03:04:05Z"}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.trikk(5, "unlock", "hello", "-e", "demo").says("app01  left behind by run R7 of bo@desk since 2026-01-02T03:04:05Z, whose holder is gone", "app02  free", "add --confirm demo")
	b.trikk(0, "unlock", "hello", "-e", "demo", "--confirm", "demo").says("app01: unlocked; run R7 is known as cut off there")
	if _, err := os.Stat(info); !os.IsNotExist(err) {
		t.Errorf("lock.info is still there: %v", err)
	}
	b.trikk(0, "unlock", "hello", "-e", "demo").says("app01  free; here was cut off run R7 of bo@desk")

	// A server that can't be reached keeps nobody from unlocking the others.
	if err := os.WriteFile(info, []byte(`{"run":"R8","who":"bo@desk","since":"2026-01-02T03:04:05Z"}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.movePort("app02", "1")
	b.trikk(1, "unlock", "hello", "-e", "demo", "--confirm", "demo").says("app01: unlocked; run R8 is known as cut off there", "trikk: app02: connecting to ", "connection refused")
	if _, err := os.Stat(info); !os.IsNotExist(err) {
		t.Errorf("lock.info is still there: %v", err)
	}
}

// TestUnlockShowsWhatElseIsEnded: one process holds all locks of a run on a server, so that ending it for one app frees those of
// others. They are shown and named before.
func TestUnlockShowsWhatElseIsEnded(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, 1)
	for _, name := range []string{"other", "third"} {
		b.write(name+"/app.cue", "package "+name+"\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \""+name+"\"\n\tartifact: url: url: \"http://127.0.0.1:1/"+name+"-{version}.jar\"\n\tenvironments: demo: servers: [\"app01\"]\n}\n")
	}
	const info = `{"run":"R9","who":"bo@desk","since":"2026-01-02T03:04:05Z"}`
	lock := func(app, info string) string {
		folder := filepath.Join(b.fleet.Dir, "app01", app, ".trikk")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "lock.info"), []byte(info+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(folder, "lock")
	}
	hold := func(arguments ...string) {
		holder := exec.Command("flock", arguments...)
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = holder.Wait(); close(ended) }()
		t.Cleanup(func() { _ = holder.Process.Kill(); <-ended })
	}
	hold("-o", lock("hello", info), "flock", "-o", lock("other", info), "sh", "-c", "sleep 60", info)
	hold("-o", lock("third", strings.Replace(info, "R9", "R8", 1)), "sleep", "60")
	for deadline := time.Now().Add(time.Minute); !strings.Contains(b.trikk(5, "unlock", "other", "-e", "demo").out.String(), "held by run R9"); {
		if time.Now().After(deadline) {
			t.Fatal("the locks are not held")
		}
	}
	b.trikk(5, "unlock", "hello", "-e", "demo", "--run", "R9").says("hello in demo", "other in demo", "  app01  held by run R9 of bo@desk", "Run R9 works on other too. It is ended as a whole", "add --yes")
	asked := b.typing(0, "y\n", "unlock", "hello", "-e", "demo", "--run", "R9").says("End run R9, also of other, in demo? [y/N]", "app01: unlocked; run R9 is known as cut off there", "next: trikk apply hello other -e demo")
	if strings.Contains(asked.String(), "third") {
		t.Errorf("%s\nnames an app of another run", asked)
	}
	b.trikk(0, "unlock", "other", "-e", "demo", "--yes").says("left behind by run R9")
	b.trikk(5, "unlock", "third", "-e", "demo").says("held by run R8")
}

// movePort has a server listen on another port, as far as the inventory says.
func (b *bench) movePort(server, port string) {
	b.t.Helper()
	_, after, _ := strings.Cut(b.read("environments/environment.cue"), server+": {")
	_, was, _ := strings.Cut(after, "port: ")
	was, _, _ = strings.Cut(was, ",")
	b.edit("environments/environment.cue", "port: "+was, "port: "+port)
}
