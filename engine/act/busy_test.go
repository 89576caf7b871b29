package act_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host/sshtest"
	"trikk.dev/engine/plan"
)

// hook is a step of a user's command on app01.
func hook(f *fleet, command string) []plan.Step {
	f.sh("app01", "mkdir -p apps/web/releases/1.0-aa && ln -sfn releases/1.0-aa apps/web/current")
	op := plan.Run{Phase: "before", App: "web", Version: "1.0", Root: f.app.Layout.Root, Release: "1.0-aa", Command: command}
	return []plan.Step{{ID: "web/1", Host: "app01", Op: op}}
}

// TestBusyOfAnotherUser: while a script of the login user works, nobody gets the lock of a root in the home of the user that owns it;
// and when the script has ended, however it did, the lock is free.
func TestBusyOfAnotherUser(t *testing.T) {
	bin, owner := t.TempDir(), t.TempDir()
	standIn(t, bin, "sudo", `[ "$1 $2 $3 $4" = "-n -H -u itas" ] || { echo "sudo: a password is required" >&2; exit 1; }
shift 4
HOME=`+owner+` exec "$@"`)
	f := newFleetOf(t, sshtest.Config{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}}, "app01")
	targets := []act.LockTarget{{Host: "app01", As: "itas", Root: "~/apps/web", App: "web"}}
	a := f.actor("R1")
	lock, err := a.Lock(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	busy := func() string {
		return f.sh("app01", "flock -n -x "+owner+"/apps/web/.trikk/busy true && echo free || echo busy")
	}
	done := make(chan error, 1)
	go func() {
		results, err := f.do(a, "web", hook(f, "touch $HOME/began; while [ ! -e $HOME/go ]; do sleep 0.05; done"))
		if err == nil && (len(results) != 1 || bad(results[0])) {
			err = fmt.Errorf("%+v", results)
		}
		done <- err
	}()
	waitFor(t, func() bool { return f.sh("app01", "ls") != "" && strings.Contains(f.sh("app01", "ls"), "began") })
	if got := busy(); got != "busy" {
		t.Error("a script of the login user works, and nobody can tell")
	}
	f.sh("app01", "touch go")
	if err := <-done; err != nil {
		t.Error(err)
	}
	waitFor(t, func() bool { return busy() == "free" })
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

// TestBusyOutlivesItsRun: a script goes on when its controller is gone. Until it has ended nobody gets the lock, and what is refused
// changes nothing.
func TestBusyOutlivesItsRun(t *testing.T) {
	f := newFleet(t, "app01")
	targets := []act.LockTarget{{Host: "app01", Root: f.app.Layout.Root, App: "web"}}
	first, err := f.actor("R1").Lock(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Abandon(); err != nil { // as when the controller is gone
		t.Fatal(err)
	}
	before := f.sh("app01", "cat apps/web/.trikk/cut")
	f.sh("app01", "(flock -s apps/web/.trikk/busy sh -c 'touch began; sleep 6' >/dev/null 2>&1 &)")
	waitFor(t, func() bool { return strings.Contains(f.sh("app01", "ls"), "began") })
	_, err = f.actor("R2").Lock(t.Context(), targets)
	var locked *act.LockedError
	if !errors.As(err, &locked) || locked.Run != "R1" {
		t.Fatalf("with a script at work: %v", err)
	}
	if got := f.sh("app01", "cat apps/web/.trikk/cut; ls apps/web/.trikk/lock.info 2>/dev/null || echo none"); got != before+"\nnone" {
		t.Errorf("the refusal left %s", got)
	}
}

// TestBusyAndTheNextRun: a script that began between another run's look for it and that run's lock.info either stops that run, or finds
// that the lock is another's. So each of both orders ends with one that works.
func TestBusyAndTheNextRun(t *testing.T) {
	bin := t.TempDir()
	// flock lets a script of the earlier run begin right after the first look for it.
	standIn(t, bin, "flock", `/usr/bin/flock "$@"
status=$?
case "$*" in
"-x -w 3 "*"/busy true")
	if [ $status = 0 ] && mkdir "$HOME/looked" 2>/dev/null; then
		(exec 9<"$HOME/apps/web/.trikk/busy"; /usr/bin/flock -s 9; grep -o 'R[12]' "$HOME/apps/web/.trikk/lock.info" >"$HOME/guarded"; sleep 6) >/dev/null 2>&1 &
		while [ ! -s "$HOME/guarded" ]; do sleep 0.05; done
	fi ;;
esac
exit $status`)
	f := newFleetOf(t, sshtest.Config{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}}, "app01")
	f.sh("app01", `mkdir -p apps/web/.trikk && echo '{"run":"R1","who":"bo@desk"}' >apps/web/.trikk/lock.info`)
	lock, err := f.actor("R2").Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: f.app.Layout.Root, App: "web"}})
	if err == nil {
		_ = lock.Release()
		t.Fatalf("R2 has the lock while a script works that passed its guard as %s", f.sh("app01", "cat guarded"))
	}
	var locked *act.LockedError
	if !errors.As(err, &locked) || locked.Run != "R1" {
		t.Errorf("error %v", err)
	}
	if got := f.sh("app01", "head -n 1 apps/web/.trikk/lock.info"); !strings.Contains(got, "R1") {
		t.Errorf("the refusal left lock.info as %s", got)
	}
}

