package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var (
	commandRow = regexp.MustCompile("(?m)^\\| `trikk ([a-z-]+)")
	flagRow    = regexp.MustCompile("(?m)^\\| `(?:-[a-zA-Z], )?--([a-z-]+)[^|]*\\| ([^|]*) \\|")
	exitRow    = regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`)
)

// TestDocsCLI compares docs/cli.md with the command tree, both ways: commands, flags with their commands, exit codes.
func TestDocsCLI(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	var said, is []string
	for _, m := range commandRow.FindAllStringSubmatch(string(text), -1) {
		said = append(said, m[1])
	}
	for _, m := range flagRow.FindAllStringSubmatch(string(text), -1) {
		said = append(said, "--"+m[1]+" "+m[2])
	}
	for _, m := range exitRow.FindAllStringSubmatch(string(text), -1) {
		said = append(said, m[1]+" "+m[2])
	}
	of := map[string][]string{} // commands by flag
	for _, c := range tree().Commands() {
		if c.Hidden {
			continue
		}
		is = append(is, c.Name())
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { of[f.Name] = append(of[f.Name], c.Name()) })
		for _, sub := range c.Commands() {
			if c.Name() == "completion" {
				break // cobra's own
			}
			sub.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { of[f.Name] = append(of[f.Name], c.Name()+" "+sub.Name()) })
		}
	}
	tree().PersistentFlags().VisitAll(func(f *pflag.Flag) { of[f.Name] = []string{"all"} })
	for _, name := range slices.Sorted(maps.Keys(of)) {
		is = append(is, "--"+name+" "+strings.Join(of[name], ", "))
	}
	for _, m := range exitMeanings() {
		is = append(is, fmt.Sprintf("%d %s", m.code, m.meaning))
	}
	for _, s := range is {
		if !slices.Contains(said, s) {
			t.Errorf("docs/cli.md lacks %s", s)
		}
	}
	for _, s := range said {
		if !slices.Contains(is, s) {
			t.Errorf("docs/cli.md tells of %s, which is not so", s)
		}
	}
}
