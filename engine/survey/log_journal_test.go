package survey_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/survey"
)

// journalctl stands in for systemd's: it records its arguments and shows the file journal. Without -q, it says what is in the file said, and
// ends with what is in the file code.
const journalctl = `#!/bin/sh
printf '%s\n' "$*" >>"$HOME/asked"
case $1 in
-q) ;;
*)
	cat "$HOME/said" >&2 2>/dev/null
	echo '-- No entries --'
	exit "$(cat "$HOME/code" 2>/dev/null || echo 0)"
	;;
esac
case " $* " in
*' -f '*) exec tail -n "$6" -F "$HOME/journal" ;;
esac
exec tail -n "$6" "$HOME/journal"
`

// journals is a server with a stand-in for journalctl, and the log of an app that is a unit there.
func journals(t *testing.T, lines int) (*fleet, survey.Log) {
	t.Helper()
	f := newFleet(t, "app01")
	f.write("app01", "bin/journalctl", journalctl)
	if err := os.Chmod(filepath.Join(f.home["app01"], "bin/journalctl"), 0o755); err != nil {
		t.Fatal(err)
	}
	app := logApp("app01")
	app.User, app.Service = "web", plan.Service{Systemd: &plan.Systemd{Unit: "web.service"}}
	l, err := survey.LogOf(app, lines)
	if err != nil {
		t.Fatal(err)
	}
	return f, l
}

// asked are the arguments of the calls of journalctl.
func (f *fleet) asked(server string) []string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.home[server], "asked"))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestReadJournal: a unit without a log of its own is read by journalctl, as the login user.
func TestReadJournal(t *testing.T) {
	f, l := journals(t, 2)
	f.write("app01", "journal", "Nov 26 12:00:01 app01 web[7]: one\nNov 26 12:00:02 app01 web[7]: two\nNov 26 12:00:03 app01 web[7]: three\n")
	got := l.Read(t.Context(), f, f.env, 1)[0]
	if want := []string{"Nov 26 12:00:02 app01 web[7]: two", "Nov 26 12:00:03 app01 web[7]: three"}; got.Err != nil || !slices.Equal(got.Lines, want) {
		t.Errorf("%q, %v", got.Lines, got.Err)
	}
	if got, want := f.asked("app01"), []string{"--no-pager -u web.service -n 0", "-q --no-pager -u web.service -n 2"}; !slices.Equal(got, want) {
		t.Errorf("journalctl is asked %q, want %q", got, want)
	}
}

// TestJournalDenied: a journal that the login user may not see is an error, and no empty log.
func TestJournalDenied(t *testing.T) {
	const hint = "Hint: You are currently not seeing messages from other users and the system.\n      Users in groups 'adm', 'systemd-journal' can see all messages.\n      Pass -q to turn off this notice.\n"
	for name, tt := range map[string]struct {
		said, code, journal string
		want                []string // of the error; none: the journal's lines are shown
	}{
		"no file":        {"No journal files were opened due to insufficient permissions.\n", "1", "hidden\n", []string{"app01: ", " may not read the journal of web.service: No journal files were opened due to insufficient permissions. (add ", " to the group systemd-journal or adm"}},
		"no messages":    {hint, "0", "", []string{" may not read the journal of web.service: Hint: You are currently not seeing messages from other users and the system. Users in groups"}},
		"own messages":   {hint, "0", "mine\n", nil},
		"an empty one":   {"", "0", "", nil},
		"none was found": {"No journal files were found.\n", "0", "", []string{"app01: journalctl: No journal files were found. (does systemd-journald run there?)"}},
		"another error":  {"Failed to open files: Structure needs cleaning\n", "1", "x\n", []string{"app01: journalctl -u web.service failed: Failed to open files: Structure needs cleaning"}},
	} {
		f, l := journals(t, 5)
		for file, text := range map[string]string{"said": tt.said, "code": tt.code, "journal": tt.journal} {
			f.write("app01", file, text)
		}
		got := l.Read(t.Context(), f, f.env, 1)[0]
		if tt.want == nil && (got.Err != nil || strings.Join(got.Lines, "\n") != strings.TrimSuffix(tt.journal, "\n")) {
			t.Errorf("%s: %q, %v", name, got.Lines, got.Err)
		}
		for _, want := range tt.want {
			if got.Err == nil || !strings.Contains(got.Err.Error(), want) || len(got.Lines) > 0 {
				t.Errorf("%s: %q, %v; want %s", name, got.Lines, got.Err, want)
			}
		}
	}
}

// TestFollowJournal: journalctl goes on until it is ended, and no process is left; where it may not be read, that is told at once.
func TestFollowJournal(t *testing.T) {
	f, l := journals(t, 1)
	f.write("app01", "journal", "one\ntwo\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := watcher{t, make(chan survey.LogEvent, 100)}
	tell := func(e survey.LogEvent) { w.events <- e }
	ended := make(chan []error, 1)
	go func() { ended <- l.Follow(ctx, f.pool, f.env, tell) }()
	w.line("app01", "two")
	f.write("app01", "journal", "three\n")
	w.line("app01", "three")
	cancel()
	if errs := <-ended; errs[0] != nil {
		t.Errorf("it ended with %v", errs)
	}
	if got := f.asked("app01"); got[len(got)-1] != "-q --no-pager -u web.service -n 1 -f" {
		t.Errorf("journalctl is asked %q", got)
	}
	for i := 0; follows(filepath.Join(f.home["app01"], "journal")); i++ {
		if i == 300 {
			t.Fatal("journalctl still follows the journal")
		}
		f.write("app01", "journal", "void\n") // who writes to nobody ends
		time.Sleep(20 * time.Millisecond)
	}
	f.write("app01", "said", "No journal files were opened due to insufficient permissions.\n")
	f.write("app01", "code", "1")
	errs := l.Follow(t.Context(), f.pool, f.env, tell)
	if errs[0] == nil || !strings.Contains(errs[0].Error(), "may not read the journal of web.service") || w.next("app01").Failed == nil {
		t.Errorf("it ended with %v", errs)
	}
}
