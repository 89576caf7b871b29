// Package secret reads the secrets that a config refers to: from the environment, from files, and out of files that age or
// sops encrypted. It runs on the controller, at apply; a value is never written into a plan, a journal or an error.
package secret

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

const (
	// patience is how long reading one secret may take.
	patience = 30 * time.Second
	// largest is how many bytes a secret, or the file that it is in, may have.
	largest = 1 << 20
)

// Reader reads each secret once and keeps it in memory. It may be used concurrently; the zero value is ready.
type Reader struct {
	mu   sync.Mutex
	read map[string]string
}

// Read gives the value of a secret; it may have several lines. One line end after it is dropped, but for env. A secret that is
// missing or empty is an error that names the reference and never holds the value. It ends within 30 s.
func (r *Reader) Read(ctx context.Context, s plan.Secret) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := s.String() + "\n" + s.Dir + "\n" + s.Digest
	if v, ok := r.read[key]; ok {
		return v, nil
	}
	v, err := resolve(ctx, s)
	if err != nil {
		return "", err
	}
	if r.read == nil {
		r.read = map[string]string{}
	}
	r.read[key] = v
	return v, nil
}

// resolve reads a secret, with a deadline.
func resolve(ctx context.Context, s plan.Secret) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no end within %v", patience))
	defer cancel()
	type answer struct {
		value string
		err   error
	}
	got := make(chan answer, 1) // a file that is a pipe may never end
	go func() {
		v, err := open(ctx, s)
		got <- answer{v, err}
	}()
	a := answer{}
	select {
	case a = <-got:
	case <-ctx.Done():
		a.err = context.Cause(ctx)
	}
	if a.err == nil && a.value == "" {
		a.err = errors.New("it is empty")
	}
	if a.err != nil {
		return "", fmt.Errorf("reading secret %s: %w", s, a.err)
	}
	return a.value, nil
}

func open(ctx context.Context, s plan.Secret) (string, error) {
	switch {
	case s.Env != "":
		return fromEnv(s.Env)
	case s.File != "":
		return fromFile(s)
	case s.Age != nil:
		return fromAge(s)
	case s.Sops != nil:
		return fromSops(ctx, s)
	}
	return "", errors.New("none of env, file, age and sops is set")
}

func fromEnv(name string) (string, error) {
	v, ok := os.LookupEnv(name)
	if !ok {
		return "", errors.New("it is not set (export it before trikk runs)")
	}
	return v, nil
}

func fromFile(s plan.Secret) (string, error) {
	b, err := read(s.Dir, s.File)
	return withoutEnd(b), err
}

// withoutEnd is a file's text without the line end that editors and echo put after it.
func withoutEnd(b []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
}

// ciphertext reads a secret's encrypted file, which must still be what the plan was made with.
func ciphertext(s plan.Secret) ([]byte, error) {
	b, err := read(s.Dir, s.Ciphertext())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	if s.Digest != "" && s.Digest != "sha256:"+hex.EncodeToString(sum[:]) {
		return nil, errors.New("the encrypted file changed since the plan was made (make a new one)")
	}
	return b, nil
}

// read reads a file. Its errors don't hold the path, which the reference names already.
func read(dir, path string) ([]byte, error) {
	full, err := expand(dir, path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case err != nil:
		return nil, bare(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, largest+1))
	switch {
	case err != nil:
		return nil, bare(err)
	case len(b) > largest:
		return nil, fmt.Errorf("the file has more than %d bytes", largest)
	}
	return b, nil
}

// bare is what went wrong, without the path.
func bare(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// expand makes a path of the config absolute: ~/ is the home of the user on the controller, a relative path starts from dir.
func expand(dir, path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		return filepath.Join(home, rest), err
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Abs(filepath.Join(dir, path))
}
