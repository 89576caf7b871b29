package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
	"trikk.dev/engine/plan"
)

// player plays the events of a run to a view or a board.
type player struct {
	plan  plan.Plan
	event func(plan.Event)
}

// ref names the first segment of a lane of the plan's first app.
func (p player) ref(wave, lane, segment int) *plan.Ref {
	return &plan.Ref{Plan: p.plan.ID, Wave: wave, Lane: lane, Segment: segment}
}

func (p player) segments(wave, lane int) []plan.Segment {
	var out []plan.Segment
	for i := 0; ; i++ {
		seg, err := p.plan.Segment(*p.ref(wave, lane, i))
		if err != nil {
			return out
		}
		out = append(out, seg)
	}
}

// lane plays the first steps of a lane, or all of them, and then begins the next.
func (p player) lane(wave, lane, steps int) {
	for i, seg := range p.segments(wave, lane) {
		ref := p.ref(wave, lane, i)
		p.event(plan.Event{Kind: plan.SegmentStarted, Ref: ref})
		for _, s := range seg.Steps {
			if steps--; steps < 0 {
				return
			}
			p.event(plan.Event{Kind: plan.StepFinished, Ref: ref, Result: &plan.Result{Step: s.ID, Status: plan.Changed, Millis: 1200}})
		}
		p.event(plan.Event{Kind: plan.SegmentFinished, Ref: ref})
	}
}

