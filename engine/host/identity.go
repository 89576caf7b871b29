package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Identity is a key that can sign. The agent that holds it stays connected until Close.
type Identity struct {
	ssh.Signer
	ring *keyring
}

// Close ends the connection to the agent.
func (i Identity) Close() error {
	i.ring.close()
	return nil
}

// FindIdentity opens a key to sign with: key is the path of a private key, or of a public key whose private half the agent
// holds; "" is the first that ssh would use for a host that its configuration says nothing of. An encrypted private key must
// be in the agent. The agent is given until ctx's deadline, also for what it asks a person.
func FindIdentity(ctx context.Context, key string, o Options) (Identity, error) {
	s, err := readSettings(ctx, Target{Address: "trikk.invalid"}, o)
	if err != nil {
		return Identity{}, err
	}
	if key != "" {
		return namedIdentity(ctx, key, s)
	}
	ring := openKeyring(ctx, s)
	id, ok := ring.first()
	if !ok {
		ring.close()
		return Identity{}, errors.New("no key can sign: " + ring.missing(s))
	}
	return id, nil
}

// namedIdentity opens the key in one file.
func namedIdentity(ctx context.Context, key string, s settings) (Identity, error) {
	text, err := os.ReadFile(key)
	if err != nil {
		return Identity{}, fmt.Errorf("reading the key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err == nil {
		return Identity{signer, &keyring{}}, nil
	}
	public, _, _, _, publicErr := ssh.ParseAuthorizedKey(text)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &encrypted):
		public = encrypted.PublicKey
	case publicErr != nil:
		return Identity{}, fmt.Errorf("%s is neither a private nor a public key of SSH: %w", key, err)
	}
	wanted := publicKeys([]string{key})
	if public != nil {
		wanted = map[string]bool{string(public.Marshal()): true}
	}
	ring := &keyring{}
	s.identitiesOnly = true
	ring.fromAgent(ctx, s, wanted)
	if id, ok := ring.first(); ok {
		return id, nil
	}
	ring.close()
	return Identity{}, fmt.Errorf("the private half of %s is not at hand: %s (ssh-add %s)", key, ring.missing(s), strings.TrimSuffix(key, ".pub"))
}

// first is the first plain key, which must not be a certificate.
func (k *keyring) first() (Identity, bool) {
	for _, signer := range k.signers {
		if _, certified := signer.PublicKey().(*ssh.Certificate); !certified {
			return Identity{signer, k}, true
		}
	}
	return Identity{}, false
}

// missing says why a keyring has no key.
func (k *keyring) missing(s settings) string {
	switch {
	case len(k.passed) > 0:
		return strings.Join(k.passed, "; ")
	case s.agent == "":
		return "no ssh-agent runs"
	}
	return "the ssh-agent does not hold it"
}
