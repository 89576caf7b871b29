package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"
	"trikk.dev/engine/config"
)

var spoil = flag.Int("spoil", 15, "how many damaged repositories to try; raise -rapid.checks too")

// TestSpoiltFiles damages a sound repository in every small way: the result is a workspace, or mistakes that each have a
// place in a file of the user's and words that are not CUE's internals.
func TestSpoiltFiles(t *testing.T) {
	t.Parallel()
	sound := parse(idioms)
	seen := 0
	rapid.Check(t, func(rt *rapid.T) {
		if seen++; seen > *spoil {
			return
		}
		a := &txtar.Archive{}
		for _, f := range sound.Files {
			a.Files = append(a.Files, txtar.File{Name: f.Name, Data: append([]byte(nil), f.Data...)})
		}
		i := rapid.IntRange(0, len(a.Files)-1).Draw(rt, "file")
		words := strings.Split(string(a.Files[i].Data), " ")
		w := rapid.IntRange(0, len(words)-1).Draw(rt, "word")
		switch rapid.IntRange(0, 4).Draw(rt, "how") {
		case 0:
			words[w] = ""
		case 1:
			words[w] += words[w]
		case 2:
			words[w] = rapid.SampledFrom([]string{"3", "{", "}", "[]", "null", `"x"`, "_", "app", "{a: 1}", "-", "schema.#App", "int"}).Draw(rt, "new")
		case 3:
			if len(words[w]) > 1 {
				words[w] = words[w][1:] + words[w][:1]
			}
		case 4:
			o := rapid.IntRange(0, len(words)-1).Draw(rt, "other")
			words[w], words[o] = words[o], words[w]
		}
		a.Files[i].Data = []byte(strings.Join(words, " "))
		dir, err := os.MkdirTemp("", "spoilt")
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		write(t, dir, a)
		_, err = config.Load(t.Context(), config.Options{Dir: dir})
		if err == nil {
			return
		}
		var wrong *config.Errors
		if !errors.As(err, &wrong) || len(wrong.List) == 0 {
			rt.Fatalf("error is %v", err)
		}
		for _, d := range wrong.List {
			if _, err := os.Stat(filepath.Join(dir, d.Pos.File)); err != nil || d.Pos.Line == 0 || d.Pos.Column == 0 {
				rt.Errorf("no place: %s\n%s", d, a.Files[i].Data)
			}
			if strings.HasPrefix(d.Pos.File, "cue.mod/pkg") || strings.HasPrefix(d.Pos.File, "..") {
				rt.Errorf("not the user's: %s", d)
			}
			if s := d.String(); d.Message == "" || strings.Contains(s, "%!") || strings.Contains(s, "gave up") || strings.Contains(s, dir) || len(s) > 400 {
				rt.Errorf("bad words: %s\n%s", s, a.Files[i].Data)
			}
		}
	})
}
