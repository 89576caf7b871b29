package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// eventLine is what every line of --json begins with.
type eventLine struct {
	Time  string `json:"time"` // RFC 3339, UTC
	Run   string `json:"run"`  // "" where there is no run
	Event string `json:"event"`
}

// writeEvent writes one line of --json: time, run and event, then the fields, which are an object.
func writeEvent(w io.Writer, head eventLine, fields any) error {
	first, err := encodeLine(head)
	if err != nil {
		return err
	}
	rest, err := encodeLine(fields)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(rest, []byte("{")) {
		return fmt.Errorf("event %s: its fields are no object: %s", head.Event, rest)
	}
	if len(rest) > len("{}\n") {
		first = append(first[:len(first)-len("}\n")], ',')
		first = append(first, rest[1:]...)
	}
	_, err = w.Write(first)
	return err
}

func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// event writes one line of --json for what is no run.
func (c *cli) event(name string, fields any) error {
	return writeEvent(c.out, eventLine{Time: stamp(c.now()), Event: name}, fields)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
