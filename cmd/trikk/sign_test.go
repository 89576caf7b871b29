package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/plan"
)

// keygen runs the real ssh-keygen.
func keygen(t *testing.T, input []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command("ssh-keygen", args...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// signer is a person with a key on this machine.
func signer(t *testing.T, name string) (file, public string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	keygen(t, nil, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file)
	text, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, strings.TrimSpace(string(text))
}

// approval writes rules into the environment.
func (b *bench) approval(rules string) {
	b.t.Helper()
	b.edit("environments/environment.cue", "schema.#Environment & {\n", "schema.#Environment & {\n\tapproval: "+rules+"\n")
}

// untouched fails if anything was installed.
func (b *bench) untouched() {
	b.t.Helper()
	if _, err := os.Stat(filepath.Join(b.fleet.Dir, "app01", "hello", "releases")); !os.IsNotExist(err) {
		b.t.Errorf("something was installed: %v", err)
	}
}

// TestApproval: in an environment that wants it, only what the right people signed is applied.
func TestApproval(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	anna, annas := signer(t, "anna")
	bob, bobs := signer(t, "bob")
	eve, _ := signer(t, "eve")
	b.approval(`{signers: {anna: ["` + annas + `"], bob: ["` + bobs + `"]}, notAuthor: true}`)
	file := b.path("hello.plan")

	b.trikk(5, "apply", "hello@1.0", "-e", "demo", "--yes").says("demo applies saved plans only, with 1 approval by others than the author, who signs too (anna, bob):",
		"\n  trikk plan hello@1.0 -e demo -o hello.plan --sign\n  trikk sign hello.plan\n  trikk apply --plan hello.plan\n")
	b.trikk(5, "rollback", "hello", "-e", "demo", "--to", "1.0", "--yes").says("trikk rollback hello --to 1.0 -e demo -o hello.plan --sign")
	b.trikk(64, "plan", "hello@1.0", "-e", "demo", "--sign="+anna).says("-o FILE")

	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", file)
	b.trikk(5, "apply", "--plan", file, "--yes").says("is not approved for demo", "signed by nobody", "trikk sign "+file)
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", file, "--sign="+anna).says("signed by SHA256:")
	b.trikk(5, "apply", "--plan", file, "--yes").says("signed by anna")
	b.trikk(0, "sign", file, "--key", anna).says("is signed by SHA256:", " already")
	b.trikk(5, "apply", "--plan", file, "--yes").says("signed by anna")
	alone := b.slurp(file + ".sig")
	b.trikk(0, "sign", file, "--key", eve)
	b.trikk(5, "apply", "--plan", file, "--yes").says("is in no list of the environment")
	b.spill(file+".sig", alone)
	b.trikk(0, "sign", file, "--key", bob).says("deploy hello in demo", "install")
	both := b.slurp(file + ".sig")

	// What is not whole and right is refused, saying which.
	edited := bytes.Replace(b.slurp(file), []byte("hello"), []byte("hallo"), 1)
	whole := b.slurp(file)
	b.spill(file, edited)
	b.trikk(5, "apply", "--plan", file, "--yes").says("the plan was edited after it was signed")
	b.spill(file, resealed(t, whole))
	b.trikk(5, "apply", "--plan", file, "--yes").says("the plan was edited after it was signed")
	b.spill(file, whole)
	b.spill(file+".sig", both[:len(both)-30])
	b.trikk(5, "apply", "--plan", file, "--yes").says("cut off")
	b.trikk(5, "sign", file, "--key", bob).says("cut off")
	b.spill(file+".sig", nil)
	b.trikk(5, "apply", "--plan", file, "--yes").says("holds no signature")
	other := b.path("other.plan")
	b.spill(other, whole)
	keygen(t, nil, "-q", "-Y", "sign", "-n", "git", "-f", bob, other)
	b.spill(file+".sig", append(bytes.Clone(alone), b.slurp(other+".sig")...))
	b.trikk(5, "apply", "--plan", file, "--yes").says(`namespace "git"`)
	b.untouched()

	// An approval by the real ssh-keygen is as good; the real one verifies ours.
	if err := os.Remove(other + ".sig"); err != nil {
		t.Fatal(err)
	}
	keygen(t, nil, "-q", "-Y", "sign", "-n", "trikk-plan", "-f", bob, other)
	b.spill(file+".sig", append(bytes.Clone(alone), b.slurp(other+".sig")...))
	allowed := b.path("allowed")
	b.spill(allowed, []byte("anna "+annas+"\n"))
	if said := keygen(t, whole, "-Y", "verify", "-f", allowed, "-I", "anna", "-n", "trikk-plan", "-s", file+".sig"); !strings.Contains(said, "Good") {
		t.Error(said)
	}
	b.trikk(0, "apply", "--plan", file, "--yes").says("signed by anna, bob", "hello runs 1.0-")
	b.trikk(5, "apply", "--plan", file, "--yes").says("was already applied")
}

// resealed is a plan that somebody edited and whose digest fits again.
func resealed(t *testing.T, text []byte) []byte {
	t.Helper()
	p, err := plan.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	p.CreatedBy = "eve@elsewhere"
	var b bytes.Buffer
	if err := plan.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (b *bench) slurp(path string) []byte {
	b.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *bench) spill(path string, text []byte) {
	b.t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// TestRulesAreTheRepositorys: the rules of the config repository at hand count, not those of the one that the plan was made in.
func TestRulesAreTheRepositorys(t *testing.T) {
	long(t)
	t.Parallel()
	b := newBench(t)
	anna, annas := signer(t, "anna")
	file := b.path("hello.plan")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", file, "--sign="+anna)
	b.trikk(5, "apply", "--plan", file, "--yes", "-C", t.TempDir()).says("what demo asks of a plan is not known", "-C DIR")
	free := b.read("environments/environment.cue")

	b.approval(`{signers: bob: ["` + annas + `"], authors: bob: ["` + annas + `"], count: 2}`)
	b.trikk(3, "apply", "--plan", file, "--yes").says("nobody could ever apply here")
	b.write("environments/environment.cue", free)
	_, bobs := signer(t, "bob")
	b.approval(`{signers: bob: ["` + bobs + `"]}`)
	b.trikk(5, "apply", "--plan", file, "--yes").says("is in no list of the environment")
	b.untouched()

	// Where nobody need sign, a signature that is there must be right all the same.
	b.write("environments/environment.cue", free)
	signature := b.slurp(file + ".sig")
	b.spill(file+".sig", signature[:100])
	b.trikk(5, "apply", "--plan", file, "--yes").says("cut off")
	b.spill(file+".sig", signature)
	b.trikk(0, "apply", "--plan", file, "--yes").says("signed by SHA256:", "demo asks nobody to sign")

	// A rollback goes without approval only where the environment says so.
	b.trikk(0, "apply", "hello@2.0", "-e", "demo", "--yes")
	b.approval(`{signers: anna: ["` + annas + `"]}`)
	b.trikk(0, "rollback", "hello", "-e", "demo", "-o", file, "--sign="+anna)
	b.trikk(0, "apply", "--plan", file, "--yes").says("signed by anna", "hello runs 1.0-")
	b.edit("environments/environment.cue", "approval: {", "approval: {exemptRollback: true, ")
	b.trikk(0, "rollback", "hello", "-e", "demo", "--to", "2.0", "--yes").says("hello runs 2.0-")
	b.trikk(5, "apply", "hello@1.0", "-e", "demo", "--yes").says("demo applies saved plans only")
}

// TestKeys: a key is a file, or in the agent and named by its public half, or the first that ssh would use.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := b.path("hello.plan")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", file)
	signs := func(code int, args ...string) *call {
		t.Helper()
		c := b.trikk(code, append([]string{"sign", file, "--json"}, args...)...)
		_ = os.Remove(file + ".sig")
		return c
	}
	key := func(c *call) string { s, _ := c.events()[0].Fields["key"].(string); return s }
	print := func(public string) string {
		return strings.Fields(keygen(t, []byte(public), "-lf", "-"))[1]
	}
	anna, annas := signer(t, "anna")
	if got := key(signs(0, "--key", anna)); got != print(annas) {
		t.Errorf("signed with %s, not %s", got, print(annas))
	}
	signs(4, "--key", anna+".none").says("no such file")
	signs(4, "--key", b.path("hello.plan")).says("neither a private nor a public key")

	socket := filepath.Join(t.TempDir(), "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	config := b.path("agent_config")
	b.spill(config, []byte("IdentityAgent "+socket+"\nIdentityFile "+anna+".none\n"))
	locked, _ := signer(t, "locked")
	keygen(t, nil, "-q", "-p", "-P", "", "-N", "secret", "-f", locked)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("ssh-agent does not listen")
		}
	}
	signs(4, "--key", anna+".pub", "--ssh-config", config).says("the ssh-agent does not hold it (ssh-add " + anna + ")")
	signs(4, "--key", locked, "--ssh-config", config).says("is not at hand", "ssh-add "+locked)
	signs(4, "--ssh-config", config).says("no key can sign")
	add := exec.Command("ssh-add", "-q", anna)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v\n%s", err, out)
	}
	if got := key(signs(0, "--key", anna+".pub", "--ssh-config", config)); got != print(annas) {
		t.Errorf("signed with %s, not %s", got, print(annas))
	}
	if got := key(signs(0, "--ssh-config", config)); got != print(annas) {
		t.Errorf("the first key is %s, not %s", got, print(annas))
	}
	other := b.path("unsigned.plan")
	b.trikk(4, "plan", "hello@1.0", "-e", "demo", "-o", other, "--sign="+locked, "--ssh-config", b.fleet.SSHConfig).says("is not at hand")
	if _, err := os.Stat(other); !os.IsNotExist(err) {
		t.Errorf("a plan that could not be signed was saved: %v", err)
	}
}

// TestFault28SavedPlan: a saved plan that is stale, foreign, replayed or edited is refused, saying which.
func TestFault28SavedPlan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file, other := b.path("one.plan"), b.path("two.plan")
	b.trikk(0, "plan", "hello@1.0", "-e", "demo", "-o", file)
	b.trikk(0, "plan", "hello@2.0", "-e", "demo", "-o", other)
	whole := b.slurp(file)

	// Edited: any change of a value, a key or the white space.
	for _, edit := range [][2]string{{`"hello"`, `"hallo"`}, {"\n", "\n\n"}, {`"format": 1`, `"format": 1, "format": 1`}, {`"demo"`, `"prod"`}} {
		b.spill(file, bytes.Replace(whole, []byte(edit[0]), []byte(edit[1]), 1))
		b.trikk(5, "apply", "--plan", file, "--yes").says("edited")
	}
	b.spill(file, whole[:len(whole)/2])
	b.trikk(5, "apply", "--plan", file, "--yes").says("not a plan")
	b.spill(file, whole)

	// Foreign: another environment, another fleet, or guards that it knows nothing of.
	environment := b.read("environments/environment.cue")
	for change, want := range map[[2]string]string{
		{"environments: demo:", "environments: test:"}:      `unknown environment "demo"`,
		{`address: "127.0.0.1"`, `address: "198.51.100.7"`}: "is " + who()[:strings.Index(who(), "@")] + "@198.51.100.7",
		{"servers: {", "protected: true\n\tservers: {"}:     "demo is protected, and the plan says that it is not",
		{"config/disabled", "config/off"}:                   "proxy lb01 is driven in another way",
		{"lb01:", "lb02:"}:                                  "there is no proxy lb01",
	} {
		if strings.Contains(change[0], "demo:") {
			b.edit("hello/app.cue", "environments: demo", "environments: test")
		}
		if strings.HasPrefix(change[0], "lb01") {
			b.edit("hello/app.cue", `"lb01"`, `"lb02"`)
		}
		b.edit("environments/environment.cue", change[0], change[1])
		b.trikk(5, "apply", "--plan", file, "--yes").says("foreign", want)
		b.write("environments/environment.cue", environment)
		b.write("hello/app.cue", strings.NewReplacer("environments: test", "environments: demo", `"lb02"`, `"lb01"`).Replace(b.read("hello/app.cue")))
	}
	b.trikk(64, "apply", "--plan", file, "-e", "prod", "--yes").says("the plan is for demo, not for prod")
	b.untouched()

	// Replayed, here and from another machine; stale.
	b.trikk(0, "apply", "--plan", file, "--yes")
	b.trikk(5, "apply", "--plan", file, "--yes").says("was already applied")
	b.state = t.TempDir()
	b.trikk(5, "apply", "--plan", file, "--yes").says("was already applied: app01, app02")
	b.trikk(5, "apply", "--plan", other, "--yes").says("is stale", "current is 1.0-")
	b.runs("1.0")
	var p struct{ Inventory map[string]json.RawMessage }
	if err := json.Unmarshal(whole, &p); err != nil || p.Inventory["approval"] != nil {
		t.Errorf("the plan brings its rules: %v, %v", p.Inventory, err)
	}
}
