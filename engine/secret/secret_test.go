package secret_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/secret"
)

const canary = "canary-5f0c1a\nsecond line"

// folder is a place for files of a test, and the home of its user.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	f := folder{t, t.TempDir()}
	t.Setenv("HOME", f.dir)
	t.Setenv("TRIKK_AGE_IDENTITY", "")
	t.Setenv("SOPS_AGE_KEY_FILE", "")
	return f
}

func (f folder) write(name, content string, mode os.FileMode) string {
	f.t.Helper()
	p := filepath.Join(f.dir, name)
	if err := os.WriteFile(p, []byte(content), mode); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// encrypt writes an age file for recipients.
func (f folder) encrypt(name, plaintext string, armored bool, to ...age.Recipient) string {
	f.t.Helper()
	var out bytes.Buffer
	check := func(err error) {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	if !armored {
		w, err := age.Encrypt(&out, to...)
		check(err)
		fmt.Fprint(w, plaintext)
		check(w.Close())
		return f.write(name, out.String(), 0o600)
	}
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to...)
	check(err)
	fmt.Fprint(w, plaintext)
	check(w.Close())
	check(a.Close())
	return f.write(name, out.String(), 0o600)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// given is one secret, and what reading it gives: a value, or an error that says something.
type given struct {
	name string
	in   plan.Secret
	want string
	err  string
}

func requireAll(t *testing.T, table []given) {
	t.Helper()
	for _, tt := range table {
		got, err := new(secret.Reader).Read(t.Context(), tt.in)
		if tt.err == "" && (err != nil || got != tt.want) {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
		if tt.err == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "reading secret "+tt.in.String()) {
			t.Errorf("%s: error %v does not name the secret and say %q", tt.name, err, tt.err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error holds the value: %v", tt.name, err)
		}
	}
}

func TestEnvAndFile(t *testing.T) {
	f := newFolder(t)
	t.Setenv("TRIKK_TEST_SET", "s3cret")
	t.Setenv("TRIKK_TEST_EMPTY", "")
	t.Setenv("TRIKK_TEST_LINES", canary)
	f.write("a", "from file\n", 0o600)
	if err := syscall.Mkfifo(filepath.Join(f.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	requireAll(t, []given{
		{"env", plan.Secret{Env: "TRIKK_TEST_SET"}, "s3cret", ""},
		{"env unset", plan.Secret{Env: "TRIKK_TEST_UNSET"}, "", "it is not set"},
		{"env empty", plan.Secret{Env: "TRIKK_TEST_EMPTY"}, "", "it is empty"},
		{"env with lines", plan.Secret{Env: "TRIKK_TEST_LINES"}, canary, ""},
		{"file", plan.Secret{File: filepath.Join(f.dir, "a")}, "from file", ""},
		{"file with CRLF", plan.Secret{File: f.write("b", "x\r\n", 0o600)}, "x", ""},
		{"file with lines", plan.Secret{File: f.write("lines", canary+"\n\n", 0o600)}, canary + "\n", ""},
		{"file in home", plan.Secret{File: "~/a"}, "from file", ""},
		{"file beside the app", plan.Secret{File: "a", Dir: f.dir}, "from file", ""},
		{"file missing", plan.Secret{File: "none", Dir: f.dir}, "", "no such file"},
		{"folder", plan.Secret{File: f.dir}, "", "is a directory"},
		{"file empty", plan.Secret{File: f.write("c", "\n", 0o600)}, "", "it is empty"},
		{"file too large", plan.Secret{File: f.write("d", strings.Repeat("x", 1<<20+1), 0o600)}, "", "more than 1048576 bytes"},
		{"nothing", plan.Secret{}, "", "none of env, file, age and sops"},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := new(secret.Reader).Read(ctx, plan.Secret{File: "pipe", Dir: f.dir}); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("a pipe that nobody writes to: %v", err)
	}
}

func TestAge(t *testing.T) {
	f := newFolder(t)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := f.write("key.txt", "# created: today\n"+id.String()+"\n", 0o600)
	f.write("other.txt", other.String()+"\n", 0o600)
	f.write("broken.txt", "AGE-SECRET-KEY-1CANARY-canary\n", 0o600)
	f.encrypt("binary.age", canary+"\n", false, id.Recipient())
	f.encrypt("armored.age", canary, true, other.Recipient(), id.Recipient())
	whole, err := os.ReadFile(f.encrypt("whole.age", canary, false, id.Recipient()))
	if err != nil {
		t.Fatal(err)
	}
	f.write("cut.age", string(whole[:len(whole)-5]), 0o600)
	f.write("plain.age", "canary\n", 0o600)
	in := func(file, identity string) plan.Secret {
		return plan.Secret{Age: &plan.AgeSecret{File: file, Identity: identity}, Dir: f.dir}
	}
	current, stale := in("whole.age", "key.txt"), in("whole.age", "key.txt")
	current.Digest, stale.Digest = digest(string(whole)), digest("before")
	requireAll(t, []given{
		{"no identity", in("binary.age", ""), "", "set TRIKK_AGE_IDENTITY"},
		{"binary", in("binary.age", "key.txt"), canary, ""},
		{"armored", in("armored.age", "~/key.txt"), canary, ""},
		{"absolute", in(filepath.Join(f.dir, "armored.age"), key), canary, ""},
		{"another identity", in("binary.age", "other.txt"), "", "no identity in other.txt opens it"},
		{"no such identity", in("binary.age", "none.txt"), "", "the identity of none.txt: there is no such file"},
		{"broken identity", in("binary.age", "broken.txt"), "", "neither age identities"},
		{"missing", in("none.age", "key.txt"), "", "there is no such file"},
		{"plaintext", in("plain.age", "key.txt"), "", "it is no age file"},
		{"cut", in("cut.age", "key.txt"), "", "it is damaged"},
		{"as planned", current, canary, ""},
		{"changed since", stale, "", "changed since the plan was made"},
	})
	t.Setenv("SOPS_AGE_KEY_FILE", key)
	requireAll(t, []given{{"by sops's variable", in("binary.age", ""), canary, ""}})
	t.Setenv("TRIKK_AGE_IDENTITY", filepath.Join(f.dir, "other.txt"))
	requireAll(t, []given{
		{"our variable goes first", in("binary.age", ""), "", "no identity in TRIKK_AGE_IDENTITY opens it"},
		{"the config goes before both", in("binary.age", "key.txt"), canary, ""},
	})
}

func TestAgeWithAnSSHKey(t *testing.T) {
	f := newFolder(t)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	plainBlock, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	lockedBlock, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("words"))
	if err != nil {
		t.Fatal(err)
	}
	f.write("id_ed25519", string(pem.EncodeToMemory(plainBlock)), 0o600)
	f.write("locked", string(pem.EncodeToMemory(lockedBlock)), 0o600)
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	to, err := agessh.ParseRecipient(string(ssh.MarshalAuthorizedKey(pub)))
	if err != nil {
		t.Fatal(err)
	}
	f.encrypt("a.age", canary, true, to)
	in := func(identity string) plan.Secret {
		return plan.Secret{Age: &plan.AgeSecret{File: "a.age", Identity: identity}, Dir: f.dir}
	}
	requireAll(t, []given{
		{"SSH key", in("id_ed25519"), canary, ""},
		{"SSH key with a passphrase", in("locked"), "", "they have a passphrase"},
	})
}

// standIn is a sops that knows one file: it wants the arguments that the real one wants, and tells of failures as that does.
const standIn = `#!/bin/sh
[ "$#" = 4 ] && [ "$1 $2" = "--decrypt --extract" ] || { echo "arguments: $*" >&2; exit 64; }
case $4 in
*/slow.yaml) exec sleep 60 ;;
*/closed.yaml) echo "Failed to get the data key required to decrypt the SOPS file: canary" >&2; exit 128 ;;
*/odd.yaml) echo "yaml: canary" >&2; exit 3 ;;
*/large.yaml) head -c 1048577 /dev/zero | tr '\0' x ;;
esac
case $3 in
'["db"]["password"]' | '["a.b"][0]') printf 'canary-5f0c1a\nsecond line' ;;
*) echo "component $3 not found; there is canary" >&2; exit 91 ;;
esac
`

func TestSops(t *testing.T) {
	f := newFolder(t)
	bin := filepath.Join(f.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	t.Setenv("PATH", bin)
	const text = "db:\n    password: ENC[AES256_GCM,data:x,type:str]\n"
	for _, name := range []string{"s", "slow", "closed", "odd", "large"} {
		f.write(name+".yaml", text, 0o600)
	}
	in := func(file, key string) plan.Secret {
		return plan.Secret{Sops: &plan.SopsSecret{File: file, Key: key}, Dir: f.dir}
	}
	requireAll(t, []given{{"not installed", in("s.yaml", "db.password"), "", "sops command is not installed"}})
	f.write("bin/sops", standIn, 0o755)
	t.Setenv("PATH", bin+":"+path)
	stale := in("s.yaml", "db.password")
	stale.Digest = digest("before")
	requireAll(t, []given{
		{"dotted", in("s.yaml", "db.password"), canary, ""},
		{"as sops writes it", in("s.yaml", `["a.b"][0]`), canary, ""},
		{"no such key", in("s.yaml", "db.user"), "", "the file has no such key"},
		{"no key opens it", in("closed.yaml", "db.password"), "", "no key of this machine or user opens the file"},
		{"another failure", in("odd.yaml", "db.password"), "", "exit status 3"},
		{"too large", in("large.yaml", "db.password"), "", "more than 1048576 bytes"},
		{"missing", in("none.yaml", "db.password"), "", "there is no such file"},
		{"changed since", stale, "", "changed since the plan was made"},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := new(secret.Reader).Read(ctx, in("slow.yaml", "db.password")); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("sops that hangs: %v after %v", err, time.Since(began))
	}
}

func TestEachIsReadOnce(t *testing.T) {
	f := newFolder(t)
	f.write("a", "first", 0o600)
	var r secret.Reader
	s := plan.Secret{File: "a", Dir: f.dir}
	for _, later := range []string{"second", "third"} {
		if v, err := r.Read(t.Context(), s); err != nil || v != "first" {
			t.Errorf("got %q, %v", v, err)
		}
		f.write("a", later, 0o600)
	}
}