// TestBusyCantBeHad: a script that can't tell others that it works does nothing, and says why.
func TestBusyCantBeHad(t *testing.T) {
	f := newFleet(t, "app01")
	a := f.actor("R1")
	lock, err := a.Lock(t.Context(), []act.LockTarget{{Host: "app01", Root: f.app.Layout.Root, App: "web"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	f.sh("app01", "rm apps/web/.trikk/busy")
	results, err := f.do(a, "web", hook(f, "touch $HOME/done"))
	if err != nil || len(results) != 1 || results[0].Status != plan.NotRun || !strings.Contains(results[0].Error, "could not tell others that it works") {
		t.Errorf("%+v, %v", results, err)
	}
	if strings.Contains(f.sh("app01", "ls"), "done") {
		t.Error("it did something")
	}
}

// TestHeldIsOfTheFileItself: a lock of another file with the same number, on another disk, is not this one; one whose holder's files
// can't be seen may be.
func TestHeldIsOfTheFileItself(t *testing.T) {
	bin := t.TempDir()
	f := newFleetOf(t, sshtest.Config{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}}, "app01")
	targets := []act.LockTarget{{Host: "app01", Root: f.app.Layout.Root, App: "web"}}
	f.sh("app01", `mkdir -p apps/web/.trikk && : >apps/web/.trikk/lock && echo '{"run":"R1","who":"bo@desk"}' >apps/web/.trikk/lock.info
(flock -x other sh -c 'touch began; while [ ! -e go ]; do sleep 0.05; done' >/dev/null 2>&1 &)`)
	defer f.sh("app01", "touch go; flock -w 10 other true") // it ends before its folder does
	waitFor(t, func() bool { return strings.Contains(f.sh("app01", "ls"), "began") })
	standIn(t, bin, "stat", `if [ "$1 $2" = "-c %i" ]; then exec /usr/bin/stat -c %i "$HOME/other"; fi
exec /usr/bin/stat "$@"`)
	if s := f.states(targets)[0]; s.Holder == nil || s.Holder.Alive {
		t.Errorf("the lock of a file with the same number: %+v", s.Holder)
	}
	view, err := f.gatherer().Look(t.Context(), f.env, []plan.App{f.app})
	if err != nil {
		t.Fatal(err)
	}
	if h := view.Locks["web"]["app01"]; h.Run != "R1" || h.Alive {
		t.Errorf("in the facts: %+v", h)
	}
	f.sh("app01", "ln -f other apps/web/.trikk/lock")
	if s := f.states(targets)[0]; s.Holder == nil || !s.Holder.Alive {
		t.Errorf("the lock of the file itself: %+v", s.Holder)
	}
}
