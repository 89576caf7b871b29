package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"trikk.dev/engine/demo"
)

// bench is a small demo fleet and a person who calls trikk on it.
type bench struct {
	t     *testing.T
	fleet *demo.Fleet
	state string
}

// long skips a test that only full runs have time for: it deploys several times.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("TRIKK_FULL") == "" {
		t.Skip("a long one: TRIKK_FULL=1 runs it")
	}
}

// newBench starts a fleet of two servers and one proxy whose app is quick.
func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchWith(t, demo.Options{Servers: 2})
}

// newBenchOf starts a fleet of some servers. One is enough, and twice as fast, where a test is not about turns.
func newBenchOf(t *testing.T, servers int) *bench {
	t.Helper()
	return newBenchWith(t, demo.Options{Servers: servers})
}

// newBenchWith starts a fleet with one proxy; the program is set here.
func newBenchWith(t *testing.T, o demo.Options) *bench {
	t.Helper()
	program, err := exec.LookPath("trikk")
	if err != nil {
		t.Fatal(err)
	}
	o.Program, o.Proxies = program, 1
	f, err := demo.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{t: t, fleet: f, state: f.State}
	b.edit("hello/app.cue", "minReadySeconds: 1", "minReadySeconds: 0")
	return b
}

// edit replaces text in a file of the config repository.
func (b *bench) edit(name, old, text string) {
	b.t.Helper()
	path := filepath.Join(b.fleet.Config, name)
	was, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(string(was), old) {
		b.t.Fatalf("%s does not contain %q:\n%s", name, old, was)
	}
	b.write(name, strings.Replace(string(was), old, text, 1))
}

// write writes a file of the config repository.
func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.fleet.Config, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// read reads a file of the config repository.
func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.fleet.Config, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// call is one call of trikk.
type call struct {
	b        *bench
	args     []string
	code     int
	out, err *output
	answers  string
	asked    func() // called before an answer is read
	terminal bool
	together bool // both outputs are one, as on a terminal
	// unwritable is the error of every write to standard output; nil: it can be written
	unwritable error
	signals    chan os.Signal
	ended      chan struct{}
}

// typist types the answers, one line a read.
type typist struct {
	answers *strings.Reader
	asked   func()
}

// Read gives one line at most, as a terminal does.
func (p *typist) Read(b []byte) (int, error) {
	if p.asked != nil {
		p.asked()
	}
	for n := range b {
		c, err := p.answers.ReadByte()
		if err != nil {
			return n, err
		}
		if b[n] = c; c == '\n' {
			return n + 1, nil
		}
	}
	return len(b), nil
}

// output is what a call has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	err  error // of every write
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// begin starts a call of trikk in the config repository.
func (b *bench) begin(c *call) *call {
	c.b, c.out, c.err, c.signals, c.ended = b, &output{err: c.unwritable}, &output{}, make(chan os.Signal, 4), make(chan struct{})
	if c.together {
		c.err = c.out
	}
	w := world{
		in: &typist{strings.NewReader(c.answers), c.asked}, out: c.out, err: c.err, now: time.Now, dir: b.fleet.Config, terminal: c.terminal,
		env:     func(string) string { return "" },
		colours: func(io.Writer) bool { return false },
		signals: c.signals, capture: func() func() { return func() {} },
	}
	common := []string{"--ssh-config", b.fleet.SSHConfig, "--state", b.state}
	go func() {
		defer close(c.ended)
		c.code = Main(append(common, c.args...), w)
	}()
	return c
}

// trikk calls trikk without a terminal, and fails unless it ends with the exit code.
func (b *bench) trikk(code int, args ...string) *call {
	b.t.Helper()
	return b.begin(&call{args: args}).wait(code)
}

// typing calls trikk on a terminal where a person types the answers.
func (b *bench) typing(code int, answers string, args ...string) *call {
	b.t.Helper()
	return b.begin(&call{args: args, terminal: true, answers: answers}).wait(code)
}

// wait waits until the call has ended.
func (c *call) wait(code int) *call {
	c.b.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(2 * time.Minute):
		c.b.t.Fatalf("%s\nhas not ended", c)
	}
	if c.code != code {
		c.b.t.Fatalf("%s\nended with %d instead of %d", c, c.code, code)
	}
	return c
}

func (c *call) String() string {
	return "trikk " + strings.Join(c.args, " ") + "\n-- out\n" + c.out.String() + "-- err\n" + c.err.String()
}

// shows waits until the call has printed text on standard error.
func (c *call) shows(text string) {
	c.b.t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(c.err.String(), text); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.b.t.Fatalf("%s\ndoes not show %q", c, text)
		}
	}
}

// says fails unless the call printed all of the texts, on whatever stream.
func (c *call) says(texts ...string) *call {
	c.b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(c.out.String()+c.err.String(), text) {
			c.b.t.Errorf("%s\nlacks %q", c, text)
		}
	}
	return c
}

// event is one line of --json.
type event struct {
	Time, Run, Event string
	Line             string         `json:"-"`
	Fields           map[string]any `json:"-"`
}

// events reads what a call with --json printed: one object a line, each with time, run and event.
func (c *call) events() []event {
	c.b.t.Helper()
	return eventsOf(c.b.t, c.out.String())
}

func eventsOf(t *testing.T, text string) []event {
	t.Helper()
	var out []event
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		e := event{Line: line}
		if err := json.Unmarshal([]byte(line), &e.Fields); err != nil {
			t.Fatalf("no object: %v\n%s", err, line)
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"time", "run", "event"} {
			if _, ok := e.Fields[name].(string); !ok && e.Event != "demo.finished" {
				t.Errorf("a line lacks %s: %s", name, line)
			}
		}
		out = append(out, e)
	}
	return out
}

var scrubs = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\d{8}T\d{6}-[0-9a-f]{4}`), "RUN"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "TIME"},
	{regexp.MustCompile(`\b(\d\.\d|local)-[0-9a-f]{8}\b`), "$1-DIGEST"},
	{regexp.MustCompile(` \(\d+ B\)`), " (SIZE)"},
	{regexp.MustCompile(`  \([\d.]+m?s\)`), ""},
	{regexp.MustCompile(`(?m)^took .*$`), "took TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\d+ attempts`), "N attempts"},
}

// scrub replaces what differs from run to run.
func (b *bench) scrub(text string) string {
	text = strings.ReplaceAll(text, b.fleet.Dir, "FLEET")
	for _, s := range scrubs {
		text = s.from.ReplaceAllString(text, s.to)
	}
	return text
}

// appears waits for files of the fleet.
func (b *bench) appears(names ...string) {
	b.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for _, name := range names {
		for {
			if _, err := os.Stat(b.path(name)); err == nil {
				break
			}
			if time.Now().After(deadline) {
				b.t.Fatalf("%s does not appear", name)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}
