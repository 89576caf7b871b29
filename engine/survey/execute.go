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
}

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
	each(hosts, most, func(i int, name string) {
		out[i] = execute(ctx, hs, name, c)
		out[i].Host = name
	})
	return out
}

func execute(ctx context.Context, hs Hosts, name string, c Command) Ended {
	if ctx.Err() != nil {
		return Ended{Err: &host.Error{Host: name, Kind: host.Unreachable, Doing: "running the command", Err: context.Cause(ctx)}}
	}
	h, err := hs.Host(ctx, name)
	if err != nil {
		return Ended{Err: err}
	}
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
