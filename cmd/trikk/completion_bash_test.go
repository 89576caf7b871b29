package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pressTab is what bash and readline do when somebody presses the Tab key: readline splits words at = : and @ too.
const pressTab = `set -u
source completion.bash
tab() {
	local word="" i
	COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_WORDS=() COMPREPLY=()
	for ((i = 0; i < ${#1}; i++)); do
		case ${1:i:1} in
		" ") [ -z "$word" ] || COMP_WORDS+=("$word"); word="" ;;
		[=:@]) [ -z "$word" ] || COMP_WORDS+=("$word"); COMP_WORDS+=("${1:i:1}"); word="" ;;
		*) word+=${1:i:1} ;;
		esac
	done
	COMP_WORDS+=("$word")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	__start_trikk 2>/dev/null
	echo "$1|${COMPREPLY[*]-}"
}
`

// TestBashCompletion sources the script into bash, without the package bash-completion, and lets it ask trikk.
func TestBashCompletion(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var script strings.Builder
	w := world{out: &script, err: os.Stderr, env: func(string) string { return "" }, dir: d.dir}
	if code := Main([]string{"completion", "bash"}, w); code != exitDone {
		t.Fatalf("trikk completion bash ends with %d", code)
	}
	d.write("completion.bash", script.String())
	d.write("saved/release.plan", "")
	d.write("saved/release.txt", "")
	wants := []string{
		"trikk roll|rollback", "trikk plan he|hello", "trikk plan -e test hello@1.|1.1  (2026-11-02 08:00 test) 1.0  (2026-11-01 08:00 test)",
		"trikk plan hello@1.1|1.1", "trikk status --env=pr|prod", "trikk exec -e test --server app01,app|app01,app02", "trikk status -l tier=a,team!=g|gis",
		"trikk apply --plan saved/|saved/release.plan",
	}
	if os.Getenv("TRIKK_FULL") == "" {
		wants = wants[1:4:4] // each starts a process
	}
	text := pressTab
	for _, want := range wants {
		line, _, _ := strings.Cut(want, "|")
		text += "tab '" + line + "'\n"
	}
	program, err := exec.LookPath("trikk")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "--norc", "-c", text)
	cmd.Dir, cmd.Stderr = d.dir, os.Stderr
	cmd.Env = []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + d.dir, "TRIKK_STATE=" + d.state, "COLUMNS=100"}
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if want := strings.Join(wants, "\n") + "\n"; string(got) != want {
		t.Errorf("bash is offered\n%s\nnot\n%s", got, want)
	}
}
