package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// typedBash asks the real trikk for candidates, and shows command lines instead of running them.
const typedBash = `
PS1='$ '
trikk() {
	if [ "$1" = __complete ]; then command trikk "$@"; else echo "typed <$*>"; fi
}
`

// TestBashCompletion types into a bash on a terminal, without the package bash-completion: what readline makes of the Tab key is run.
func TestBashCompletion(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write("saved/release.plan", "")
	d.write("saved/release.txt", "")
	lines := [][2]string{
		{"trikk plan he\t", "plan hello"}, {"trikk plan -e test hello@1.1\t", "plan -e test hello@1.1"}, {"trikk plan hello@\t1\t broken", "plan hello@1.1 broken"},
		{"trikk roll\t", "rollback"}, {"trikk status --env=pr\t", "status --env=prod"}, {"trikk exec -e test --server app01,l\t", "exec -e test --server app01,lb01"},
		{"trikk status -l tier=a,team!=g\t", "status -l tier=a,team!=gis"}, {"trikk status -l te\t", "status -l team="},
		{"trikk apply --plan sav\tr\t", "apply --plan saved/release.plan"}, {"trikk vet sav\t", "vet saved/"},
		{"trikk plan broken hello@1.1\b\b\b\t", "plan broken hello@1."},
	}
	if os.Getenv("TRIKK_FULL") == "" {
		lines = lines[:3] // each asks trikk
	}
	typed := ""
	var want []string
	for _, l := range lines {
		typed += l[0] + "\n"
		want = append(want, l[1])
	}
	out := d.bash(typed + "exit\n")
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^typed <(.*)>\r?$`).FindAllStringSubmatch(out, -1) {
		got = append(got, strings.TrimSpace(m[1]))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("bash runs %q, not %q; it shows\n%s", got, want, out)
	}
}

// bash gives what an interactive bash shows while somebody types.
func (d *desk) bash(typed string) string {
	d.t.Helper()
	var script strings.Builder
	w := world{out: &script, err: os.Stderr, env: func(string) string { return "" }, dir: d.dir}
	if code := Main([]string{"completion", "bash"}, w); code != exitDone {
		d.t.Fatalf("trikk completion bash ends with %d", code)
	}
	d.write("bashrc", script.String()+typedBash)
	program, err := exec.LookPath("trikk")
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--rcfile", "bashrc", "-i")
	cmd.Dir = d.dir
	cmd.Env = []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + d.dir, "TRIKK_STATE=" + d.state, "TERM=dumb", "INPUTRC=/dev/null"}
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		d.t.Fatal(err)
	}
	defer terminal.Close()
	if _, err := io.WriteString(terminal, typed); err != nil {
		d.t.Fatal(err)
	}
	shown, _ := io.ReadAll(terminal) // a terminal whose last program ended is an error
	if err := cmd.Wait(); err != nil {
		d.t.Fatalf("bash: %v\n%s", err, shown)
	}
	return string(shown)
}
