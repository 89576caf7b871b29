package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// playing is what the mark above a block says: <!-- play SCENE [exit=3,0] [numbers] [full] -->.
type playing struct {
	scene   string
	exits   []int // of the block's calls of trikk, in their order; 0 for those that follow
	numbers bool  // which numbers are printed does not matter
	full    bool  // it and what follows on its stage is played in full runs only
}

// playingOf reads a mark; false: it is none, or another one.
func playingOf(mark string) (playing, bool, error) {
	words := strings.Fields(mark)
	if len(words) < 2 || words[0] != "play" {
		return playing{}, false, nil
	}
	p := playing{scene: words[1]}
	for _, w := range words[2:] {
		list, exits := strings.CutPrefix(w, "exit=")
		switch {
		case w == "numbers":
			p.numbers = true
		case w == "full":
			p.full = true
		case exits:
			for code := range strings.SplitSeq(list, ",") {
				n, err := strconv.Atoi(code)
				if err != nil {
					return p, true, fmt.Errorf("%s: %w", w, err)
				}
				p.exits = append(p.exits, n)
			}
		default:
			return p, true, fmt.Errorf("%q says nothing that a mark can say", w)
		}
	}
	return p, true, nil
}

// stage is where a reader types the commands of a page.
type stage struct {
	dir     string            // where the reader stands at first
	env     map[string]string // the reader's environment
	files   string            // the config repository that the page's files are written into; "": they are not written
	own     []string          // what the stage has of its own there: folders that the page's files don't change
	real    *strings.Replacer // what stands here for what the docs say, in commands and files
	shown   *strings.Replacer // and back, in what is printed
	ready   func()            // called once, when the page's files are there
	isReady bool
}

// reader types what the docs show and looks at what is printed.
type reader struct {
	t      *testing.T
	stage  *stage
	runner *interp.Runner
	out    *output // what was printed since the last prompt
	exits  []int
}

func newReader(t *testing.T, s *stage) *reader {
	t.Helper()
	p := &reader{t: t, stage: s, out: &output{}}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "USER=" + os.Getenv("USER")}
	for name, value := range s.env {
		env = append(env, name+"="+value)
	}
	var err error
	p.runner, err = interp.New(interp.Dir(s.dir), interp.Env(expand.ListEnviron(env...)), interp.StdIO(nil, p.out, p.out), interp.ExecHandlers(p.program))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// types types a line, or several, and gives what is printed, as the docs would show it.
func (p *reader) types(text string) string {
	p.t.Helper()
	p.out.mu.Lock()
	p.out.text.Reset()
	p.out.mu.Unlock()
	f, err := syntax.NewParser().Parse(strings.NewReader(p.stage.real.Replace(text)), "")
	if err != nil {
		p.t.Errorf("%s: %v", text, err)
		return ""
	}
	for _, s := range f.Stmts {
		var line strings.Builder
		if err := syntax.NewPrinter().Print(&line, s); err != nil {
			p.t.Fatal(err)
		}
		if _, known := unplayed()[line.String()]; known {
			continue
		}
		var status interp.ExitStatus
		if err := p.runner.Run(p.t.Context(), s); err != nil && !asStatus(err, &status) {
			p.t.Errorf("%s: %v", text, err)
		}
	}
	return p.stage.shown.Replace(p.out.String())
}

// program runs one program: trikk in this process, some of this machine, and no other.
func (p *reader) program(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		h := interp.HandlerCtx(ctx)
		if slices.Contains(playedPrograms(), args[0]) {
			return interp.DefaultExecHandler(2*time.Second)(ctx, args)
		}
		if _, known := unplayedPrograms()[args[0]]; known {
			if h.Stdin != nil {
				_, _ = io.Copy(io.Discard, h.Stdin)
			}
			return nil
		}
		if args[0] != "trikk" {
			return fmt.Errorf("%s is in neither list of programs", args[0])
		}
		code, want := p.trikk(h, args[1:]), 0
		if endless(args[1:]) {
			want = exitInterrupted
		}
		if len(p.exits) > 0 {
			want, p.exits = p.exits[0], p.exits[1:]
		}
		if code != want {
			said := p.out.String()
			p.t.Errorf("%q ends with %d instead of %d\n%s", args, code, want, said[max(0, len(said)-2000):])
		}
		if code == exitDone {
			return nil
		}
		return interp.ExitStatus(code)
	}
}

// trikk calls trikk as on a terminal, where the reader answers yes. What does not end by itself is interrupted.
func (p *reader) trikk(h interp.HandlerContext, args []string) int {
	if slices.Contains(args, "--keep") {
		return p.keep(h, args)
	}
	w := world{
		in: &agreeable{p.out}, out: h.Stdout, err: h.Stderr, now: time.Now, dir: h.Dir, terminal: true,
		env: func(name string) string {
			v := h.Env.Get(name)
			if !v.Exported {
				return ""
			}
			return v.String()
		},
		colours: func(io.Writer) bool { return false },
		capture: func() func() { return func() {} },
	}
	signals := make(chan os.Signal, 1)
	w.signals = signals
	if endless(args) {
		time.AfterFunc(5*time.Second, func() { signals <- os.Interrupt })
	}
	defer exporting(h.Env)()
	return Main(args, w)
}

// exporting gives this process the variables that the reader exported and it does not have: secrets are read from the environment of a process.
func exporting(env expand.Environ) (end func()) {
	var names []string
	for name, v := range env.Each {
		if _, known := os.LookupEnv(name); v.Exported && !known && os.Setenv(name, v.String()) == nil {
			names = append(names, name)
		}
	}
	return func() {
		for _, name := range names {
			os.Unsetenv(name)
		}
	}
}

