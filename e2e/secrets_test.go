//go:build linux

package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"trikk.dev/e2e"
)

// canaries are secrets of each kind that no other text in the world has.
type canaries struct {
	mark   string            // in all of them
	values map[string]string // by kind
}

// sopsStandIn opens what sealedForSops sealed, called as trikk calls sops.
const sopsStandIn = `#!/bin/sh
[ "$1 $2 $3" = '--decrypt --extract ["db"]["password"]' ] || exit 64
sed -n 's/.*ENC\[AES256_GCM,data:\([^,]*\),.*/\1/p' "$4" | base64 -d
`

// secretApp is an app with a generated file of each format, each with a secret of another kind.
func secretApp(repository, file, more string) string {
	return strings.Replace(itasApp(repository, ready, rolling, more, `	environments: test: servers: ["app1", "app2"]`), "\tfiles: ", `	files: {
		"config/a.properties": {properties: {user: "hello", password: "{secret:db}", text: "{secret::db}"}, secrets: db: {env: "E2E_CANARY", rev: "1"}}
		"config/b.json": {json: {url: "postgres://hello:{secret:pw}@db"}, secrets: pw: file: "`+file+`"}
		"config/c.pem": {text: "{secret:key}\n", secrets: key: age: file: "key.age"}
		"config/d.env": {env: PASSWORD: "x{secret:pw}", secrets: pw: sops: {file: "secrets.yaml", key: "db.password"}}
	}
	files: `, 1)
}

