package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
)

// TestInitWithPlainCUE: plain CUE, as in editors, finds the schema and accepts the new config repository.
func TestInitWithPlainCUE(t *testing.T) {
	dir := t.TempDir()
	if _, err := initialise(dir); err != nil {
		t.Fatal(err)
	}
	if err := plainCUE(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "apps", "hello", "app.cue")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "8080", `"8080"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := plainCUE(dir); err == nil {
		t.Error("a port in quotes was accepted")
	}
}

// plainCUE is `cue vet -c=false ./...`.
func plainCUE(dir string) error {
	for _, i := range load.Instances([]string{"./..."}, &load.Config{Dir: dir}) {
		if i.Err != nil {
			return i.Err
		}
		v := cuecontext.New().BuildInstance(i)
		if err := v.Validate(); err != nil {
			return err
		}
	}
	return nil
}
