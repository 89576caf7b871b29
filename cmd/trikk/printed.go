package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"
)

// printed is standard output. No write fails: the first error is kept for the end of the command, and nothing is written after
// it. So a run goes on whatever becomes of its output, and what was written is the beginning of it, without gaps.
type printed struct {
	mu  sync.Mutex
	to  io.Writer
	err error
}

func (p *printed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		_, p.err = p.to.Write(text)
	}
	return len(text), nil
}

// lost is why the output is not whole. It is nil where the reader went away: it has what it wanted.
func (p *printed) lost() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || errors.Is(p.err, syscall.EPIPE) {
		return nil
	}
	cause := p.err
	var path *fs.PathError
	if errors.As(cause, &path) {
		cause = path.Err
	}
	return fmt.Errorf("writing the output: %w", cause)
}