// endless tells whether a call ends only when it is interrupted.
func endless(args []string) bool {
	for _, a := range args {
		if a == "--" || args[0] == "show" {
			return false
		}
		if a == "-f" || a == "--follow" || strings.HasPrefix(a, "--watch") {
			return true
		}
	}
	return false
}

// keep starts a fleet in a process of its own, as a reader does in another terminal. It is interrupted at the end.
func (p *reader) keep(h interp.HandlerContext, args []string) int {
	cmd := exec.Command("trikk", args...)
	cmd.Dir = h.Dir
	said := &output{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		p.t.Error(err)
		return exitFailed
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			p.t.Errorf("%q ends with %d\n%s", args, code, said)
		}
		dir := args[slices.Index(args, "--keep")+1]
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			p.t.Errorf("of %q there is left %s: %v", args, dir, err)
		}
	})
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said.String(), "Ctrl-C"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Errorf("%q does not say that it runs: %s", args, said)
			return exitFailed
		}
	}
	_, _ = io.WriteString(h.Stdout, said.String())
	return exitDone
}

// agreeable is a reader who says yes, or types the name that is asked for.
type agreeable struct{ out *output }

var nameAsked = regexp.MustCompile(`(\S+) is protected\. Type its name [^\n]*: $`)

func (a *agreeable) Read(b []byte) (int, error) {
	answer := "y\n"
	if m := nameAsked.FindStringSubmatch(a.out.String()); m != nil {
		answer = m[1] + "\n"
	}
	_, _ = io.WriteString(a.out, answer)
	return copy(b, answer), nil
}

// play plays one block. It gives the block's text as it would be now.
func (p *reader) play(b block, how playing) string {
	p.t.Helper()
	p.exits = slices.Clone(how.exits)
	if b.lang == "sh" {
		p.types(b.text)
		p.allEnded(b)
		return b.text
	}
	var now bytes.Buffer
	for i, part := range strings.Split("\n"+b.text, "\n$ ") {
		if i == 0 {
			continue // before the first prompt
		}
		typed, want, _ := strings.Cut(part, "\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		got := p.types(typed)
		err := printedAs(got, want, how.numbers)
		switch {
		case err == nil:
			got = want
		case os.Getenv("TRIKK_UPDATE") != "1":
			p.t.Errorf("line %d: $ %s\n%v", b.line, typed, err)
		}
		fmt.Fprintf(&now, "$ %s\n%s", typed, got)
	}
	p.allEnded(b)
	return now.String()
}

func (p *reader) allEnded(b block) {
	p.t.Helper()
	if len(p.exits) > 0 {
		p.t.Errorf("line %d: the mark tells of more calls of trikk than there are", b.line)
	}
}

// place writes the files that a page shows above a line: those that begin with "// PATH.cue".
func (s *stage) place(t *testing.T, page page, above int) {
	t.Helper()
	for _, b := range page.blocks {
		first, rest, _ := strings.Cut(b.text, "\n")
		name, placed := strings.CutPrefix(first, "// ")
		if s.files == "" || b.line > above || b.lang != "cue" || !placed || !strings.HasSuffix(name, ".cue") || slices.Contains(s.own, filepath.Dir(name)) {
			continue
		}
		path := filepath.Join(s.files, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(s.real.Replace(rest)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if s.ready != nil && !s.isReady {
		s.isReady = true
		s.ready()
	}
}

// changing are what differs whenever a command of the docs is run.
var changing = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\d{8}T\d{6}-[0-9a-f]{4}`), "RUN"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?`), "TIME"},
	{regexp.MustCompile(`-[0-9a-f]{8}\b`), "-DIGEST"},
	{regexp.MustCompile(`SHA256:[A-Za-z0-9+/]+`), "SHA256:KEY"},
	{regexp.MustCompile(`\(\d+ B\)`), "(SIZE)"},
	{regexp.MustCompile(` +\([\d.]+m?s\)`), ""},
	{regexp.MustCompile(`\b[\d.]+m?s\b`), "SECONDS"},
	{regexp.MustCompile(`(?m)^took .*$`), "took TIME"},
	{regexp.MustCompile(`127\.0\.\d+\.\d+:\d+`), "ADDRESS"},
	{regexp.MustCompile(`(?m)^ *\S+ +waiting .*\n`), ""},
	{regexp.MustCompile(`(?m)^\d+/\d+ done after .*\n`), ""},
	{regexp.MustCompile(`((?i:port)(?::|=| ) *)\d{5}\b`), "${1}PORT"},
	{regexp.MustCompile(`\d+ attempts`), "N attempts"},
	{regexp.MustCompile(`Linux (\d+\.\d+\.\d+)\S*`), "Linux $1"},
	{regexp.MustCompile(`(?m)[ \t]+$`), ""},
	{regexp.MustCompile(`  +`), "  "},
	{regexp.MustCompile(`-{3,}`), "---"},
}

var number = regexp.MustCompile(`\d+(\.\d+)?[KMGs%]?`)

func steady(text string, numbers bool) string {
	for _, c := range changing {
		text = c.from.ReplaceAllString(text, c.to)
	}
	if numbers {
		text = number.ReplaceAllString(text, "N")
	}
	return byHost(text)
}

// printedAs is nil where got is what the docs show, but for what changes from run to run. A line … in the docs stands for any
// lines, and … in a line for any text.
func printedAs(got, want string, numbers bool) error {
	got, want = steady(got, numbers), steady(want, numbers)
	var form strings.Builder
	for line := range strings.Lines(want) {
		if strings.TrimSpace(line) == "…" {
			form.WriteString(`(?:.*\n)*?`)
			continue
		}
		form.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	if regexp.MustCompile(`^` + form.String() + `$`).MatchString(got) {
		return nil
	}
	return fmt.Errorf("the docs show\n%s\nnow it is\n%s", want, got)
}
