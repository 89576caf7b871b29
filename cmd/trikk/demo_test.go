package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDemo: the demo ends with one line that says that all went well, and each line before it is an event.
func TestDemo(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("trikk", "demo", "--json")
	cmd.Dir = t.TempDir()
	var complaints strings.Builder
	cmd.Stderr = &complaints
	text, err := cmd.Output()
	if err != nil || complaints.String() != "" {
		t.Fatalf("%v: %s\n%s", err, &complaints, text)
	}
	events := eventsOf(t, string(text))
	var end struct {
		Event      string   `json:"event"`
		Requests   int      `json:"requests"`
		Failed     int      `json:"failed"`
		Versions   []string `json:"versions"`
		RolledBack bool     `json:"rolledBack"`
	}
	line := last(events).Line
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&end); err != nil {
		t.Fatal(err)
	}
	if end.Event != "demo.finished" || end.Requests < 100 || end.Failed != 0 || !slices.Equal(end.Versions, []string{"1.0", "2.0"}) || !end.RolledBack {
		t.Errorf("it ends with %s", line)
	}
	var runs []any
	for _, e := range events {
		if e.Event == "run.finished" {
			runs = append(runs, e.Fields["exit"])
		}
	}
	if !slices.Equal(runs, []any{0.0, 0.0, 7.0}) {
		t.Errorf("its runs ended with %v", runs)
	}
}
