package artifact

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"trikk.dev/engine/plan"
)

// local reads a local build. Its version is told by its content, whatever version was asked for.
func local(app plan.App, version string) (plan.Resolved, error) {
	a := app.Artifact.File
	path, err := localPath(app, version)
	if err != nil {
		return plan.Resolved{}, err
	}
	want, err := parseDigest(a.Digest)
	if err != nil {
		return plan.Resolved{}, err
	}
	doing := "reading artifact " + path
	got, size, err := hashFile(path, "sha256")
	if errors.Is(err, fs.ErrNotExist) {
		return plan.Resolved{}, &Error{Kind: NotFound, Doing: doing, Err: errors.New("there is no such file"), Hint: buildHint(app)}
	}
	if err != nil {
		return plan.Resolved{}, &Error{Kind: NotFound, Doing: doing, Err: err}
	}
	if err := agree(want, got, path); err != nil {
		return plan.Resolved{}, &Error{Kind: DigestMismatch, Doing: doing, Err: err, Hint: "correct the digest in the config, or build again"}
	}
	short := strings.TrimPrefix(string(got), "sha256:")[:8]
	return plan.Resolved{Version: "local-" + short, Path: path, File: filepath.Base(path), Digest: string(got), Size: size}, nil
}

func localPath(app plan.App, version string) (string, error) {
	path := strings.ReplaceAll(app.Artifact.File.Path, "{version}", version)
	if !filepath.IsAbs(path) && app.Pos.File != "" {
		path = filepath.Join(filepath.Dir(app.Pos.File), path)
	}
	return filepath.Abs(path)
}

func buildHint(app plan.App) string {
	if len(app.Build) == 0 {
		return "build it first"
	}
	return fmt.Sprintf("build it first: %s", strings.Join(app.Build, " && "))
}

// agree compares a digest of the config, which may be of another algorithm, with the file's sha256.
func agree(want, got digest, path string) error {
	if want == "" || want == got {
		return nil
	}
	if want.algorithm() != "sha256" {
		other, _, err := hashFile(path, want.algorithm())
		if err != nil {
			return err
		}
		got = other
	}
	if want != got {
		return fmt.Errorf("the config says %s, the file is %s", want, got)
	}
	return nil
}

func hashFile(path, alg string) (digest, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	if !st.Mode().IsRegular() {
		return "", 0, errors.New("it is not a regular file")
	}
	h := newHash(alg)
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, err
	}
	return sum(alg, h), n, nil
}
