package plan_test

import (
	"testing"

	"trikk.dev/engine/plan"
)

// An environment that requires digests refuses an artifact without one, and nothing else.
func TestRequireDigest(t *testing.T) {
	const want = "apps/hello/app.cue:9:6: hello 1.0 has no digest, and test requires one: its repository publishes no .sha256, .sha512 or .sha1 file beside hello-1.0.tar.gz " +
		"(write digest: \"sha256:…\" in the artifact, or publish the checksum file)"
	app := hello("app01", "app02")
	f := newFleet(2, 1, haproxy).with(app)
	f.env.RequireDigest = true
	f.deploy(t, "1.0")
	r := f.facts.Artifacts["hello"]
	r.Digest, r.Identity = "", "etag"
	f.facts.Artifacts["hello"] = r
	if _, err := f.try(); err == nil || err.Error() != want {
		t.Errorf("refused: %v\nwant %s", err, want)
	}
	if p := f.env; !p.RequireDigest {
		t.Error("the environment forgot it")
	}
	in := f.intent(plan.Deploy)
	in.Offline, in.Versions = true, map[string]string{"hello": "1.0"}
	if _, err := plan.Compile(f.env, f.apps, plan.Facts{}, in); err != nil {
		t.Errorf("nobody has asked the repository yet: %v", err)
	}
	f.env.RequireDigest = false
	p, err := f.try()
	if err != nil {
		t.Fatal(err)
	}
	if p.Inventory.RequireDigest {
		t.Error("the plan requires what its environment does not")
	}
}
