package plan_test

import (
	"os"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

func hook(command string) plan.Run {
	return plan.Run{Command: command, Phase: "before", App: "hello", Root: "~/hello", Release: "1.0-aa", Version: "1.0"}
}

func TestRun(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.complete("1.0-aa")
		s.write(".trikk/lock", "")
		out := s.changes(hook(`echo "it's $TRIKK_APP $TRIKK_VERSION $TRIKK_RELEASE $TRIKK_ROOT"; pwd; cat; echo err >&2`))
		dir := s.root + "/releases/1.0-aa"
		if want := "it's hello 1.0 " + dir + " " + s.root + "\n" + dir + "\nerr\n"; out != want {
			t.Errorf("the hook printed %q, want %q", out, want)
		}
		// A process that is left behind holds nothing open: the script comes to its end.
		s.changes(hook("sleep 1000 & echo $! >left"))
		kill(t, strings.TrimSpace(s.read("releases/1.0-aa/left")))
		for _, text := range nasty {
			s.changes(hook("printf %s " + "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"))
		}
		left, err := os.ReadDir(s.root + "/.trikk")
		if err != nil || len(left) != 1 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

func TestRunFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fails(hook("true"), "releases/1.0-aa is not there")
		s.complete("1.0-aa")
		s.fails(hook("echo the reason; exit 255"), "the reason", "the hook before ended with status 255: the reason")
		s.fails(hook("if"), "ended with status 2")
		if got := (plan.Run{Phase: "build", Command: "make"}).Script(); got != "" {
			t.Errorf("a build has a script: %s", got)
		}
	})
}
