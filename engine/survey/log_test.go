package survey_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/survey"
)

// logApp is an app whose process logs below its home.
func logApp(servers ...string) plan.App {
	return plan.App{Name: "web", Servers: servers, Layout: plan.Layout{Root: "~/apps/web", Current: "current"}, Service: plan.Service{Process: &plan.Process{}}}
}

func (f *fleet) write(server, name, text string) {
	f.t.Helper()
	path := filepath.Join(f.home[server], name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteString(text); err != nil {
		f.t.Fatal(err)
	}
}

const webLog = "apps/web/shared/log/web.out"

func TestReadLogs(t *testing.T) {
	f := newFleet(t, "app01", "app02", "app03", "app04")
	f.write("app01", webLog, "1\n2\r\n3\nlast, without an end")
	f.write("app02", webLog+"/x", "")
	f.write("app04", webLog, "")
	l, err := survey.LogOf(logApp("app01", "app02", "app03", "app04", "app09"), 3)
	if err != nil {
		t.Fatal(err)
	}
	got := l.Read(t.Context(), f, f.env, 2)
	if want := []string{"2", "3", "last, without an end"}; !slices.Equal(got[0].Lines, want) || got[0].Err != nil {
		t.Errorf("app01: %q, %v", got[0].Lines, got[0].Err)
	}
	for i, want := range map[int]string{1: "web.out is a directory", 2: "web.out is not there", 4: "app09"} {
		if err := got[i].Err; err == nil || !strings.Contains(err.Error(), want) || len(got[i].Lines) > 0 {
			t.Errorf("%s: %v, want %s", got[i].Host, err, want)
		}
	}
	if got[3].Err != nil || len(got[3].Lines) > 0 || !got[3].Empty || got[0].Empty || got[2].Empty {
		t.Errorf("the empty log: %+v", got[3])
	}
	none, err := survey.LogOf(logApp("app01"), 0)
	if got := none.Read(t.Context(), f, f.env, 1); err != nil || got[0].Empty || len(got[0].Lines) > 0 {
		t.Errorf("of no line: %+v, %v", got, err)
	}
}

// watcher collects what is told while a log is followed.
type watcher struct {
	t      *testing.T
	events chan survey.LogEvent
}

// next waits for an event of a host.
func (w watcher) next(host string) survey.LogEvent {
	w.t.Helper()
	for deadline := time.After(time.Minute); ; {
		select {
		case e := <-w.events:
			if e.Host == host {
				return e
			}
		case <-deadline:
			w.t.Fatalf("nothing comes from %s", host)
		}
	}
}

func (w watcher) line(host, want string) {
	w.t.Helper()
	if e := w.next(host); e.Line != want || e.Lost != nil || e.Failed != nil {
		w.t.Fatalf("%s tells %+v, want the line %q", host, e, want)
	}
}

// TestFollowLogs: lines come whole and in order, also of a file that replaces the log and after the connection broke; the end leaves no
// process behind.
func TestFollowLogs(t *testing.T) {
	f := newFleet(t, "app01", "app02")
	f.write("app01", webLog, "1\n2\n3\n")
	f.write("app02", webLog+"/x", "")
	l, err := survey.LogOf(logApp("app01", "app02"), 2)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := watcher{t, make(chan survey.LogEvent, 1000)}
	ended := make(chan []error, 1)
	go func() { ended <- l.Follow(ctx, f.pool, f.env, func(e survey.LogEvent) { w.events <- e }) }()
	w.line("app01", "2")
	w.line("app01", "3")
	f.write("app01", webLog, "par")
	f.write("app01", webLog, "tial\nmore\n")
	w.line("app01", "partial")
	w.line("app01", "more")
	path := filepath.Join(f.home["app01"], webLog)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	f.write("app01", webLog, "of the new file\n")
	w.line("app01", "of the new file")

	f.sshd["app01"].Cut()
	if e := w.next("app01"); e.Lost == nil {
		t.Fatalf("the connection broke, and there is %+v", e)
	}
	again := ""
	for i := 0; again == "" && i < 600; i++ {
		f.write("app01", webLog, fmt.Sprintf("again %d\n", i))
		select {
		case e := <-w.events:
			again = e.Line
		case <-time.After(100 * time.Millisecond):
		}
	}
	if !strings.HasPrefix(again, "again ") {
		t.Fatalf("after the connection broke: %q", again)
	}
	cancel()
	errs := <-ended
	if errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), "web.out is a directory") {
		t.Errorf("it ended with %v", errs)
	}
	for i := 0; follows(path); i++ {
		if i == 300 {
			t.Fatal("a tail still follows the log")
		}
		f.write("app01", webLog, "void\n") // who writes to nobody ends
		time.Sleep(20 * time.Millisecond)
	}
}

// follows tells whether a process has the path as an argument.
func follows(path string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(files, func(name string) bool {
		text, _ := os.ReadFile(name)
		return slices.Contains(strings.Split(string(text), "\x00"), path)
	})
}

func TestNoLog(t *testing.T) {
	app := logApp("app01")
	app.Service = plan.Service{Commands: &plan.Commands{}}
	if _, err := survey.LogOf(app, 1); err == nil || !strings.Contains(err.Error(), `log: "log/web.log"`) {
		t.Errorf("error %v", err)
	}
}

// TestLogPlaces asks for the log that an app has, with real shells.
func TestLogPlaces(t *testing.T) {
	f := newFleet(t, "app01")
	f.write("app01", "apps/web/shared/other.log", "other\n")
	f.write("app01", "apps/web/releases/1/web.log", "release\n")
	f.write("app01", "of the home", "home\n")
	if err := os.Symlink("releases/1", filepath.Join(f.home["app01"], "apps/web/current")); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*plan.App){
		"other":   func(a *plan.App) { a.Service.Process.Log = "other.log" },
		"release": func(a *plan.App) { a.Log = "web.log" },
		"home":    func(a *plan.App) { a.Log = "~/of the home" },
	} {
		app := logApp("app01")
		change(&app)
		l, err := survey.LogOf(app, 5)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Read(t.Context(), f, f.env, 1)[0]; got.Err != nil || !slices.Equal(got.Lines, []string{want}) {
			t.Errorf("%s: %+v", want, got)
		}
	}
}
