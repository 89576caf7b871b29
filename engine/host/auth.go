package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// keyring collects the keys of one login and remembers what it tried, for the message when all are refused.
type keyring struct {
	signers []ssh.Signer
	tried   []string // what each signer is
	passed  []string // what can't be used, and why
	agent   net.Conn
}

// openKeyring finds keys in OpenSSH's order: the agent's that are configured, the agent's others, files. The caller closes
// it after the handshake.
func openKeyring(ctx context.Context, s settings) *keyring {
	k := &keyring{}
	wanted := publicKeys(s.identities)
	k.fromAgent(ctx, s, wanted)
	held := map[string]bool{}
	for _, signer := range k.signers {
		held[string(signer.PublicKey().Marshal())] = true
	}
	for _, file := range s.identities {
		k.fromFile(file, held)
	}
	return k
}

func (k *keyring) close() {
	if k.agent != nil {
		_ = k.agent.Close()
	}
}

func (k *keyring) fromAgent(ctx context.Context, s settings, wanted map[string]bool) {
	if s.agent == "" {
		return
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", s.agent)
	if err != nil {
		k.passed = append(k.passed, fmt.Sprintf("the agent at %s does not answer", s.agent))
		return
	}
	k.agent = conn
	if deadline, has := ctx.Deadline(); has {
		_ = conn.SetDeadline(deadline)
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		k.passed = append(k.passed, fmt.Sprintf("the agent at %s: %v", s.agent, err))
		return
	}
	var others []ssh.Signer
	for _, signer := range signers {
		if wanted[string(signer.PublicKey().Marshal())] {
			k.add(signer, "agent")
			continue
		}
		others = append(others, signer)
	}
	if s.identitiesOnly {
		return
	}
	for _, signer := range others {
		k.add(signer, "agent")
	}
}

func (k *keyring) add(signer ssh.Signer, from string) {
	k.signers = append(k.signers, signer)
	k.tried = append(k.tried, fmt.Sprintf("%s %s", from, ssh.FingerprintSHA256(signer.PublicKey())))
}

// fromFile adds a key file and the certificate beside it. A file that isn't there is passed over, as OpenSSH does.
func (k *keyring) fromFile(file string, held map[string]bool) {
	pem, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		k.passed = append(k.passed, err.Error())
		return
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		if encrypted.PublicKey == nil || !held[string(encrypted.PublicKey.Marshal())] {
			k.passed = append(k.passed, fmt.Sprintf("%s is encrypted: ssh-add %s", file, file))
		}
		return
	}
	if err != nil {
		k.passed = append(k.passed, fmt.Sprintf("%s: %v", file, err))
		return
	}
	if certified := withCertificate(signer, file+"-cert.pub"); certified != nil {
		k.add(certified, file+"-cert.pub")
	}
	if !held[string(signer.PublicKey().Marshal())] {
		k.add(signer, file)
	}
}

func withCertificate(signer ssh.Signer, file string) ssh.Signer {
	line, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return nil
	}
	certified, err := ssh.NewCertSigner(cert, signer)
	if err != nil {
		return nil
	}
	return certified
}

// publicKeys are the public halves of key files, from the .pub files beside them or the files themselves.
func publicKeys(files []string) map[string]bool {
	out := map[string]bool{}
	for _, file := range files {
		for _, name := range []string{strings.TrimSuffix(file, ".pub") + ".pub", file} {
			line, err := os.ReadFile(name)
			if err != nil {
				continue
			}
			if key, _, _, _, err := ssh.ParseAuthorizedKey(line); err == nil {
				out[string(key.Marshal())] = true
			}
		}
	}
	return out
}

// hint says what was tried and what to do.
func (k *keyring) hint(s settings) string {
	parts := k.passed
	switch {
	case len(k.tried) > 0:
		parts = append([]string{"tried " + strings.Join(k.tried, ", ")}, parts...)
	case len(k.passed) == 0:
		parts = append(parts, "there is no key to try: start an ssh-agent or make a key with ssh-keygen")
	}
	if len(k.tried) > 0 {
		parts = append(parts, fmt.Sprintf("one of them must be in ~%s/.ssh/authorized_keys of the server", s.user))
	}
	if len(k.tried) >= maxTries {
		parts = append(parts, "the server may give up before the right one: set IdentityFile and IdentitiesOnly in ssh_config")
	}
	return strings.Join(parts, "; ")
}

// maxTries is sshd's default MaxAuthTries.
const maxTries = 6
