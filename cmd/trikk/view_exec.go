package main

import (
	"errors"
	"fmt"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/survey"
)

// endedLine is how a command ended on one host, in --json.
type endedLine struct {
	Host   string `json:"host"`
	Exit   *int   `json:"exit,omitempty"` // not set: it was not run, or its end is not known
	Output string `json:"output"`
	Millis int64  `json:"millis"`
	Error  string `json:"error,omitempty"`
}

// showEnded shows what a command printed, once for all hosts where it is the same. Hosts where it was not run are told by the error of
// the whole command.
func (c *cli) showEnded(all []survey.Ended, words []string) error {
	if c.flags.json {
		return c.jsonEnded(all)
	}
	p := c.paint(c.out)
	for _, g := range groupEnded(all) {
		head := fmt.Sprintf("%s (%d of %d)", strings.Join(g.hosts, ", "), len(g.hosts), len(all))
		if g.how != "" {
			head += ": " + g.how
		}
		fmt.Fprintln(c.out, p.head(head))
		for line := range strings.SplitSeq(strings.TrimRight(g.output, "\n"), "\n") {
			if line = strings.TrimRight(line, "\r"); line != "" || g.output != "" {
				fmt.Fprintln(c.out, strings.TrimRight("  "+inLine(line), " "))
			}
		}
	}
	if len(words) == 1 && strings.ContainsAny(words[0], " |;&<>$") && missing(all) {
		c.say("the words after -- are no shell command: for that write -- sh -c '%s'", words[0])
	}
	return nil
}

// missing tells whether the program was not found somewhere.
func missing(all []survey.Ended) bool {
	for _, e := range all {
		if e.Err == nil && e.Exit == 127 {
			return true
		}
	}
	return false
}

func (c *cli) jsonEnded(all []survey.Ended) error {
	for _, e := range all {
		l := endedLine{Host: e.Host, Output: e.Output, Millis: e.Took.Milliseconds()}
		if e.Err != nil {
			l.Error = e.Err.Error()
		} else {
			l.Exit = &e.Exit
		}
		if err := c.event("exec", l); err != nil {
			return err
		}
	}
	return nil
}

// endedGroup are hosts where a command ended in the same way.
type endedGroup struct {
	hosts       []string
	how, output string
}

// groupEnded keeps the order of the hosts: a group is where its first host is.
func groupEnded(all []survey.Ended) []endedGroup {
	type key struct{ how, output string }
	at := map[key]int{}
	var out []endedGroup
	for _, e := range all {
		how, ran := howEnded(e)
		if !ran {
			continue
		}
		k := key{how, e.Output}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, endedGroup{how: how, output: e.Output})
		}
		out[i].hosts = append(out[i].hosts, e.Host)
	}
	return out
}

// howEnded says how a command that was begun ended: "" is well.
func howEnded(e survey.Ended) (how string, begun bool) {
	var h *host.Error
	switch {
	case e.Err == nil && e.Exit == 0:
		return "", true
	case e.Err == nil:
		return fmt.Sprintf("exit status %d", e.Exit), true
	case errors.As(e.Err, &h) && h.Kind == host.Unknown:
		return fmt.Sprintf("its end is not known: %v", h.Err), true
	}
	return "", false
}