// hatch makes the canaries and puts each where its kind is read from.
func hatch(t *testing.T, f *e2e.Fleet, c *e2e.Config) (canaries, string) {
	t.Helper()
	raw := make([]byte, 6)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	k := canaries{mark: "kanari" + hex.EncodeToString(raw)}
	k.values = map[string]string{
		"env": k.mark + `-env "$(id)' \u`, "file": k.mark + "-file\"\n" + k.mark + "-second line", "age": "-----BEGIN\n" + k.mark + "-age\n-----END", "sops": k.mark + "-sops $HOME`id`",
	}
	vault := f.Dir(t)
	put := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(vault, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRIKK_AGE_IDENTITY", put("key.txt", id.String()+"\n", 0o600))
	name, value, _ := strings.Cut(givenSecrets, "=")
	t.Setenv(name, value)
	t.Setenv("E2E_CANARY", k.values["env"])
	put("sops", sopsStandIn, 0o755)
	t.Setenv("PATH", vault+":"+os.Getenv("PATH"))
	seal(t, c, id.Recipient(), k.values["age"])
	c.Write("apps/hello/secrets.yaml", "db:\n    password: ENC[AES256_GCM,data:"+base64.StdEncoding.EncodeToString([]byte(k.values["sops"]))+",iv:x,tag:x,type:str]\n")
	return k, put("password", k.values["file"]+"\n", 0o600)
}

// seal writes the app's age file.
func seal(t *testing.T, c *e2e.Config, to age.Recipient, value string) {
	t.Helper()
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(value + "\n"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c.Write("apps/hello/key.age", sealed.String())
}

// A secret of each kind is deployed as another user through sudo: with success, and with a step that fails and prints it. It is
// in the generated file, and in nothing else that the run wrote, printed, logged or called, on either side.
func TestSecretsLeaveNoTrace(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy})
	c := f.Config(t, nil)
	k, file := hatch(t, f, c)
	c.App("hello", secretApp(repo.URL, file, ""))
	logEverything(t, f.App[:2])
	temp := filepath.Join(c.Dir, "tmp")
	c.Write("tmp/README", "what trikk writes into TMPDIR\n")
	t.Setenv("TMPDIR", temp)

	watch := watchProcesses("/bin/sh", k.mark)
	lacks := func(r e2e.Result) e2e.Result { return r.Lacks(t, k.mark) }
	lacks(f.Trikk(t, c, "vet")).Exit(t, 0)
	lacks(f.Trikk(t, c, "render", "hello", "-e", "test")).Exit(t, 0).Says(t, "password={secret:db}", "text={secret::db}", "postgres://hello:{secret:pw}@db")
	lacks(f.Trikk(t, c, "plan", "hello@1.0", "-e", "test", "--script")).Exit(t, 0).Says(t, `"$trikk_secret_db_`)
	lacks(f.Trikk(t, c, "plan", "hello@1.0", "-e", "test", "--json", "-o", filepath.Join(c.Dir, "hello.plan"))).Exit(t, 0)
	lacks(f.Trikk(t, c, "apply", "--plan", filepath.Join(c.Dir, "hello.plan"), "--yes", "-vv")).Exit(t, 0).Says(t, "hello runs 1.0-")
	first := f.App[0].Link(root + "/" + e2e.AppUser + "-app")
	lacks(f.Trikk(t, c, "plan", "hello@1.0", "-e", "test")).Exit(t, 0).Says(t, "Nothing to do")

	// The hook shows the files, as programs do that can't log in.
	c.App("hello", secretApp(repo.URL, file, `	hooks: before: ["cat config/a.properties config/b.json config/c.pem config/d.env; false"]`))
	lacks(f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes", "-vv")).Exit(t, 7).Says(t, "password=***", "PASSWORD=\"x***\"")
	lacks(f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes", "--json", "-vv")).Exit(t, 7).Says(t, "***")
	lacks(f.Trikk(t, c, "status", "-e", "test", "-vv")).Says(t, "1.0-")
	lacks(f.Trikk(t, c, "status", "-e", "test", "--json"))

	// A new ciphertext and a new revision are new releases.
	c.App("hello", strings.Replace(secretApp(repo.URL, file, ""), `rev: "1"`, `rev: "2"`, 1))
	lacks(f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes")).Exit(t, 0)
	second := f.App[0].Link(root + "/" + e2e.AppUser + "-app")
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	seal(t, c, other.Recipient(), k.values["age"])
	lacks(f.Trikk(t, c, "plan", "hello@1.0", "-e", "test")).Exit(t, 0).Lacks(t, "Nothing to do")
	before := f.App[0].Run(t, "find "+root+" | sort")
	lacks(f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes")).Exit(t, 1).
		Says(t, "hello: reading secret age key.age: no identity in TRIKK_AGE_IDENTITY opens it", "nothing was changed")
	if after := f.App[0].Run(t, "find "+root+" | sort"); after != before {
		t.Errorf("something was changed:\n%s", difference(before, after))
	}
	if first == second {
		t.Error("a new revision did not make a new release")
	}
	seen := watch()
	if seen.processes < 20 || seen.marked < 10 {
		t.Errorf("the watch saw %d processes, and %d shells: it proves nothing", seen.processes, seen.marked)
	}
	for _, line := range seen.secrets {
		t.Errorf("a process shows a secret: %q", line)
	}
	requireWritten(t, f.App[0], k)
	requireNoTrace(t, f.App[:2], k, c.Dir, c.Dir+".state")
}

// logEverything makes sshd and sudo of the machines log all that they can.
func logEverything(t *testing.T, machines []*e2e.Machine) {
	t.Helper()
	const rule = "/etc/sudoers.d/trikk-e2e-log"
	if err := os.WriteFile(rule, []byte("Defaults logfile=/run/sudo.log, log_year, !syslog\n"), 0o440); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(rule) })
	for _, m := range machines {
		m.Run(t, "echo 'LogLevel DEBUG3' >>/run/sshd/sshd_config && kill -HUP $(cat /run/sshd/pid)")
		m.Listens(t, 22)
		t.Cleanup(func() {
			_, _ = m.Try("sed -i '/LogLevel DEBUG3/d' /run/sshd/sshd_config && kill -HUP $(cat /run/sshd/pid); rm -f /run/sudo.log")
			m.Listens(t, 22)
		})
	}
}

// requireWritten asserts that the files hold what they should, and that only the app's user may read them.
func requireWritten(t *testing.T, m *e2e.Machine, k canaries) {
	t.Helper()
	dir := root + "/" + e2e.AppUser + "-app/config/"
	env, sops := k.values["env"], k.values["sops"]
	for name, want := range map[string]string{
		"a.properties": "password=" + strings.ReplaceAll(env, `\`, `\\`) + "\ntext={secret:db}\nuser=hello\n",
		"b.json":       "{\n  \"url\": \"postgres://hello:" + strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(k.values["file"]) + "@db\"\n}\n",
		"c.pem":        k.values["age"] + "\n",
		"d.env":        `PASSWORD="x` + strings.NewReplacer("$", `\$`, "`", "\\`").Replace(sops) + "\"\n",
	} {
		if got := m.Run(t, "cat "+dir+name+"; echo ."); got != want+"." {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
		if got := m.Run(t, "stat -c '%a %U' "+dir+name); got != "600 "+e2e.AppUser {
			t.Errorf("%s is %s", name, got)
		}
	}
}

// requireNoTrace looks for the secrets, and for digests of them, everywhere.
func requireNoTrace(t *testing.T, machines []*e2e.Machine, k canaries, dirs ...string) {
	t.Helper()
	needles := []string{k.mark}
	for _, v := range k.values {
		sum := sha256.Sum256([]byte(v))
		needles = append(needles, hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]))
	}
	generated := func(path string) bool {
		return strings.HasPrefix(path, root+"/releases/") && strings.Contains(path, "/config/")
	}
	for _, m := range machines {
		for log, text := range map[string]string{"/run/sshd/log": "debug3:", "/run/sudo.log": "COMMAND=/bin/sh"} {
			if !strings.Contains(m.Read(log), text) {
				t.Errorf("%s on %s has no %q: it proves nothing", log, m.Name, text)
			}
		}
		var found []string
		for _, path := range traces(t, m, needles) {
			if generated(path) {
				found = append(found, path)
				continue
			}
			t.Errorf("a secret is on %s in %s", m.Name, path)
		}
		if len(found) < 4 {
			t.Errorf("the search on %s found only %q: it proves nothing", m.Name, found)
		}
		for _, place := range []string{"/home/" + e2e.LoginUser + "/planted", "/tmp/planted", "/run/planted"} {
			m.Run(t, fmt.Sprintf("echo 'x %sx' >%s", k.mark, place))
			if all := traces(t, m, needles); len(all) != len(found)+1 {
				t.Errorf("the search on %s does not find %s", m.Name, place)
			}
			m.Run(t, "rm "+place)
		}
	}
	for _, dir := range dirs {
		for _, needle := range needles {
			if found := grepTree(t, dir, needle); found != "" {
				t.Errorf("a secret is in %s", found)
			}
		}
		planted := filepath.Join(dir, "planted")
		if err := os.WriteFile(planted, []byte("x"+k.mark), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(grepTree(t, dir, k.mark), planted) {
			t.Errorf("the search does not find %s", planted)
		}
	}
	if journals, err := filepath.Glob(dirs[1] + "/runs/*"); err != nil || len(journals) < 4 {
		t.Errorf("%d runs were kept: %v", len(journals), err)
	}
}

// traces are the files of a machine that hold one of the texts.
func traces(t *testing.T, m *e2e.Machine, needles []string) []string {
	t.Helper()
	out, err := m.Try("grep -rlaF -e " + strings.Join(needles, " -e ") + " /home /srv /tmp /var/tmp /var/log /run /mnt 2>/dev/null")
	if err != nil && out != "" {
		t.Fatal(err)
	}
	return strings.Fields(out)
}
