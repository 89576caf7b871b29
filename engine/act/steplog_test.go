package act

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStepLogIsCut: a lane's first step cuts a log that has grown long, other steps leave it.
func TestStepLogIsCut(t *testing.T) {
	root := t.TempDir()
	log := filepath.Join(root, ".trikk", "log")
	if err := os.Mkdir(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte(strings.Repeat("R0 web/install/app01/1 started\n", 40_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	lines := func() int {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
	for _, c := range []struct {
		step, what string
		want       int
	}{{"web/install/app01/2", "started", 40_001}, {"web/install/app01/1", "done 0", 40_002}, {"web/install/app01/1", "started", 2001}} {
		out, err := exec.Command("sh", "-c", "set -- "+c.step+" "+c.what+"\n"+stepLogScript("R1", root, "")).CombinedOutput()
		if got := lines(); err != nil || got != c.want {
			t.Errorf("%s %s: %d lines, want %d; %v: %s", c.step, c.what, got, c.want, err, out)
		}
	}
}
