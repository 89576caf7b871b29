package sign_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/sign"
)

// person has a key of one type, made by the real ssh-keygen.
type person struct {
	name   string
	file   string // private key
	public string
	signer ssh.Signer
}

func newPerson(t *testing.T, name string, args ...string) person {
	t.Helper()
	p := person{name: name, file: filepath.Join(t.TempDir(), name)}
	keygen(t, nil, append([]string{"-q", "-N", "", "-C", name, "-f", p.file}, args...)...)
	private, err := os.ReadFile(p.file)
	check(t, err)
	p.signer, err = ssh.ParsePrivateKey(private)
	check(t, err)
	public, err := os.ReadFile(p.file + ".pub")
	check(t, err)
	p.public = strings.TrimSpace(string(public))
	return p
}

// keygen runs the real ssh-keygen and gives what it prints.
func keygen(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("ssh-keygen", args...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
	}
	return out
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p person) sign(t *testing.T, document []byte) []byte {
	t.Helper()
	s, err := sign.New(rand.Reader, p.signer, document)
	check(t, err)
	return s.Text()
}

// keygenSigns signs with the real ssh-keygen.
func (p person) keygenSigns(t *testing.T, namespace string, document []byte, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "document")
	check(t, os.WriteFile(file, document, 0o600))
	keygen(t, nil, append([]string{"-Y", "sign", "-f", p.file, "-n", namespace}, append(args, file)...)...)
	text, err := os.ReadFile(file + ".sig")
	check(t, err)
	return text
}

var types = map[string][]string{
	"ed25519": {"-t", "ed25519"}, "ecdsa-256": {"-t", "ecdsa", "-b", "256"}, "ecdsa-521": {"-t", "ecdsa", "-b", "521"}, "rsa": {"-t", "rsa", "-b", "2048"},
}

var document = []byte("{\n  \"format\": 1,\n  \"id\": \"é\"\n}\n")

// What trikk signs the real ssh-keygen verifies, byte for byte as it would have written it.
func TestKeygenVerifies(t *testing.T) {
	for name, args := range types {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t, "anna", args...)
			dir := t.TempDir()
			allowed, signature := filepath.Join(dir, "allowed"), filepath.Join(dir, "sig")
			check(t, os.WriteFile(allowed, []byte(`anna namespaces="trikk-plan" `+p.public+"\n"), 0o600))
			text := p.sign(t, document)
			check(t, os.WriteFile(signature, append(text, newPerson(t, "bob", "-t", "ed25519").sign(t, document)...), 0o600))
			out := keygen(t, document, "-Y", "verify", "-f", allowed, "-I", "anna", "-n", "trikk-plan", "-s", signature)
			if !strings.Contains(string(out), `Good "trikk-plan" signature for anna`) {
				t.Errorf("ssh-keygen says %s", out)
			}
			if strings.HasPrefix(name, "ecdsa") {
				return // no two of its signatures are the same
			}
			if theirs := p.keygenSigns(t, "trikk-plan", document); !bytes.Equal(theirs, text) {
				t.Errorf("ssh-keygen writes\n%s\ntrikk writes\n%s", theirs, text)
			}
		})
	}
}

