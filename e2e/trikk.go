//go:build linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Result is how one command of trikk ended.
type Result struct {
	Args   []string
	Code   int
	Stdout string
	Stderr string
	CPU    time.Duration // of trikk and of the processes that it started
	Memory int64         // that the largest of these had, in KiB
	t      testing.TB
}

// Trikk runs trikk on a config repository, as a person would in a CI job: without a terminal.
func (f *Fleet) Trikk(t testing.TB, c *Config, args ...string) Result {
	t.Helper()
	return f.StartTrikk(t, c, args...).Wait()
}

// TrikkWithin is Trikk for a command that may take longer than others.
func (f *Fleet) TrikkWithin(t testing.TB, c *Config, limit time.Duration, args ...string) Result {
	t.Helper()
	p := f.prepareIn(t, c, place{c.State(), limit}, args)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.start()
	return p.Wait()
}

// Process is a trikk that runs.
type Process struct {
	cmd            *exec.Cmd
	stdout, stderr buffer
	t              testing.TB
	args           []string
	limit          time.Duration
}

// longest is how long one command may take.
const longest = 150 * time.Second

// StartTrikk starts trikk and does not wait for it.
func (f *Fleet) StartTrikk(t testing.TB, c *Config, args ...string) *Process {
	t.Helper()
	p := f.prepare(t, c, args)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.start()
	return p
}

// StartDetached starts trikk as nohup does, SIGHUP ignored, with both of its outputs to one file.
func (f *Fleet) StartDetached(t testing.TB, c *Config, to *os.File, args ...string) *Process {
	t.Helper()
	p := f.prepare(t, c, args)
	p.cmd.Args = append([]string{"nohup"}, p.cmd.Args...)
	p.cmd.Path = "/usr/bin/nohup"
	p.cmd.Stdout, p.cmd.Stderr = to, to
	p.start()
	return p
}

func (p *Process) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// prepare is a trikk that was not started.
func (f *Fleet) prepare(t testing.TB, c *Config, args []string) *Process {
	t.Helper()
	return f.prepareIn(t, c, place{c.State(), longest}, args)
}

// TrikkElsewhere runs trikk as on another machine: it knows nothing of the runs that were started here.
func (f *Fleet) TrikkElsewhere(t testing.TB, c *Config, args ...string) Result {
	t.Helper()
	p := f.prepareIn(t, c, place{c.State() + ".elsewhere", longest}, args)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.start()
	return p.Wait()
}

// place is where a trikk keeps its runs, and how long it may take.
type place struct {
	state string
	limit time.Duration
}

func (f *Fleet) prepareIn(t testing.TB, c *Config, in place, args []string) *Process {
	t.Helper()
	state := in.state
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	full := append([]string{"-C", c.Dir, "--ssh-config", f.Keys.SSHConfig, "--state", state}, args...)
	ctx, cancel := context.WithTimeout(context.Background(), in.limit)
	t.Cleanup(cancel)
	p := &Process{cmd: exec.CommandContext(ctx, f.TrikkPath(), full...), t: t, args: args, limit: in.limit}
	p.cmd.Env = append(os.Environ(), "HOME="+state, "XDG_STATE_HOME="+state, "XDG_CACHE_HOME="+state, "NO_COLOR=1", "TRIKK_PARALLEL=16")
	p.cmd.Dir = c.Dir
	return p
}

// Wait waits until trikk has ended.
func (p *Process) Wait() Result {
	p.t.Helper()
	err := p.cmd.Wait()
	r := Result{Args: p.args, Code: p.cmd.ProcessState.ExitCode(), Stdout: p.stdout.String(), Stderr: p.stderr.String(), t: p.t}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	r.CPU = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	if usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.Memory = usage.Maxrss
	}
	if r.Code == -1 {
		p.t.Fatalf("%s", r.with("was killed after "+p.limit.String()))
	}
	return r
}

// Prints waits until trikk has printed text while it runs; the plan, which it shows before, does not count.
func (p *Process) Prints(text string) {
	p.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		_, running, _ := strings.Cut(p.stderr.String(), "run ")
		if strings.Contains(running, text) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("trikk %s did not print %q:\n%s\n%s", strings.Join(p.args, " "), text, p.stdout.String(), p.stderr.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Starts waits until trikk has loaded its configuration and shown its plan: from before that on it takes signals.
func (p *Process) Starts() {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); p.stdout.String() == ""; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("trikk %s shows no plan:\n%s", strings.Join(p.args, " "), p.stderr.String())
		}
	}
}

// Interrupt is Ctrl-C.
func (p *Process) Interrupt() {
	p.t.Helper()
	p.Signal(syscall.SIGINT)
}

// Signal sends any signal: SIGSTOP and SIGCONT are a laptop that sleeps and wakes.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Run is the ID of the run, once it has begun.
func (p *Process) Run() string {
	p.t.Helper()
	p.Prints("\n")
	_, running, _ := strings.Cut("\n"+p.stderr.String(), "\nrun ")
	id, _, _ := strings.Cut(running, "\n")
	return id
}

// Exit asserts the exit code.
func (r Result) Exit(t testing.TB, code int) Result {
	t.Helper()
	if r.Code != code {
		t.Fatalf("%s", r.with("has another exit code than expected"))
	}
	return r
}

// Says asserts that every text is in what trikk printed, on either stream.
func (r Result) Says(t testing.TB, texts ...string) Result {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.Stdout+r.Stderr, text) {
			t.Errorf("%s", r.with("does not say "+text))
		}
	}
	return r
}

// Lacks asserts that no text is in what trikk printed.
func (r Result) Lacks(t testing.TB, texts ...string) Result {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(r.Stdout+r.Stderr, text) {
			t.Errorf("%s", r.with("says "+text))
		}
	}
	return r
}

func (r Result) with(what string) string {
	return "trikk " + strings.Join(r.Args, " ") + " " + what + "; exit code " + strconv.Itoa(r.Code) + "\n--- stdout\n" + r.Stdout + "\n--- stderr\n" + r.Stderr
}

// buffer may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is all that was written so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