// half is a board in the middle of a run of 30 servers: one has failed and is undone, one uploads, most wait.
func half(t *testing.T) (*board, time.Time) {
	t.Helper()
	p, _ := wide(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	b := newBoard("R", p, now)
	play := player{p, func(e plan.Event) { b.event(e, now) }}
	for i := range 29 {
		play.lane(0, i, 100)
	}
	now = now.Add(8 * time.Second)
	play.lane(0, 29, 1)
	upload := play.segments(0, 29)[0].Steps[1].ID
	b.sent(upload, 100_000, 1_500_000, now)
	now = now.Add(2 * time.Second)
	b.sent(upload, 700_000, 1_500_000, now)
	play.lane(1, 0, 6)
	probe := b.rows[0].step
	b.progress(probe, "503 Service Unavailable: \x1b[2Jwaiting for 数据库")
	play.lane(1, 1, 100)
	play.lane(2, 0, 3)
	ref := play.ref(2, 1, 0)
	play.event(plan.Event{Kind: plan.SegmentStarted, Ref: ref})
	play.event(plan.Event{Kind: plan.StepFinished, Ref: ref, Result: &plan.Result{Step: play.segments(2, 1)[0].Steps[0].ID, Status: plan.Failed, Error: "no"}})
	return b, now.Add(4 * time.Second)
}

func TestBoardFrames(t *testing.T) {
	b, now := half(t)
	for name, at := range map[string]size{"80x24": {80, 24}, "120x50": {120, 50}, "30x6": {30, 6}, "80x3": {80, 3}, "1x1": {1, 1}} {
		frame := b.frame(now, at, paint{})
		for _, line := range frame {
			if runewidth.StringWidth(line) >= max(21, at.width) || strings.ContainsAny(line, "\x1b\n\r") {
				t.Errorf("%s: a line does not fit: %q", name, line)
			}
		}
		if len(frame) >= max(2, at.height) {
			t.Errorf("%s: %d lines", name, len(frame))
		}
		if at.height > 20 {
			golden(t, "board/"+name+".txt", []byte(strings.Join(frame, "\n")+"\n"))
		}
		for i, line := range b.frame(now, at, paint{true}) {
			if got := sgr(line); got != frame[i] {
				t.Errorf("with colour there is other text: %q, %q", got, frame[i])
			}
		}
	}
}

// sgr is text without its colours.
func sgr(text string) string {
	for _, style := range []string{"32", "1;31", "33", "1", "0"} {
		text = strings.ReplaceAll(text, "\x1b["+style+"m", "")
	}
	return text
}

func TestBoardFollowsUndo(t *testing.T) {
	p, _ := wide(t)
	now := time.Unix(0, 0)
	b := newBoard("R", p, now)
	play := player{p, func(e plan.Event) { b.event(e, now) }}
	play.lane(0, 0, 100)
	if s := b.rows[0]; s.state != seatRests {
		t.Errorf("after the install it is %+v", s)
	}
	play.lane(1, 0, 1)
	ref := &plan.Ref{Plan: p.ID, Wave: 1, Undo: true, Upto: 1}
	seg, err := p.Segment(*ref)
	if err != nil {
		t.Fatal(err)
	}
	play.event(plan.Event{Kind: plan.SegmentStarted, Ref: ref})
	if s := b.rows[0]; s.state != seatUndo || s.title != seg.Steps[0].Title {
		t.Errorf("while it is undone it is %+v", s)
	}
	for _, s := range seg.Steps {
		play.event(plan.Event{Kind: plan.StepFinished, Ref: ref, Result: &plan.Result{Step: s.ID, Status: plan.Changed}})
	}
	if s := b.rows[0]; s.state != seatBack {
		t.Errorf("undone it is %+v", s)
	}
	b.event(plan.Event{Kind: plan.StepFinished, Result: &plan.Result{Step: "nobody's"}}, now)
	b.sent("nobody's", 1, 2, now)
	b.progress("nobody's", "x")
}

// tube is a terminal as far as the board uses one: what it shows, line by line. Any other sequence is an error.
type tube struct {
	mu    sync.Mutex
	lines []string
	row   int
	col   int
	up    bool // the last sequence went up, perhaps to the first place, from where tmux keeps a copy of what is erased
	wrong string
}

func (u *tube) read(r io.Reader) {
	all := make([]byte, 4096)
	rest := ""
	for {
		n, err := r.Read(all)
		rest = u.take(rest + string(all[:n]))
		if err != nil {
			return
		}
	}
}

// take shows text, and gives back a sequence that is not whole yet.
func (u *tube) take(text string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	for text != "" {
		if strings.HasPrefix(text, "\x1b") {
			end := strings.IndexAny(text, "ABCDHJKhlmn")
			if end < 0 {
				return text
			}
			u.sequence(text[1:end], text[end])
			text = text[end+1:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		u.put(r)
	}
	return ""
}

func (u *tube) sequence(args string, kind byte) {
	n, _ := strconv.Atoi(strings.TrimPrefix(args, "["))
	was := u.up
	u.up = kind == 'A'
	switch {
	case kind == 'm':
	case kind == 'A':
		u.row = max(0, u.row-n)
	case kind == 'K' && u.row < len(u.lines):
		u.lines[u.row] = string([]rune(u.lines[u.row])[:u.col])
	case kind == 'J' && was:
		u.wrong += "erased from where it went up to "
	case kind == 'J' && u.row < len(u.lines):
		u.lines = u.lines[:u.row]
	case kind == 'J':
	default:
		u.wrong += args + string(kind) + " "
	}
}

func (u *tube) put(r rune) {
	for len(u.lines) <= u.row {
		u.lines = append(u.lines, "")
	}
	switch r {
	case '\r':
		u.col = 0
	case '\n':
		u.row++
	default:
		line := []rune(u.lines[u.row])
		u.lines[u.row] = string(append(line[:min(u.col, len(line))], r))
		u.col++
	}
}

func (u *tube) shown() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(u.lines, "\n")
}

// until waits until the terminal shows a text.
func (u *tube) until(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(u.shown(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never shows %q:\n%s", text, u.shown())
		}
	}
}

// TestBoardOnATerminal: on a real terminal the board is drawn over in place, lines that stay are above it, and at the end nothing of
// it is left; the terminal's modes are never changed.
func TestBoardOnATerminal(t *testing.T) {
	near, far, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	if err := pty.Setsize(far, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(far.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	u := &tube{}
	go u.read(near)
	p, _ := wide(t)
	w := world{err: far, out: far, env: func(name string) string { return map[string]string{"TERM": "xterm"}[name] }, now: time.Now, size: sizeOf(far), colours: func(w io.Writer) bool { return w == io.Writer(far) }}
	c := &cli{world: w, screen: &screen{to: far}, flags: flags{color: "auto", progress: progressAuto}}
	c.world.err = c.screen
	v, is := c.newView(nil).(*boardView)
	if !is {
		t.Fatal("on a terminal there is no board")
	}
	v.start("R1", p)
	play := player{p, v.event}
	u.until(t, "30 turns done")
	play.lane(0, 0, 1)
	step := play.segments(0, 0)[0].Steps[1].ID
	v.upload("app01", step, 5, 10)
	u.until(t, "50 %")
	c.say("somebody says something")
	v.progress("app02", step, "something else")
	v.event(plan.Event{Kind: plan.CancelAsked})
	ref := play.ref(0, 1, 0)
	v.event(plan.Event{Kind: plan.SegmentStarted, Ref: ref})
	v.event(plan.Event{Kind: plan.StepFinished, Ref: ref, Result: &plan.Result{Step: play.segments(0, 1)[0].Steps[0].ID, Status: plan.Failed, Error: "no space", Output: "df says: full"}})
	u.until(t, "app02  FAILED")
	u.until(t, "app02  FAILED            ")
	for segment := range 2 {
		v.event(plan.Event{Kind: plan.SegmentStarted, Ref: &plan.Ref{Plan: p.ID, Wave: 1, Undo: true, Upto: 4, Segment: segment}})
	}
	v.finish(plan.Outcome{Status: plan.Interrupted, Apps: []plan.AppOutcome{{App: "shop", Status: plan.Interrupted}}})
	u.until(t, "was interrupted in prod")
	u.until(t, "took ")
	shown := u.shown()
	for _, once := range []string{"somebody says something", "interrupted: nothing new is started", "no space", "df says: full", "run R1"} {
		if strings.Count(shown, once) != 1 {
			t.Errorf("%q is shown %d times:\n%s", once, strings.Count(shown, once), shown)
		}
	}
	if strings.Contains(shown, "\n\n\n") {
		t.Errorf("empty lines are left where a segment had nothing to say:\n%s", shown)
	}
	if strings.Contains(shown, "turns done") || u.wrong != "" {
		t.Errorf("something of the board is left, or a sequence is unknown (%q):\n%s", u.wrong, shown)
	}
	after, err := term.GetState(int(far.Fd()))
	if err != nil || *after != *before {
		t.Errorf("the terminal's modes were changed: %v", err)
	}
	far.Close()
}

func TestViewOfARun(t *testing.T) {
	terminal := func() (size, bool) { return size{80, 24}, true }
	none := func() (size, bool) { return size{}, false }
	for name, test := range map[string]struct {
		flags flags
		term  string
		size  func() (size, bool)
		board bool
	}{
		"a terminal":      {flags{progress: progressAuto}, "xterm", terminal, true},
		"no terminal":     {flags{progress: progressAuto}, "xterm", none, false},
		"nothing known":   {flags{progress: progressAuto}, "xterm", nil, false},
		"a dumb one":      {flags{progress: progressAuto}, "dumb", terminal, false},
		"an unknown one":  {flags{progress: progressAuto}, "", terminal, false},
		"plain":           {flags{progress: progressPlain}, "xterm", terminal, false},
		"asked for":       {flags{progress: progressBoard}, "dumb", terminal, true},
		"asked in vain":   {flags{progress: progressBoard}, "xterm", none, false},
		"quiet":           {flags{progress: progressAuto, quiet: true}, "xterm", terminal, false},
		"json":            {flags{progress: progressBoard, json: true}, "xterm", terminal, false},
		"output of steps": {flags{progress: progressAuto, verbose: 1}, "xterm", terminal, false},
	} {
		c := &cli{flags: test.flags, screen: &screen{to: io.Discard}, world: world{err: io.Discard, out: io.Discard, now: time.Now, size: test.size,
			env: func(name string) string { return map[string]string{"TERM": test.term}[name] }}}
		if _, is := c.newView(nil).(*boardView); is != test.board {
			t.Errorf("%s: a board is %v", name, is)
		}
	}
	if got, ok := sizeOf(os.Stdin)(); ok && got.width == 0 {
		t.Error("a terminal without a width")
	}
}
