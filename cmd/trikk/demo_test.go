package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
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

// TestDemoKeep: a fleet is kept in a new folder until a signal comes, and nothing is left of it. A folder that exists is not taken.
func TestDemoKeep(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "fleet")
	said := &output{}
	cmd := exec.Command("trikk", "demo", "--keep", dir, "--json")
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.HasSuffix(said.String(), "\n"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not say that it runs: %s", said)
		}
	}
	kept := last(eventsOf(t, said.String()))
	for _, field := range []string{"config", "sshConfig"} {
		path, _ := kept.Fields[field].(string)
		if _, err := os.Stat(path); err != nil || !strings.HasPrefix(path, dir) {
			t.Errorf("%s is %q: %v", field, path, err)
		}
	}
	if code, _, err := here(t.TempDir(), nil, "demo", "--keep", dir); code != exitFailed || !strings.Contains(err, "(name a folder that does not exist yet)") {
		t.Errorf("a folder that exists: %d %s", code, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	if _, err := os.Stat(dir); cmd.ProcessState.ExitCode() != exitInterrupted || !os.IsNotExist(err) {
		t.Errorf("it ends with %d, and of the folder: %v\n%s", cmd.ProcessState.ExitCode(), err, said)
	}
}
