package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"mvdan.cc/sh/v3/syntax"
)

// playedPrograms are programs of this machine that the docs use beside trikk.
func playedPrograms() []string {
	return []string{"cat", "cp", "curl", "mkdir", "rm", "sed", "ssh-keygen", "tar"}
}

// unplayedPrograms are those that no test starts, with the reason. They do nothing here.
func unplayedPrograms() map[string]string {
	return map[string]string{
		"age":  "is not on every machine",
		"gh":   "writes to GitHub",
		"git":  "is about the reader's own repository",
		"go":   "builds and tests trikk",
		"make": "builds and tests trikk",
		"man":  "is not on every machine",
		"ssh":  "reaches the reader's own servers",
	}
}

// unplayed are command lines that no test plays, with the reason. They are parsed all the same.
func unplayed() map[string]string {
	return map[string]string{
		"trikk vet --changed-since origin/main":                                                           "needs a git repository: TestChangedSince has one",
		"trikk plan --changed-since origin/main -e prod --format markdown":                                "needs a git repository: TestChangedSince has one",
		"trikk plan --all -e test --format markdown | gh pr comment 12 --body-file -":                     "looks artifacts up in a repository that is not there: TestMarkdown shows others",
		"trikk apply -f releases/2026.11.cue -e test":                                                     "needs a release file: TestReleaseFile has one",
		"trikk apply --all -e test --keep-going --yes":                                                    "ends as what is left out says: TestKeepGoing has one",
		"trikk notify test -e prod":                                                                       "asks receivers: TestNotify has stand-ins for them",
		"trikk notify test -e demo":                                                                       "asks three receivers: TestNotify has stand-ins for them",
		"trikk resume 20261123T061900-3f2a":                                                               "needs a run that was cut off: TestResume has one",
		"trikk show 20261123T061900-3f2a":                                                                 "needs that very run: TestApply shows others",
		"trikk show 20261123T061900-3f2a --watch":                                                         "needs that very run: TestShowWatch follows others",
		`trikk completion fish > ~/.config/fish/completions/trikk.fish`:                                   "is about the reader's own shell: TestBashCompletion types in one",
		`source <(trikk completion bash)                                  # bash: this line in ~/.bashrc`: "is about the reader's own shell: TestBashCompletion types in one",
		`trikk completion zsh > "${fpath[1]}/_trikk"                      # zsh: once`:                    "is about the reader's own shell: TestBashCompletion types in one",
		`trikk completion fish > ~/.config/fish/completions/trikk.fish    # fish: once`:                   "is about the reader's own shell: TestBashCompletion types in one",
		"trikk man ~/.local/share/man/man1":                                                               "writes into the reader's home: TestManual writes elsewhere",
	}
}

// TestDocsCommands reads every trikk command line of the docs: in sh blocks each line, in console blocks those after "$ ", and those
// within the text. Each is one that trikk takes, with its flags and arguments.
func TestDocsCommands(t *testing.T) {
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			for i, line := range typedIn(b) {
				for _, args := range calls(t, line) {
					count++
					if err := understood(args); err != nil {
						t.Errorf("%s:%d: %s: %v", p.name, b.line+i, line, err)
					}
				}
			}
		}
		for _, m := range spoken.FindAllStringSubmatch(p.prose, -1) {
			for _, args := range calls(t, optional.ReplaceAllString(m[1], "")) {
				count++
				if err := mentioned(args); err != nil {
					t.Errorf("%s: %s: %v", p.name, m[1], err)
				}
			}
		}
	}
	if count < 150 {
		t.Errorf("only %d command lines were found", count)
	}
}

var (
	// spoken is a command line within the text, as far as its arguments are told.
	spoken   = regexp.MustCompile("`(trikk [a-z-][^`\n]*)`")
	optional = regexp.MustCompile(`\[[^\]]*\]|…|\\\|.*`)
)

// typedIn gives the lines of a block that a reader types, by their numbers.
func typedIn(b block) map[int]string {
	out := map[int]string{}
	for i, line := range strings.Split(b.text, "\n") {
		typed, prompt := strings.CutPrefix(line, "$ ")
		if b.lang == "sh" || b.lang == "console" && prompt {
			out[i] = typed
		}
	}
	return out
}

// toPlay tells whether a block has commands that a test has to play.
func toPlay(t *testing.T, b block) bool {
	t.Helper()
	for _, line := range typedIn(b) {
		if _, known := unplayed()[line]; known {
			continue
		}
		for _, c := range strings.Fields(line)[:min(1, len(strings.Fields(line)))] {
			if _, known := unplayedPrograms()[c]; !known && len(calls(t, line)) > 0 {
				return true
			}
		}
	}
	return false
}

