package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// screen is standard error. Where a frame is shown, it stays below all that is written, and is drawn over in place. It sets no
// mode of the terminal, hides no cursor and reads nothing: whatever ends the program, the terminal is as it was.
type screen struct {
	mu    sync.Mutex
	to    io.Writer
	frame []string // what is shown now
}

// Write writes above the frame.
func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.frame) == 0 || len(text) == 0 {
		return s.to.Write(text)
	}
	above := string(text)
	if !strings.HasSuffix(above, "\n") {
		above += "\n"
	}
	return len(text), s.draw(above, s.frame)
}

// show replaces the frame; an empty one is none. Its lines are narrower than the terminal and fewer than the terminal's.
func (s *screen) show(frame []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(frame) > 0 || len(s.frame) > 0 {
		_ = s.draw("", frame) // who can't see it misses nothing: the run goes on
	}
}

// draw takes the old frame away, and writes text and the new one, all at once.
func (s *screen) draw(above string, frame []string) error {
	var b bytes.Buffer
	if n := len(s.frame); n > 0 {
		// Erasing to the end from the very first place would leave a copy in the history of tmux: the first line is erased by itself.
		fmt.Fprintf(&b, "\r\x1b[%dA\x1b[K\n\x1b[J\x1b[1A", n)
	}
	b.WriteString(above)
	for _, line := range frame {
		b.WriteString(line + "\n")
	}
	s.frame = frame
	_, err := s.to.Write(b.Bytes())
	return err
}
