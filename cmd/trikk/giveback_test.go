package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestLocksThatAreNotGivenBack: a run that is done says so where its locks could not be given back, since its servers take it for one
// that was cut off; the next apply settles that.
func TestLocksThatAreNotGivenBack(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	holders := func(signal, root string) string {
		return `for file in $(grep -laF 'trikk-lock' $(grep -laF "` + root + `" /proc/[0-9]*/cmdline)); do kill -` + signal + ` "$(basename "${file%/cmdline}")" 2>/dev/null; done; true`
	}
	stop := b.path("stop.sh")
	b.spill(stop, []byte(holders("STOP", "$1")))
	b.edit("hello/app.cue", "topology:", `hooks: after: ["sh `+stop+` \"$TRIKK_ROOT\""]`+"\n\ttopology:")
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes").says("hello runs 1.0-", "servers may go on to say that run ", "app01: releasing: the holder did not end within 5s")
	for _, server := range []string{"app01", "app02"} {
		if out, err := exec.Command("sh", "-c", holders("CONT", filepath.Join(b.fleet.Dir, server, "hello"))).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	b.edit("hello/app.cue", `hooks: after: ["sh `+stop+` \"$TRIKK_ROOT\""]`+"\n\ttopology:", "topology:")
	b.trikk(0, "apply", "hello@1.0", "-e", "demo", "--yes", "--wait=30s")
	b.trikk(0, "unlock", "hello", "-e", "demo").says("app01  free\n", "app02  free\n")
}
