package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"

	"trikk.dev/engine/plan"
)

// identityVars name the file of the identities when the config does not, the first that is set.
var identityVars = [...]string{"TRIKK_AGE_IDENTITY", "SOPS_AGE_KEY_FILE"}

// fromAge decrypts a file. What age says of a file is not passed on: it may quote it.
func fromAge(s plan.Secret) (string, error) {
	text, err := ciphertext(s)
	if err != nil {
		return "", err
	}
	ids, from, err := identities(s)
	if err != nil {
		return "", err
	}
	in := io.Reader(bytes.NewReader(text))
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	var other *age.NoIdentityMatchError
	out, err := age.Decrypt(in, ids...)
	switch {
	case errors.As(err, &other):
		return "", fmt.Errorf("no identity in %s opens it", from)
	case err != nil:
		return "", errors.New("it is no age file, or a part of it is missing")
	}
	plaintext, err := io.ReadAll(io.LimitReader(out, largest+1))
	if err != nil {
		return "", errors.New("it is damaged")
	}
	return withoutEnd(plaintext), nil
}

// identities are the keys that may open a file, and where they come from.
func identities(s plan.Secret) (ids []age.Identity, from string, err error) {
	dir, path := s.Dir, s.Age.Identity
	from = path
	for _, name := range identityVars {
		if v := os.Getenv(name); path == "" && v != "" {
			dir, path, from = "", v, name
		}
	}
	if path == "" {
		return nil, "", fmt.Errorf("no identity is named (set %s to the file with your age or SSH key, or identity in the config)", identityVars[0])
	}
	text, err := read(dir, path)
	if err != nil {
		return nil, "", fmt.Errorf("the identity of %s: %w", from, err)
	}
	ids, err = parseIdentities(text)
	if err != nil {
		return nil, "", fmt.Errorf("the identity of %s: %w", from, err)
	}
	return ids, from, nil
}

// parseIdentities reads age identities or one SSH private key.
func parseIdentities(text []byte) ([]age.Identity, error) {
	wrong := errors.New("the file holds neither age identities (AGE-SECRET-KEY-…) nor an SSH private key of kind ed25519 or RSA, or they have a passphrase")
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		ids, err := age.ParseIdentities(bytes.NewReader(text))
		if err != nil {
			return nil, wrong // age quotes the line
		}
		return ids, nil
	}
	id, err := agessh.ParseIdentity(text)
	if err != nil {
		return nil, wrong
	}
	return []age.Identity{id}, nil
}
