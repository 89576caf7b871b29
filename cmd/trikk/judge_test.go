package main

import "testing"

// policies writes what a config repository wants of the plans of hello.
func (b *bench) policies(condition string) {
	b.t.Helper()
	b.write("policy/policy.cue", "package policy\n\nimport \"trikk.dev/schema\"\n\npolicies: old: schema.#Policy & {message: \"1.0 is old\", "+condition+"}\n")
}

// TestPoliciesAtApply: what breaks a policy is neither applied nor saved, and a saved plan is held against the policies of now.
func TestPoliciesAtApply(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := b.path("hello.plan")
	b.trikk(exitDone, "plan", "hello@1.0", "-e", "demo", "-o", file)
	b.policies(`plan: version: !="1.0"`)
	const says = `policy "old": 1.0 is old: hello in demo: plan.version: must be !="1.0", found "1.0" (policy at policy/policy.cue:5:`
	b.trikk(exitRefused, "apply", "hello@1.0", "-e", "demo", "--yes").says(says)
	b.trikk(exitRefused, "apply", "--plan", file, "--yes").says(says)
	b.untouched()
}

// TestPoliciesLeaveTheWayBack: a rollback is held against no policy.
func TestPoliciesLeaveTheWayBack(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	b.trikk(exitDone, "apply", "hello@1.0", "-e", "demo", "--yes")
	b.trikk(exitDone, "apply", "hello@2.0", "-e", "demo", "--yes")
	b.policies(`app: name: "goodbye"`)
	b.trikk(exitConfig, "vet").says(`policy "old"`)
	b.trikk(exitRefused, "apply", "hello@1.0", "-e", "demo", "--yes").says(`policy "old"`)
	b.trikk(exitDone, "rollback", "hello", "-e", "demo", "--yes").says("hello runs 1.0-")
}