// TestDocsMarks: above each block with commands of trikk a mark says where a test plays it, or that it is captured. So that nobody
// has to guess, shell in the docs is in blocks of sh or console.
func TestDocsMarks(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			how, marked, err := playingOf(b.mark)
			switch {
			case err != nil:
				t.Errorf("%s:%d: %v", p.name, b.line, err)
			case marked && sceneOf(how) == nil:
				t.Errorf("%s:%d: there is no scene %q", p.name, b.line, how.scene)
			case !marked && !strings.HasPrefix(b.mark, "capture ") && toPlay(t, b):
				t.Errorf("%s:%d: nothing says where this is played: write <!-- play SCENE --> above it, with a scene of docs_scenes_test.go", p.name, b.line)
			case b.lang == "bash" || b.lang == "shell":
				t.Errorf("%s:%d: a block of %s is not played: write sh or console", p.name, b.line, b.lang)
			}
			for _, line := range typedIn(b) {
				seen[line] = true
			}
		}
		if unfenced.MatchString(p.prose) {
			t.Errorf("%s: commands of trikk that are indented are not played: fence them", p.name)
		}
	}
	for line := range unplayed() {
		if !seen[line] {
			t.Errorf("%s is no line of the docs any more", line)
		}
	}
}

var unfenced = regexp.MustCompile(`(?m)^    (\$ )?trikk `)

// TestDocsPlayed plays every block of the docs that a mark names a scene for: each call of trikk ends as the mark says, and prints what
// the docs show. TRIKK_UPDATE=1 writes what it prints. Without TRIKK_FULL=1 that is what needs no servers, and the beginning of the tutorial.
func TestDocsPlayed(t *testing.T) {
	for _, p := range pages(t) {
		t.Run(filepath.Base(p.name), func(t *testing.T) { playPage(t, p) })
	}
}

// sceneOf is the stage that a mark names: NAME, or NAME#N for one that is not that of other blocks. nil: there is none.
func sceneOf(how playing) func(*testing.T) *stage {
	name, _, _ := strings.Cut(how.scene, "#")
	return scenes()[name]
}

// deploying are scenes whose servers take some seconds of CPU: they are played in full runs only.
func deploying() []string {
	return []string{"approval", "city", "cut", "first", "fleet", "lunch", "missing", "unreachable"}
}

// playPage plays a page from above to below. Blocks of one scene go on where the block before ended.
func playPage(t *testing.T, p page) {
	full := os.Getenv("TRIKK_FULL") != ""
	readers, left := map[string]*reader{}, map[string]bool{}
	path := filepath.Join(repository, filepath.FromSlash(p.name))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	now := string(text)
	for _, b := range p.blocks {
		how, marked, _ := playingOf(b.mark)
		name, _, _ := strings.Cut(how.scene, "#")
		left[how.scene] = left[how.scene] || !full && (how.full || slices.Contains(deploying(), name))
		if !marked || left[how.scene] {
			continue
		}
		if readers[how.scene] == nil {
			readers[how.scene] = newReader(t, sceneOf(how)(t))
		}
		one := readers[how.scene]
		one.stage.place(t, p, b.line)
		if played := one.play(b, how); played != b.text {
			now = strings.Replace(now, "```console\n"+b.text+"```", "```console\n"+played+"```", 1)
		}
	}
	if os.Getenv("TRIKK_UPDATE") != "1" || now == string(text) {
		return
	}
	if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
		t.Fatal(err)
	}
}

// calls gives the arguments of each call of trikk in a line of shell.
func calls(t *testing.T, line string) [][]string {
	t.Helper()
	f, err := syntax.NewParser().Parse(strings.NewReader(line), "")
	if err != nil {
		t.Errorf("%s: %v", line, err)
		return nil
	}
	var out [][]string
	syntax.Walk(f, func(n syntax.Node) bool {
		c, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		var words []string
		for _, w := range c.Args {
			var b strings.Builder
			if err := syntax.NewPrinter().Print(&b, w); err != nil {
				t.Fatal(err)
			}
			words = append(words, strings.Trim(b.String(), `"'`))
		}
		for i, w := range words {
			if w == "./cmd/trikk" && slices.Contains(words[:i], "run") || i == 0 && (w == "trikk" || w == "bin/trikk") {
				out = append(out, words[i+1:])
			}
		}
		return true
	})
	return out
}

// understood tells whether the command line is one that trikk takes.
func understood(words []string) error {
	cmd, rest, err := tree().Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if !cmd.HasParent() && cmd.Flags().NArg() > 0 {
		return usage("unknown command %q", cmd.Flags().Arg(0))
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// mentioned tells whether there are the command and the flags that a text names, perhaps without their arguments.
func mentioned(words []string) error {
	cmd, rest, err := tree().Find(words)
	if err != nil {
		return err
	}
	if !cmd.HasParent() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return usage("unknown command %q", rest[0])
	}
	for _, w := range rest {
		if w == "--" {
			break
		}
		name, long := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if long && cmd.Flags().Lookup(name) == nil && cmd.InheritedFlags().Lookup(name) == nil && name != "help" && name != "version" {
			return usage("%s has no flag --%s", cmd.CommandPath(), name)
		}
	}
	return nil
}

// tree is the whole command tree, with what cobra adds to it.
func tree() *cobra.Command {
	c := &cli{world: world{env: func(string) string { return "" }}}
	root := c.root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}
