package host

import (
	"context"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// event is what follow waits for: a marker, with the output that came before it.
type event struct {
	marker
	same   bool
	output []byte
	at     time.Time
	lost   int64 // bytes of output that were not kept
}

// Verbs of events that are no markers.
const (
	lineVerb = "line" // hold: the first line
	goneVerb = "gone" // the channel ended
)

// shell is one framed script on its channel. Output is always drained, whether or not anybody takes the events.
type shell struct {
	channel *session
	events  chan event
	left    chan struct{} // closed by leave: nobody takes events any more
	leaving sync.Once

	mu     sync.Mutex // guards output, which the reader writes
	output *capped

	// The reader's own.
	same     bool
	begun    bool
	wantLine bool
	keep     func() *capped
	live     func([]byte)
	stepping bool // between the start and the end of a step

	stderr     *capped
	stderrDone chan struct{}
}

// start opens a channel, sends the script without waiting for an answer, and reads what comes. keep makes the buffer of
// each step's output. The caller calls leave.
func (c *Connection) start(ctx context.Context, f frame, keep func() *capped) (*shell, error) {
	channel, err := c.openSession(ctx)
	if err != nil {
		return nil, err
	}
	x := &shell{
		channel: channel, events: make(chan event, 16), left: make(chan struct{}),
		output: keep(), keep: keep, wantLine: f.line, live: f.live, stderr: newCapped(), stderrDone: make(chan struct{}),
	}
	go func() {
		defer close(x.stderrDone)
		_, _ = io.Copy(x.stderr, channel.Stderr())
	}()
	if _, err := channel.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{f.command})); err != nil {
		x.leave()
		return nil, c.unreachable("sending a script", err)
	}
	go x.read(f.nonce)
	return x, nil
}

// send writes the script; the server tells by closing when it doesn't read.
func (x *shell) send(f frame) {
	go func() {
		_, _ = io.WriteString(x.channel, f.text)
		_ = x.channel.CloseWrite()
	}()
}

// leave closes the channel. What the script still prints is dropped, and a script that starts another step ends.
func (x *shell) leave() {
	x.leaving.Do(func() {
		close(x.left)
		_ = x.channel.Close()
	})
}

// read turns the stream into events, the last of which is gone.
func (x *shell) read(nonce string) {
	s := &splitter{nonce: []byte(nonce), output: x.take, marker: x.mark}
	if _, err := io.Copy(s, x.channel); err != nil {
		_ = x.channel.Close()
		_, _ = io.Copy(io.Discard, x.channel)
	}
	x.take(s.rest)
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	for _, end := range []<-chan struct{}{x.channel.closed, x.stderrDone} {
		select {
		case <-end:
		case <-timer.C:
		case <-x.left:
		}
	}
	x.emit(event{marker: marker{verb: goneVerb}, output: x.snapshot()})
}

// snapshot is the output of the running step so far.
func (x *shell) snapshot() []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.output.bytes()
}

func (x *shell) take(p []byte) {
	if x.live != nil && x.stepping {
		x.live(p)
		return
	}
	x.mu.Lock()
	_, _ = x.output.Write(p)
	x.mu.Unlock()
	if x.wantLine && x.begun {
		x.takeLine()
	}
}

// takeLine tells the first line that has something on it.
func (x *shell) takeLine() {
	for i, b := range x.output.head {
		if b == '\n' && i > 0 {
			x.wantLine = false
			x.emit(event{marker: marker{verb: lineVerb}, output: append([]byte(nil), x.output.head[:i]...)})
			return
		}
	}
}

func (x *shell) mark(m marker) {
	switch m.verb {
	case "same":
		x.same = true
		return
	case "refused":
		x.wantLine = false
		return
	case "begin":
		x.begun = true
	case "start":
		x.stepping = true
	case "end":
		x.stepping = false
	}
	x.emit(event{marker: m, same: x.same, output: x.snapshot(), lost: x.output.dropped})
	if m.verb == "begin" || m.verb == "start" || m.verb == "end" {
		x.renew()
	}
}

// renew starts the buffer of the next step.
func (x *shell) renew() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.output, x.same = x.keep(), false
}

func (x *shell) emit(e event) {
	e.at = time.Now()
	select {
	case x.events <- e:
	case <-x.left:
	}
}

// said is what the login printed on standard error; it is complete after the gone event.
func (x *shell) said() string {
	select {
	case <-x.stderrDone:
		return string(x.stderr.bytes())
	case <-x.left:
		return ""
	}
}
