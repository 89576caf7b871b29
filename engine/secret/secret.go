// Package secret reads the secrets that a config refers to. It runs on the controller, at apply; a value is never
// written into a plan, a journal or an error.
package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"trikk.dev/engine/plan"
)

// Resolve reads one secret from the environment or from a file. A trailing line end of a file is dropped. An unset or
// empty secret is an error that names the reference and never holds the value. It may be called concurrently.
func Resolve(s plan.Secret) (string, error) {
	switch {
	case s.Env != "" && s.File != "":
		return "", errors.New("reading a secret: env and file are both set (keep one)")
	case s.Env != "":
		return fromEnv(s.Env)
	case s.File != "":
		return fromFile(s.File)
	}
	return "", errors.New("reading a secret: neither env nor file is set")
}

func fromEnv(name string) (string, error) {
	v, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("reading secret env %s: it is not set (export it before trikk runs)", name)
	}
	return valid("env "+name, v)
}

func fromFile(path string) (string, error) {
	full, err := expand(path)
	if err != nil {
		return "", fmt.Errorf("reading secret file %s: %w", path, err)
	}
	b, err := os.ReadFile(full)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading secret file %s: there is no such file", full)
	}
	if err != nil {
		return "", fmt.Errorf("reading secret file %s: %w", full, err)
	}
	v := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	return valid("file "+full, v)
}

func valid(ref, v string) (string, error) {
	if v == "" {
		return "", fmt.Errorf("reading secret %s: it is empty", ref)
	}
	if strings.ContainsAny(v, "\x00\r\n") {
		return "", fmt.Errorf("reading secret %s: it holds a line end or NUL", ref)
	}
	return v, nil
}

// expand resolves ~/ on the controller.
func expand(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, rest), nil
}
