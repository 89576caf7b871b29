package config

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"trikk.dev/engine/plan"
)

// ciphertextMax is how many bytes an encrypted file may have.
const ciphertextMax = 1 << 20

// secrets says of each secret of an app where its relative paths start, and what its ciphertext is now. No secret is read.
func (r *reader) secrets(a *plan.App, dir string) {
	eachSecret(a, func(field string, s *plan.Secret) { r.secret(a, field, s, dir) })
}

// eachSecret visits the secrets of an app with their fields, in order; what visit changes is kept.
func eachSecret(a *plan.App, visit func(field string, s *plan.Secret)) {
	if auth := authOf(a.Artifact); auth != nil && auth.Basic != nil {
		visit(artifactField(a.Artifact)+".auth.basic.password", &auth.Basic.Password)
	} else if auth != nil && auth.Token != nil {
		visit(artifactField(a.Artifact)+".auth.token", auth.Token)
	}
	for _, file := range slices.Sorted(maps.Keys(a.Files)) {
		for _, name := range slices.Sorted(maps.Keys(a.Files[file].Secrets)) {
			s := a.Files[file].Secrets[name]
			visit("files."+file+".secrets."+name, &s)
			a.Files[file].Secrets[name] = s
		}
	}
}

// secret completes one secret of an app.
func (r *reader) secret(a *plan.App, field string, s *plan.Secret, dir string) {
	if err := complete(s, dir); err != nil {
		r.add(Diagnostic{Pos: at(*a, field+"."+encryptedKind(*s)+".file"), Path: "environments." + a.Env + "." + field, Message: fmt.Sprintf("secret %s: %v", s, err), exact: true})
	}
}

// encryptedKind is the key of an encrypted secret.
func encryptedKind(s plan.Secret) string {
	if s.Sops != nil {
		return "sops"
	}
	return "age"
}

// complete says of a secret where its relative paths start, and what its ciphertext is now.
func complete(s *plan.Secret, dir string) error {
	if slices.ContainsFunc(s.Paths(), func(p string) bool { return !filepath.IsAbs(p) && !strings.HasPrefix(p, "~/") }) {
		s.Dir = dir
	}
	if s.Ciphertext() == "" {
		return nil
	}
	text, err := readCiphertext(dir, s.Ciphertext())
	if err == nil {
		err = encrypted(*s, text)
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	s.Digest = "sha256:" + hex.EncodeToString(sum[:])
	return nil
}

// readCiphertext reads an encrypted file; a relative path starts from dir.
func readCiphertext(dir, name string) ([]byte, error) {
	full := name
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		full = filepath.Join(home, rest)
	}
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	info, err := os.Stat(full) // before it is opened: a pipe would never end
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file (a relative path starts from the folder of the app's file)")
	case err != nil:
		return nil, withoutPath(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Size() > ciphertextMax:
		return nil, fmt.Errorf("the file has more than %d bytes", ciphertextMax)
	}
	f, err := os.Open(full)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, ciphertextMax))
	if err != nil {
		return nil, withoutPath(err)
	}
	return text, nil
}

// withoutPath is what went wrong, without the path.
func withoutPath(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// encrypted refuses a file that was left in plaintext. It never quotes it.
func encrypted(s plan.Secret, text []byte) error {
	text = bytes.TrimSpace(text)
	switch {
	case s.Age != nil && !bytes.HasPrefix(text, []byte("age-encryption.org/v1")) && !bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----")):
		return errors.New("the file is not encrypted with age")
	case s.Sops != nil && !bytes.Contains(text, []byte("ENC[AES256_GCM,")):
		return errors.New("the file is not encrypted with sops")
	}
	return nil
}

// authOf is how the artifact's repository is entered; nil: without.
func authOf(a plan.Artifact) *plan.Auth {
	switch {
	case a.Maven != nil:
		return a.Maven.Auth
	case a.URL != nil:
		return a.URL.Auth
	}
	return nil
}

func artifactField(a plan.Artifact) string {
	if a.Maven != nil {
		return "artifact.maven"
	}
	return "artifact.url"
}

// secretFiles checks the secrets of generated files: that each is used, that each placeholder has one, and that no glob opens
// the file to others.
func (c *checker) secretFiles(a plan.App) {
	for _, p := range slices.Sorted(maps.Keys(a.Files)) {
		f := a.Files[p]
		for _, w := range f.Problems() {
			hint := w.Hint
			if w.Unknown != "" {
				hint = cmp.Or(suggest(w.Unknown, slices.Sorted(maps.Keys(f.Secrets))), hint)
			}
			c.add(a, "files."+p+"."+w.Path, fmt.Sprintf("file %s: %s", p, w.Text), hint)
		}
		for i, m := range a.Modes {
			if ok, err := path.Match(m.Glob, p); err == nil && ok && len(f.Secrets) > 0 && bits(m.Mode)&^bits(f.ModeBits())&0o077 != 0 {
				c.add(a, fmt.Sprintf("modes.%d", i), fmt.Sprintf("mode %s of %q would open file %s, which holds secrets, to others", m.Mode, m.Glob, p),
					fmt.Sprintf("its mode is %s, at %s", f.ModeBits(), place(at(a, "files."+p+".mode"))))
			}
		}
	}
}

// openSecrets warns of files with secrets that everybody on the server may read.
func openSecrets(a plan.App) []Diagnostic {
	var out []Diagnostic
	for _, p := range slices.Sorted(maps.Keys(a.Files)) {
		if f := a.Files[p]; len(f.Secrets) > 0 && bits(f.ModeBits())&0o007 != 0 {
			out = append(out, Diagnostic{Pos: at(a, "files."+p+".mode"), Message: fmt.Sprintf("file %s of app %s holds secrets, and every user of the server may use it (mode %s)", p, a.Name, f.Mode)})
		}
	}
	return out
}

// bits are an octal mode of the schema's form.
func bits(mode string) uint64 {
	n, _ := strconv.ParseUint(mode, 8, 32)
	return n
}
