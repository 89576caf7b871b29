package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Secret refers to a secret that is read on the controller at apply; its value is never in a plan. A one-key union of Env,
// File, Age and Sops. Paths are absolute, ~/…, or relative to Dir.
type Secret struct {
	Env  string      `json:"env,omitempty"`
	File string      `json:"file,omitempty"`
	Age  *AgeSecret  `json:"age,omitempty"`
	Sops *SopsSecret `json:"sops,omitempty"`
	// Rev is the user's own revision of the secret: another one makes a new release.
	Rev string `json:"rev,omitempty"`
	// Dir is the folder of the app's file on the controller that made the plan, absolute; "" where no path is relative.
	Dir string `json:"dir,omitempty"`
	// Digest is that of the ciphertext when the config was read, "sha256:HEX"; "" for env and file, which have none.
	Digest string `json:"digest,omitempty"`
}

// AgeSecret is a file that is encrypted with age.
type AgeSecret struct {
	File     string `json:"file"`
	Identity string `json:"identity,omitempty"` // "": the environment names it
}

// SopsSecret is one value in a file that is encrypted with sops.
type SopsSecret struct {
	File string `json:"file"`
	Key  string `json:"key"` // db.password, or ["db"]["password"]
}

// String names the secret as its user wrote it: "env DB_PASSWORD", "sops secrets.yaml db.password".
func (s Secret) String() string {
	switch {
	case s.Env != "":
		return "env " + s.Env
	case s.File != "":
		return "file " + s.File
	case s.Age != nil:
		return "age " + s.Age.File
	case s.Sops != nil:
		return "sops " + s.Sops.File + " " + s.Sops.Key
	}
	return "of no kind"
}

// Ciphertext is the path of the encrypted file as it is written; "" for env and file.
func (s Secret) Ciphertext() string {
	switch {
	case s.Age != nil:
		return s.Age.File
	case s.Sops != nil:
		return s.Sops.File
	}
	return ""
}

// Paths are the paths of the secret as they are written.
func (s Secret) Paths() []string {
	var out []string
	for _, p := range []string{s.File, s.Ciphertext()} {
		if p != "" {
			out = append(out, p)
		}
	}
	if s.Age != nil && s.Age.Identity != "" {
		out = append(out, s.Age.Identity)
	}
	return out
}

// revision is what a release knows of the secret: the reference, and the digest of its ciphertext or the user's revision. It is
// the same on every controller, and nothing of it comes from the value.
func (s Secret) revision() string {
	words := []string{s.String()}
	if s.Digest != "" {
		words = append(words, s.Digest)
	}
	if s.Rev != "" {
		words = append(words, "rev "+s.Rev)
	}
	return strings.Join(words, " ")
}

// revisions are those of a file's secrets, by name.
func revisions(secrets map[string]Secret) map[string]string {
	if len(secrets) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, s := range secrets {
		out[name] = s.revision()
	}
	return out
}

// Needed is a secret that a step needs, and how.
type Needed struct {
	Secret Secret
	// Variable is the shell variable that the step's script expects it in; "": the controller needs it for itself.
	Variable string
	// Format of the file that it goes into, which says how it is escaped; "": one line, as it is.
	Format string
}

// SecretsOf lists the secrets that an op needs, sorted by variable.
func SecretsOf(op Op) []Needed {
	switch op := op.(type) {
	case Fetch:
		return op.secrets()
	case Write:
		return op.secrets()
	}
	return nil
}

// SecretsOfFiles lists the secrets of an app's generated files, by path and name, whether or not a plan writes them.
func SecretsOfFiles(app App) []Needed {
	var out []Needed
	for _, p := range sortedKeys(app.Files) {
		f := app.Files[p]
		for _, name := range sortedKeys(f.Secrets) {
			out = append(out, Needed{Secret: f.Secrets[name], Format: f.format()})
		}
	}
	return out
}

// Value makes what the variable holds of the secret's value, or says why the format can't hold it; never by the value.
func (n Needed) Value(raw string) (string, error) {
	text, err := escapeSecret(n.Format, raw)
	if err != nil {
		return "", fmt.Errorf("secret %s: %w", n.Secret, err)
	}
	return text, nil
}

// variable is the shell variable of a secret. Steps that want the same one in the same way share it; others never do.
func variable(name string, s Secret, format string) string {
	h := sha256.Sum256([]byte(s.revision() + "\n" + format))
	word := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, name)
	return "trikk_secret_" + word + "_" + hex.EncodeToString(h[:4])
}
