package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Identity is a client's key and the file that it is in.
type Identity struct {
	File   string // OpenSSH private key, mode 0600; the public key is beside it
	Signer ssh.Signer
}

// PublicKey is the public half.
func (i Identity) PublicKey() ssh.PublicKey { return i.Signer.PublicKey() }

// NewIdentity makes a key in dir, which exists, as id_ed25519 and id_ed25519.pub.
func NewIdentity(dir string) (Identity, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Identity{}, fmt.Errorf("making a key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return Identity{}, fmt.Errorf("making a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "trikk")
	if err != nil {
		return Identity{}, fmt.Errorf("making a key: %w", err)
	}
	id := Identity{File: filepath.Join(dir, "id_ed25519"), Signer: signer}
	if err := os.WriteFile(id.File, pem.EncodeToMemory(block), 0o600); err != nil {
		return Identity{}, err
	}
	return id, os.WriteFile(id.File+".pub", ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o644)
}

// WriteKnownHosts writes a known_hosts file with the keys of servers.
func WriteKnownHosts(file string, servers ...*Server) error {
	var b strings.Builder
	for _, s := range servers {
		b.WriteString(knownhosts.Line([]string{net.JoinHostPort(s.Host(), strconv.Itoa(s.Port()))}, s.PublicKey()) + "\n")
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}
