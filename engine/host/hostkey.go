package host

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// knownKeys checks host keys against known_hosts files. It is safe for concurrent use; files are read once, and again after
// a key was added.
type knownKeys struct {
	mu  sync.Mutex
	all map[string]*knownhosts.HostKeyDB // by file names
}

// database reads the files that exist.
func (k *knownKeys) database(files []string) (*knownhosts.HostKeyDB, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := strings.Join(files, "\x00")
	if db := k.all[id]; db != nil {
		return db, nil
	}
	var there []string
	for _, file := range files {
		if _, err := os.Stat(file); err == nil {
			there = append(there, file)
		}
	}
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return nil, fmt.Errorf("reading known_hosts: %w", err)
	}
	if k.all == nil {
		k.all = map[string]*knownhosts.HostKeyDB{}
	}
	k.all[id] = db
	return db, nil
}

// check makes the callback of one server. Its errors are of kind HostKey.
func (k *knownKeys) check(s settings, db *knownhosts.HostKeyDB) ssh.HostKeyCallback {
	return func(_ string, remote net.Addr, key ssh.PublicKey) error {
		err := db.HostKeyCallback()(s.keyName(), remote, key)
		var unknown *xknownhosts.KeyError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &unknown):
			return s.keyError(err, "")
		case len(unknown.Want) > 0:
			return s.changed(unknown.Want, key)
		case s.acceptNew:
			return k.accept(s, key)
		}
		return s.unknown(key)
	}
}

// accept records a key in the first file.
func (k *knownKeys) accept(s settings, key ssh.PublicKey) error {
	if len(s.knownHosts) == 0 {
		return s.keyError(errors.New("there is no known_hosts file to record the key in"), "")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = nil
	if err := appendLine(s.knownHosts[0], knownhosts.Line([]string{s.keyName()}, key)); err != nil {
		return s.keyError(fmt.Errorf("recording the host key: %w", err), "")
	}
	s.notice(fmt.Sprintf("%s: recorded its host key %s in %s", s.name, describe(key), s.knownHosts[0]))
	return nil
}

func appendLine(file, line string) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(line + "\n")
	return err
}

func (s settings) unknown(key ssh.PublicKey) error {
	file := "~/.ssh/known_hosts"
	if len(s.knownHosts) > 0 {
		file = s.knownHosts[0]
	}
	return s.keyError(
		fmt.Errorf("its host key is not known: %s", describe(key)),
		fmt.Sprintf("compare it with `ssh-keygen -lf` on the server, then `ssh-keyscan -p %d %s >> %s`, or use --accept-new", s.port, s.address, file))
}

func (s settings) changed(want []xknownhosts.KnownKey, got ssh.PublicKey) error {
	recorded := want[0]
	for _, w := range want {
		if w.Key.Type() == got.Type() {
			recorded = w
			break
		}
	}
	return s.keyError(
		fmt.Errorf("its host key is %s, but %s:%d records %s", describe(got), recorded.Filename, recorded.Line, describe(recorded.Key)),
		fmt.Sprintf("somebody may listen in; if the server was installed anew: ssh-keygen -f %s -R '%s'", recorded.Filename, xknownhosts.Normalize(s.keyName())))
}

// describe is a key as ssh-keygen -l shows it.
func describe(key ssh.PublicKey) string {
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}

func (s settings) keyError(cause error, hint string) error {
	return &Error{Host: s.name, Kind: HostKey, Doing: "connecting to " + s.place(), Err: cause, Hint: hint}
}
