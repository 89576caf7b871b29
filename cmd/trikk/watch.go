package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// shortestWatch is the least time between two looks.
const shortestWatch = time.Second

// watchFlag adds --watch to a command that shows how things are.
func watchFlag(cmd *cobra.Command, every *time.Duration) {
	cmd.Flags().DurationVar(every, "watch", 0, "show it again every `INTERVAL`, until interrupted (--watch alone: 5s)")
	cmd.Flags().Lookup("watch").NoOptDefVal = "5s"
}

// redraws tells whether the output is a terminal that can be drawn anew.
func (c *cli) redraws() bool {
	p, ok := c.out.(*printed)
	return ok && !c.flags.json && c.colours != nil && c.world.env("TERM") != "dumb" && c.colours(p.to)
}

// watch calls show again and again, until ctx ends. On a terminal each picture replaces the one before; elsewhere they follow each other.
// What went wrong in one look is told, and ends nothing.
func (c *cli) watch(ctx context.Context, every time.Duration, show func() error) error {
	out := c.out
	for first := true; ; first = false {
		began := c.now()
		picture := &held{to: out}
		c.out = picture
		err := show()
		c.out = out
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted}
		}
		switch {
		case c.redraws():
			fmt.Fprintf(c.out, "\x1b[H\x1b[2J%s, every %s; Ctrl-C ends it\n\n", began.Format(time.DateTime), every)
		case !first && !c.flags.json:
			fmt.Fprintf(c.out, "\n%s\n", stamp(began))
		}
		if lost := picture.flush(); lost != nil {
			return lost
		}
		if err != nil {
			complain(c.world.err, err)
		}
		select {
		case <-ctx.Done():
			return &exitError{code: exitInterrupted}
		case <-time.After(every):
		}
	}
}

// held keeps a picture until it is whole, so that a terminal shows the one before meanwhile.
type held struct {
	to   io.Writer
	text []byte
}

func (h *held) Write(p []byte) (int, error) {
	h.text = append(h.text, p...)
	return len(p), nil
}

func (h *held) flush() error {
	_, err := h.to.Write(h.text)
	return err
}
