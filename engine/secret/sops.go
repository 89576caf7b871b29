package secret

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// fromSops has the sops command decrypt one value. What it prints of an error is not passed on: it may quote the file.
func fromSops(ctx context.Context, s plan.Secret) (string, error) {
	if _, err := ciphertext(s); err != nil {
		return "", err
	}
	file, err := expand(s.Dir, s.Sops.File)
	if err != nil {
		return "", err
	}
	program, err := exec.LookPath("sops")
	if err != nil {
		return "", errors.New("the sops command is not installed on this machine (see https://getsops.io)")
	}
	var out, said bounded
	cmd := exec.CommandContext(ctx, program, "--decrypt", "--extract", sopsKey(s.Sops.Key), file)
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", fmt.Errorf("sops failed: %s (run sops --decrypt --extract '%s' %s to see why)", sopsReason(string(said.kept), err), sopsKey(s.Sops.Key), s.Sops.File)
	case out.full:
		return "", fmt.Errorf("it has more than %d bytes", largest)
	}
	return withoutEnd(out.kept), nil
}

// sopsKey is the value's place as sops takes it: db.password is ["db"]["password"].
func sopsKey(key string) string {
	if strings.HasPrefix(key, "[") {
		return key
	}
	var b strings.Builder
	for _, name := range strings.Split(key, ".") {
		b.WriteString("[" + strconv.Quote(name) + "]")
	}
	return b.String()
}

// sopsReason says what a failure of sops means, in our own words.
func sopsReason(said string, err error) string {
	switch {
	case strings.Contains(said, "metadata not found"):
		return "the file is not encrypted with sops"
	case strings.Contains(said, "data key"):
		return "no key of this machine or user opens the file"
	case strings.Contains(said, "not found"), strings.Contains(said, "error traversing"), strings.Contains(said, "error truncating"):
		return "the file has no such key"
	}
	return err.Error()
}

// bounded keeps what is written to it, up to the largest secret.
type bounded struct {
	kept []byte
	full bool
}

// Write never fails.
func (b *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), largest-len(b.kept))
	b.full = b.full || keep < len(p)
	b.kept = append(b.kept, p[:keep]...)
	return len(p), nil
}
