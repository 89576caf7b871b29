package config

import (
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// Isolation makes Load evaluate in a process of its own, which is ended when it takes too much: CUE has no bounds, and a stack
// that overflows can't be caught.
type Isolation struct {
	// Program is a command line whose process calls Serve with its standard input and output.
	Program []string
	// Memory is what the process may have, in bytes; 0 is 1 GiB.
	Memory int64
	// Time is how much CPU time may pass while one package is evaluated; 0 is 10 s. In real time it is wallFactor as much,
	// for machines that are busy.
	Time time.Duration
}

const (
	defaultMemory = 1 << 30
	defaultTime   = 10 * time.Second
	wallFactor    = 10
	// lookEvery is how often the process is looked at.
	lookEvery = 20 * time.Millisecond
	// maxStderr is how much is kept of what the process says when it dies, in bytes.
	maxStderr = 16 << 10
)

func (i Isolation) memory() int64       { return cmp.Or(i.Memory, defaultMemory) }
func (i Isolation) time() time.Duration { return cmp.Or(i.Time, defaultTime) }

// fate is why the process did not end well, and what it was at.
type fate struct {
	message, hint string
	at            []work // what was begun and not ended, earliest first
}

func (f *fate) Error() string { return f.message }

// isolated does a task in another process. When that takes too much while several packages are at work, each is tried alone, so
// that the error names the one that did it.
func isolated(ctx context.Context, o Options, q request) (*answer, error) {
	a, err := attempt(ctx, o, q)
	var f *fate
	if !errors.As(err, &f) {
		return a, err
	}
	if len(f.at) > 1 {
		for _, suspect := range f.at {
			alone := o
			alone.only = []string{suspect.Dir}
			_, err := attempt(ctx, alone, q)
			var g *fate
			if errors.As(err, &g) && len(g.at) > 0 {
				f = g
				break
			}
		}
	}
	return nil, f.errors()
}

// errors is what a person is told: one mistake for each package that may have done it.
func (f *fate) errors() error {
	if len(f.at) == 0 {
		return failure("evaluating the config repository: "+f.message, f.hint)
	}
	var out []Diagnostic
	for _, w := range f.at {
		out = append(out, Diagnostic{Pos: plan.Pos{File: w.File, Line: 1, Column: 1}, Message: w.what() + " " + f.message, Hint: f.hint})
	}
	return &Errors{List: tidy(out)}
}

// attempt runs the process once.
func attempt(ctx context.Context, o Options, q request) (*answer, error) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	p := process{cmd: exec.CommandContext(running, o.Isolation.Program[0], o.Isolation.Program[1:]...), limits: *o.Isolation}
	p.cmd.Env = []string{"CUE_REGISTRY=none", "HOME=" + os.Getenv("HOME")} // for ~/ of encrypted files; nothing of ours: what is evaluated is not ours either
	p.cmd.SysProcAttr = dieWithParent()
	p.cmd.WaitDelay = time.Second
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the evaluation: %w", err)
	}
	q.Dir, q.Paths, q.MaxFile, q.Only, q.Memory = o.Dir, o.Paths, o.MaxFile, o.only, o.Isolation.memory()
	sent := gob.NewEncoder(in).Encode(q)
	_ = in.Close()
	answer, why := p.follow(out)
	cancel()
	waited := p.cmd.Wait()
	switch {
	case why != nil:
		return nil, why
	case answer != nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("evaluating: %w", ctx.Err())
	}
	return nil, p.died(errors.Join(sent, waited))
}

// process is the evaluation at work.
type process struct {
	cmd    *exec.Cmd
	limits Isolation
	stderr head
	begun  []begun
}

// begun is work that has not ended.
type begun struct {
	work
	cpu  time.Duration // of the process when it began
	wall time.Time
}

// follow reads what the process reports until it has answered, has ended or has taken too much.
func (p *process) follow(out io.Reader) (*answer, error) {
	reports := make(chan report)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(reports)
		d := gob.NewDecoder(out)
		for {
			var r report
			if d.Decode(&r) != nil {
				return
			}
			select {
			case reports <- r:
			case <-stop:
				return
			}
		}
	}()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case r, ok := <-reports:
			if !ok || r.Answer != nil {
				return r.Answer, nil
			}
			p.note(r)
		case <-look.C:
			if why := p.excess(); why != nil {
				return nil, why
			}
		}
	}
}

// note keeps what is begun.
func (p *process) note(r report) {
	if r.Ended {
		p.begun = slices.DeleteFunc(p.begun, func(b begun) bool { return b.work == r.Work })
		return
	}
	u := usageOf(p.cmd.Process.Pid)
	p.begun = append(p.begun, begun{r.Work, u.cpu, time.Now()})
}

// excess says what the process has taken too much of.
func (p *process) excess() error {
	u := usageOf(p.cmd.Process.Pid)
	if u.memory > p.limits.memory() {
		return &fate{fmt.Sprintf("needs more than %d MiB of memory to be evaluated", p.limits.memory()>>20), "it, or what it imports, grows without end; --cue-memory allows more", p.all()}
	}
	var late []work
	for _, b := range p.begun {
		if u.cpu-b.cpu > p.limits.time() || time.Since(b.wall) > wallFactor*p.limits.time() {
			late = append(late, b.work)
		}
	}
	if len(late) == 0 {
		return nil
	}
	return &fate{fmt.Sprintf("takes more than %s to be evaluated", p.limits.time()), "it, or what it imports, does not come to an end; --cue-time allows more", late}
}

func (p *process) all() []work {
	var out []work
	for _, b := range p.begun {
		out = append(out, b.work)
	}
	return out
}

// died is the fate of a process that ended by itself without an answer.
func (p *process) died(err error) error {
	said := p.stderr.String()
	switch {
	case strings.Contains(said, "stack overflow") || strings.Contains(said, "stack exceeds"):
		return &fate{"is nested too deeply to be evaluated", "write it with fewer levels", p.all()}
	case strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate"):
		return &fate{"needs more memory to be evaluated than there is", "it, or what it imports, grows without end", p.all()}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return &fate{"ended the evaluation: " + cmp.Or(first, fmt.Sprint(err)), "", p.all()}
}

// head keeps the first bytes that are written to it.
type head struct{ strings.Builder }

// Write keeps what there is room for.
func (h *head) Write(p []byte) (int, error) {
	_, _ = h.Builder.Write(p[:max(0, min(len(p), maxStderr-h.Len()))])
	return len(p), nil
}
