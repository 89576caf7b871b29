package sign

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// leastRSA is how many bits an RSA key must have.
const leastRSA = 2048

// ParseKey reads a public key as it stands in an id_….pub file: type, base64, comment. Options and certificates are refused.
func ParseKey(line string) (ssh.PublicKey, error) {
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(line)))
	switch {
	case err != nil:
		return nil, errors.New("is no public key: it reads as in id_ed25519.pub, \"ssh-ed25519 AAAA…\"")
	case len(options) > 0:
		return nil, errors.New("has options before the key: write the key alone")
	case len(rest) > 0:
		return nil, errors.New("holds more than one key")
	}
	return key, acceptable(key)
}

// acceptable refuses keys that nobody should rely on.
func acceptable(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return nil
	case ssh.KeyAlgoRSA:
	default:
		return fmt.Errorf("is a key of type %s: use ed25519, ecdsa, or rsa of at least %d bits", key.Type(), leastRSA)
	}
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return errors.New("is an RSA key that can't be read")
	}
	if pub, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); !ok || pub.N.BitLen() < leastRSA {
		return fmt.Errorf("is an RSA key of less than %d bits", leastRSA)
	}
	return nil
}
