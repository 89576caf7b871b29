package sign

import (
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
)

// Namespace keeps a signature of a plan from passing for one of something else: a Git commit, a file.
const Namespace = "trikk-plan"

const (
	magic   = "SSHSIG"
	version = 1
)

// Signature is one signature of a plan, whole and by the key that it names. Parse and New give no others.
type Signature struct {
	// Key made the signature. Whose it is, is not said here.
	Key ssh.PublicKey
	raw []byte // armored
}

// Fingerprint is how people and OpenSSH name the key.
func (s Signature) Fingerprint() string { return ssh.FingerprintSHA256(s.Key) }

// Text is the signature as it stands in a file.
func (s Signature) Text() []byte { return s.raw }

// envelope is the blob of a signature (PROTOCOL.sshsig, "Blob format"), after the magic.
type envelope struct {
	Version       uint32
	PublicKey     []byte
	Namespace     string
	Reserved      []byte
	HashAlgorithm string
	Signature     []byte
}

// message is what is really signed (PROTOCOL.sshsig, "Signed Data"), after the magic.
type message struct {
	Namespace     string
	Reserved      []byte
	HashAlgorithm string
	Hash          []byte
}

func (e envelope) message(document []byte) ([]byte, error) {
	m := message{Namespace: e.Namespace, Reserved: e.Reserved, HashAlgorithm: e.HashAlgorithm}
	switch e.HashAlgorithm {
	case "sha512":
		h := sha512.Sum512(document)
		m.Hash = h[:]
	case "sha256":
		h := sha256.Sum256(document)
		m.Hash = h[:]
	default:
		return nil, fmt.Errorf("its hash %q is neither sha512 nor sha256", e.HashAlgorithm)
	}
	return append([]byte(magic), ssh.Marshal(m)...), nil
}

// New signs a document. An RSA key signs with SHA-512, as ssh-keygen does; certificates sign as the key in them.
func New(random io.Reader, signer ssh.Signer, document []byte) (Signature, error) {
	key := plainKey(signer.PublicKey())
	e := envelope{Version: version, PublicKey: key.Marshal(), Namespace: Namespace, HashAlgorithm: "sha512"}
	m, err := e.message(document)
	if err != nil {
		return Signature{}, err
	}
	made, err := signed(random, signer, key, m)
	if err != nil {
		return Signature{}, fmt.Errorf("signing with %s: %w", ssh.FingerprintSHA256(key), err)
	}
	e.Signature = ssh.Marshal(made)
	s, err := open(append([]byte(magic), ssh.Marshal(e)...), document)
	if err != nil {
		return Signature{}, fmt.Errorf("the signature of %s is not right: %w", ssh.FingerprintSHA256(key), err)
	}
	return s, nil
}

func signed(random io.Reader, signer ssh.Signer, key ssh.PublicKey, m []byte) (*ssh.Signature, error) {
	if key.Type() != ssh.KeyAlgoRSA {
		return signer.Sign(random, m)
	}
	rsa, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("its signer can't do rsa-sha2-512")
	}
	return rsa.SignWithAlgorithm(random, m, ssh.KeyAlgoRSASHA512)
}

// plainKey is the key itself, without a certificate.
func plainKey(k ssh.PublicKey) ssh.PublicKey {
	if cert, ok := k.(*ssh.Certificate); ok {
		return cert.Key
	}
	return k
}

// Parse reads a signature file and checks each signature in it against the document. One that is not right refuses the file:
// what a person put there and nobody can trust is no reason to go on.
func Parse(file, document []byte) ([]Signature, error) {
	all, err := blobs(file)
	if err != nil {
		return nil, err
	}
	out := make([]Signature, len(all))
	for i, blob := range all {
		s, err := open(blob, document)
		if err != nil {
			return nil, fmt.Errorf("signature %d of %d: %w", i+1, len(all), err)
		}
		out[i] = s
	}
	return out, nil
}

// open checks one signature.
func open(blob, document []byte) (Signature, error) {
	if len(blob) < len(magic) || string(blob[:len(magic)]) != magic {
		return Signature{}, errors.New("it is no signature of SSH")
	}
	var e envelope
	if err := ssh.Unmarshal(blob[len(magic):], &e); err != nil {
		return Signature{}, fmt.Errorf("it is damaged: %w", err)
	}
	key, err := ssh.ParsePublicKey(e.PublicKey)
	if err != nil {
		return Signature{}, fmt.Errorf("its key can't be read: %w", err)
	}
	s := Signature{Key: key, raw: armored(blob)}
	if e.Version != version {
		return Signature{}, fmt.Errorf("it has version %d of the format, known is %d", e.Version, version)
	}
	if e.Namespace != Namespace {
		return Signature{}, fmt.Errorf("the one by %s is for the namespace %q, not for %q: it was made for something else", s.Fingerprint(), e.Namespace, Namespace)
	}
	if err := acceptable(key); err != nil {
		return Signature{}, err
	}
	return s, e.verify(key, document)
}

// verify checks the signature by the key that it names.
func (e envelope) verify(key ssh.PublicKey, document []byte) error {
	m, err := e.message(document)
	if err != nil {
		return err
	}
	var made ssh.Signature
	if err := ssh.Unmarshal(e.Signature, &made); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if made.Format == ssh.KeyAlgoRSA { // SHA-1
		return fmt.Errorf("the one by %s uses SHA-1: sign with a newer OpenSSH", ssh.FingerprintSHA256(key))
	}
	if err := key.Verify(m, &made); err != nil {
		return fmt.Errorf("the one by %s does not fit the plan: the plan was edited after it was signed, or another plan was signed", ssh.FingerprintSHA256(key))
	}
	return nil
}
