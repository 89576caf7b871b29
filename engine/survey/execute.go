package survey

import (
	"context"
	"errors"
	"time"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
)

// Command is one command line for several hosts.
type Command struct {
	Words    []string // the program and its arguments, which reach it as they are; no shell reads them
	As       string   // the user that runs it, through sudo -n; "": the login user
	Deadline time.Duration
	// Tell is told how far each host is, concurrently for different hosts; nil: nobody wants to know.
	Tell func(ExecEvent)
}

// ExecEvent is what became of a command on a host: connecting to it began, or the command was begun, or it ended.
type ExecEvent struct {
	Host  string
	Doing string // ExecConnecting or ExecRunning; "" with Ended
	Ended *Ended
}

// What is done with a host.
const (
	ExecConnecting = "connecting"
	ExecRunning    = "running"
)

// Ended is how a command ended on one host.
type Ended struct {
	Host   string
	Exit   int
	Output string // standard output and error, at most the first and the last 32 KiB
	Took   time.Duration
	// Err: it was not run, or (host.Unknown) its end is not known: the deadline or ctx ended it.
	Err error
}

// Execute runs a command on hosts, on at most that many at once, in the user's home and without input. It gives one Ended a host, in
// their order. When ctx ends, commands that run are killed. It changes what the command changes; trying again is as safe as the command is.
func Execute(ctx context.Context, hs Hosts, hosts []string, c Command, most int) []Ended {
	out := make([]Ended, len(hosts))
	if c.Tell == nil {
		c.Tell = func(ExecEvent) {}
	}
	each(hosts, most, func(i int, name string) {
		out[i] = execute(ctx, hs, name, c)
		out[i].Host = name
		c.Tell(ExecEvent{Host: name, Ended: &out[i]})
	})
	return out
}

func execute(ctx context.Context, hs Hosts, name string, c Command) Ended {
	if ctx.Err() != nil {
		return Ended{Err: &host.Error{Host: name, Kind: host.Unreachable, Doing: "running the command", Err: context.Cause(ctx)}}
	}
	c.Tell(ExecEvent{Host: name, Doing: ExecConnecting})
	h, err := hs.Host(ctx, name)
	if err != nil {
		return Ended{Err: err}
	}
	c.Tell(ExecEvent{Host: name, Doing: ExecRunning})
	// command keeps the words from being functions of the shell that runs the frame.
	text := "set -- " + shellescape.QuoteCommand(c.Words) + "\ncommand \"$@\""
	began := time.Now()
	records, err := h.Run(ctx, host.Script{As: c.As, Steps: []host.ScriptStep{{ID: "the command", Text: text, Timeout: c.Deadline}}}, nil)
	switch {
	case err != nil:
		var e *host.Error
		if errors.As(err, &e) {
			return Ended{Err: err, Output: e.Output, Took: time.Since(began)}
		}
		return Ended{Err: err}
	case len(records) == 0:
		return Ended{Err: &host.Error{Host: name, Kind: host.Unknown, Doing: "running the command", Err: errors.New("the shell said nothing of its end")}}
	}
	return Ended{Exit: records[0].Exit, Output: records[0].Output, Took: records[0].Took}
}
