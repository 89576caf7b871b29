package act_test

import (
	"os"
	"slices"
	"testing"

	"trikk.dev/engine/host/sshtest"
	"trikk.dev/engine/plan"
)

// TestFault17ClockSkew: a server whose clock is wrong, and whose files have times of another century, keeps and goes back to the same
// releases as one whose clock is right: order is by the IDs of runs alone.
func TestFault17ClockSkew(t *testing.T) {
	bin := t.TempDir()
	standIn(t, bin, "date", "echo 1970-01-01")
	f := newFleetOf(t, sshtest.Config{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}}, "app01")
	f.app.Layout.Keep = 2
	deploy := func(id, says string) string {
		t.Helper()
		f.publish("web.tar.gz", says)
		f.app.Probes["http"].HTTP.Contains = says
		p := f.compile(plan.Intent{Kind: plan.Deploy, ID: id})
		f.succeed(f.run(f.actor(id), p))
		return p.Apps[0].To
	}
	first := deploy("20260101T000000-0001", "one")
	second := deploy("20260101T000000-0002", "two")
	f.sh("app01", "find apps/web/releases/"+first+" apps/web/.trikk/good/"+first+" -exec touch -h -d 2060-01-01 {} +")
	f.sh("app01", "find apps/web/releases/"+second+" apps/web/.trikk -path '*"+second+"*' -exec touch -h -d 1971-01-01 {} +")
	third := deploy("20260101T000000-0003", "three")

	in := f.look("app01")
	var names []string
	for _, r := range in.Releases {
		names = append(names, r.Name)
	}
	want := []string{second, third}
	slices.Sort(want)
	slices.Sort(names)
	if in.Current != third || !slices.Equal(names, want) {
		t.Errorf("current is %s, releases %v, want %v", in.Current, names, want)
	}
	if back := f.compile(plan.Intent{Kind: plan.Rollback, ID: "20260101T000000-0004"}); back.Apps[0].To != second {
		t.Errorf("a rollback goes to %s, not to %s", back.Apps[0].To, second)
	}
}