// What the real ssh-keygen signs trikk accepts, several in one file, with either hash.
func TestKeygenSigns(t *testing.T) {
	var file []byte
	var people []person
	for name, args := range types {
		p := newPerson(t, name, args...)
		people = append(people, p)
		file = append(file, p.keygenSigns(t, "trikk-plan", document)...)
	}
	file = append(file, people[0].keygenSigns(t, "trikk-plan", document, "-O", "hashalg=sha256")...)
	got, err := sign.Parse(file, document)
	check(t, err)
	for i, s := range got {
		if want := people[i%len(people)].signer.PublicKey(); s.Fingerprint() != ssh.FingerprintSHA256(want) {
			t.Errorf("signature %d is by %s", i, s.Fingerprint())
		}
	}
	if len(got) != len(people)+1 {
		t.Errorf("%d signatures were read", len(got))
	}
	windows := bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n"))
	if _, err := sign.Parse(windows, document); err != nil {
		t.Errorf("line ends of Windows: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	anna := newPerson(t, "anna", "-t", "ed25519")
	good := anna.sign(t, document)
	small := newPerson(t, "small", "-t", "rsa", "-b", "1024")
	edited := bytes.Replace(document, []byte("1"), []byte("2"), 1)
	lines := strings.SplitAfter(string(good), "\n")
	for name, c := range map[string]struct {
		file, document []byte
		want           string
	}{
		"edited":         {good, edited, "was edited after it was signed"},
		"one line more":  {good, append(bytes.Clone(document), '\n'), "was edited after it was signed"},
		"namespace":      {anna.keygenSigns(t, "git", document), document, `namespace "git", not for "trikk-plan"`},
		"small key":      {small.keygenSigns(t, "trikk-plan", document), document, "an RSA key of less than 2048 bits"},
		"empty":          {nil, document, "holds no signature"},
		"white space":    {[]byte(" \n\n"), document, "holds no signature"},
		"no end":         {[]byte(strings.Join(lines[:len(lines)-2], "")), document, "cut off"},
		"half a line":    {good[:len(good)/2], document, "cut off"},
		"begin alone":    {[]byte("-----BEGIN SSH SIG"), document, "cut off"},
		"lost line":      {[]byte(lines[0] + strings.Join(lines[2:], "")), document, "damaged"},
		"second cut":     {append(bytes.Clone(good), good[:60]...), document, "cut off"},
		"second wrong":   {append(bytes.Clone(good), anna.sign(t, edited)...), document, "signature 2 of 2"},
		"text between":   {append(append(bytes.Clone(good), "approved!\n"...), good...), document, "no signature of SSH"},
		"a key":          {[]byte(anna.public), document, "no signature of SSH"},
		"other PEM":      {bytes.ReplaceAll(good, []byte("SSH SIGNATURE"), []byte("PGP SIGNATURE")), document, "no signature of SSH"},
		"not base64":     {[]byte(lines[0] + "%%%%\n" + lines[len(lines)-2]), document, "damaged"},
		"something else": {[]byte(lines[0] + "aGVsbG8gd29ybGQ=\n" + lines[len(lines)-2]), document, "no signature of SSH"},
		"huge":           {bytes.Repeat([]byte(" "), sign.MaxFile+1), document, "no signature file"},
	} {
		if got, err := sign.Parse(c.file, c.document); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d signatures, %v", name, len(got), err)
		}
	}
}

// No single changed byte of a signature, and no length of it, passes for the same person's.
func TestEveryByteCounts(t *testing.T) {
	anna := newPerson(t, "anna", "-t", "ed25519")
	good := anna.sign(t, document)
	for i := range bytes.TrimSpace(good) {
		if got, err := sign.Parse(good[:i], document); err == nil {
			t.Errorf("%d bytes pass: %v", i, got)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if len(bytes.Fields(bad[i:i+1])) == 0 {
			continue // white space stays white space
		}
		if got, err := sign.Parse(bad, document); err == nil && got[0].Fingerprint() == ssh.FingerprintSHA256(anna.signer.PublicKey()) {
			t.Errorf("with byte %d changed it passes", i)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if got, err := sign.Parse(file, document); err == nil && len(got) == 0 {
			t.Error("a file without a signature passes")
		}
	})
}

func TestRules(t *testing.T) {
	anna, bob, carol, dev := newPerson(t, "anna", "-t", "ed25519"), newPerson(t, "bob", "-t", "ed25519"), newPerson(t, "carol", "-t", "ecdsa"), newPerson(t, "dev", "-t", "ed25519")
	annas := newPerson(t, "annas-second", "-t", "ed25519")
	three := map[string][]string{"anna": {anna.public, annas.public}, "bob": {bob.public}, "carol": {carol.public}}
	for name, c := range map[string]struct {
		rules plan.Approval
		by    []person
		want  string // "": approved
	}{
		"one":                         {plan.Approval{Signers: three, Count: 1}, []person{bob}, ""},
		"count 0 is 1":                {plan.Approval{Signers: three}, nil, "1 approval (anna, bob, carol); signed by nobody"},
		"nobody":                      {plan.Approval{Signers: three, Count: 1}, nil, "signed by nobody"},
		"two":                         {plan.Approval{Signers: three, Count: 2}, []person{bob, carol}, ""},
		"one of two":                  {plan.Approval{Signers: three, Count: 2}, []person{bob}, "2 approvals (anna, bob, carol); signed by bob"},
		"one twice":                   {plan.Approval{Signers: three, Count: 2}, []person{bob, bob}, "signed by bob"},
		"one with two keys":           {plan.Approval{Signers: three, Count: 2}, []person{anna, annas}, "signed by anna"},
		"a stranger":                  {plan.Approval{Signers: three, Count: 1}, []person{dev}, "is in no list"},
		"a stranger beside":           {plan.Approval{Signers: three, Count: 1}, []person{bob, dev}, "is in no list"},
		"an author alone":             {plan.Approval{Signers: three, Authors: map[string][]string{"dev": {dev.public}}, Count: 1}, []person{dev}, "signed by dev"},
		"own approval":                {plan.Approval{Signers: three, NotAuthor: true, Count: 1}, []person{anna}, "by others than the author"},
		"own approval, other key":     {plan.Approval{Signers: three, NotAuthor: true, Count: 1}, []person{anna, annas}, "by others than the author"},
		"another's approval":          {plan.Approval{Signers: three, NotAuthor: true, Count: 1}, []person{anna, bob}, ""},
		"author and signer":           {plan.Approval{Signers: three, Authors: map[string][]string{"dev": {dev.public}}, NotAuthor: true, Count: 1}, []person{dev, bob}, ""},
		"order does not matter":       {plan.Approval{Signers: three, Authors: map[string][]string{"dev": {dev.public}}, NotAuthor: true, Count: 1}, []person{bob, dev}, ""},
		"without the author":          {plan.Approval{Signers: three, Authors: map[string][]string{"dev": {dev.public}}, NotAuthor: true, Count: 1}, []person{bob}, "by others than the author"},
		"two others":                  {plan.Approval{Signers: three, NotAuthor: true, Count: 2}, []person{anna, bob}, "2 approvals by others than the author"},
		"two others are there":        {plan.Approval{Signers: three, NotAuthor: true, Count: 2}, []person{anna, bob, carol}, ""},
		"a throwaway key as author's": {plan.Approval{Signers: three, NotAuthor: true, Count: 1}, []person{dev, anna}, "is in no list"},
	} {
		r, wrong := sign.NewRoster(c.rules)
		if len(wrong) > 0 {
			t.Errorf("%s: %v", name, wrong)
		}
		var file []byte
		for _, p := range c.by {
			file = append(file, p.sign(t, document)...)
		}
		var all []sign.Signature
		if len(file) > 0 {
			var err error
			all, err = sign.Parse(file, document)
			check(t, err)
		}
		names, err := r.Approved(all)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, %v", name, names, err)
		}
	}
}

func TestWrongRules(t *testing.T) {
	anna := newPerson(t, "anna", "-t", "ed25519")
	certificate := func() string {
		keygen(t, nil, "-q", "-s", anna.file, "-I", "x", anna.file+".pub")
		text, err := os.ReadFile(anna.file + "-cert.pub")
		check(t, err)
		return string(text)
	}()
	one := map[string][]string{"anna": {anna.public}}
	for name, c := range map[string]struct {
		rules plan.Approval
		want  string
	}{
		"no key":        {plan.Approval{Signers: map[string][]string{"a": {"hello"}}}, "signers.a.0 is no public key"},
		"options":       {plan.Approval{Signers: map[string][]string{"a": {`command="x" ` + anna.public}}}, "signers.a.0 has options"},
		"two keys":      {plan.Approval{Signers: map[string][]string{"a": {anna.public + "\n" + anna.public}}}, "signers.a.0 holds more than one key"},
		"certificate":   {plan.Approval{Signers: map[string][]string{"a": {certificate}}}, "signers.a.0 is a key of type ssh-ed25519-cert-v01@openssh.com"},
		"one key, two":  {plan.Approval{Signers: map[string][]string{"anna": {anna.public}, "bob": {anna.public}}}, "signers.bob.0 is the key of anna too"},
		"author too":    {plan.Approval{Signers: one, Authors: map[string][]string{"dev": {anna.public}}}, "authors.dev.0 is the key of anna too"},
		"more than are": {plan.Approval{Signers: one, Count: 2}, "count nobody could ever apply here: it wants 2 approvals (anna)"},
		"only herself":  {plan.Approval{Signers: one, NotAuthor: true}, "count nobody could ever apply here"},
	} {
		_, wrong := sign.NewRoster(c.rules)
		if len(wrong) != 1 || !strings.HasPrefix(wrong[0].Path+" "+wrong[0].Message, c.want) {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	if _, wrong := sign.NewRoster(plan.Approval{Signers: one, Authors: one, Count: 1}); len(wrong) > 0 {
		t.Errorf("a signer may be an author: %v", wrong)
	}
}
