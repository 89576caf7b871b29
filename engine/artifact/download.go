package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/adrg/xdg"

	"trikk.dev/engine/plan"
)

// CacheDir is the directory of downloads in the user's cache directory.
func CacheDir() string { return filepath.Join(xdg.CacheHome, "trikk", "artifacts") }

// Entry is the absolute path of the cache entry of a fetch, whether it is there or not. Entries are named by digest;
// without a digest by the fetch's file name, which then is unique by itself.
func (r *Resolver) Entry(file, digest string) (string, error) {
	name := file
	if digest != "" {
		name = strings.ReplaceAll(digest, ":", "-")
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return "", &Error{Kind: Misconfigured, Doing: "looking into the download cache", Err: fmt.Errorf("%q is not a file name", name)}
	}
	dir := r.Cache
	if dir == "" {
		dir = CacheDir()
	}
	return filepath.Join(dir, name), nil
}

// Download brings an artifact into the cache and gives its absolute path; fresh is false when it was there already. Size and
// digest are checked; nothing is visible under the path before. A retry is safe. A failure is an *Error, or what ended ctx.
func (r *Resolver) Download(ctx context.Context, f plan.Fetch) (path string, fresh bool, err error) {
	path, err = r.Entry(f.File, f.Digest)
	if err != nil {
		return "", false, err
	}
	want, err := parseDigest(f.Digest)
	if err != nil {
		return "", false, err
	}
	done, err := r.alone(ctx, path)
	if err != nil {
		return "", false, err
	}
	defer done()
	if present(path, want, f.Size) {
		return path, false, nil
	}
	target, err := parse(f.URL)
	if err != nil {
		return "", false, err
	}
	creds, err := r.credentials(ctx, f.Auth, target)
	if err != nil {
		return "", false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", false, &Error{Kind: Misconfigured, Doing: "making the download cache", Err: err}
	}
	d := download{r: r, call: call{http.MethodGet, target, creds, "downloading " + redactURL(target)}, path: path, want: want, size: f.Size}
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, d.once(ctx) }, backoff.WithBackOff(r.backoff()), backoff.WithMaxTries(maxTries))
	if err != nil {
		return "", false, err
	}
	return path, true, nil
}

// alone waits until no other download of this resolver works on path: many servers want the same artifact at the same moment,
// and it is downloaded once. The caller calls done.
func (r *Resolver) alone(ctx context.Context, path string) (done func(), err error) {
	for {
		r.mu.Lock()
		other, taken := r.busy[path]
		if !taken {
			mine := make(chan struct{})
			if r.busy == nil {
				r.busy = map[string]chan struct{}{}
			}
			r.busy[path] = mine
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				delete(r.busy, path)
				r.mu.Unlock()
				close(mine)
			}, nil
		}
		r.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another download to %s: %w", path, context.Cause(ctx))
		}
	}
}

// present reports whether the entry is there and whole.
func present(path string, want digest, size int64) bool {
	if want != "" {
		got, _, err := hashFile(path, want.algorithm())
		return err == nil && got == want
	}
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && (size == 0 || st.Size() == size)
}

type download struct {
	r    *Resolver
	call call
	path string
	want digest
	size int64
}

// once tries once. Broken transfers may be tried again; all other errors are permanent (do has retried them).
func (d download) once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := d.r.do(ctx, d.call)
	if err != nil {
		return backoff.Permanent(err)
	}
	defer resp.Body.Close()
	if err := refuse(d.call, resp); err != nil {
		return backoff.Permanent(err)
	}
	part, err := os.CreateTemp(filepath.Dir(d.path), ".part-*")
	if err != nil {
		return backoff.Permanent(d.fail(Misconfigured, fmt.Errorf("writing to the download cache: %w", err)))
	}
	defer os.Remove(part.Name())
	defer part.Close()
	alg := "sha256"
	if d.want != "" {
		alg = d.want.algorithm()
	}
	h := newHash(alg)
	disk := &writeErrors{w: part}
	n, err := io.Copy(io.MultiWriter(disk, h), d.r.watched(resp.Body, cancel))
	if disk.err != nil {
		return backoff.Permanent(d.fail(Misconfigured, fmt.Errorf("writing to the download cache: %w", disk.err)))
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return d.fail(Unreachable, fmt.Errorf("the transfer broke after %d bytes: %w", n, err))
	}
	if d.want != "" && sum(alg, h) != d.want {
		return backoff.Permanent(d.fail(DigestMismatch, fmt.Errorf("its digest is %s, not %s", sum(alg, h), d.want)))
	}
	if d.size > 0 && n != d.size {
		return backoff.Permanent(d.fail(DigestMismatch, fmt.Errorf("it has %d bytes, not %d", n, d.size)))
	}
	return d.publish(part)
}

func (d download) publish(part *os.File) error {
	err := errors.Join(part.Sync(), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), d.path)
	}
	if err != nil {
		return backoff.Permanent(d.fail(Misconfigured, fmt.Errorf("writing to the download cache: %w", err)))
	}
	return nil
}

func (d download) fail(k Kind, err error) error {
	return &Error{Kind: k, URL: d.call.target, Doing: d.call.doing, Err: err}
}

// writeErrors remembers that it was the disk that failed, not the network.
type writeErrors struct {
	w   io.Writer
	err error
}

func (w *writeErrors) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}

// watched reads from body and cancels the request when nothing comes for Idle.
func (r *Resolver) watched(body io.Reader, cancel context.CancelCauseFunc) io.Reader {
	idle := r.Idle
	if idle == 0 {
		idle = 60 * time.Second
	}
	stalled := fmt.Errorf("nothing came for %v", idle)
	return &idleReader{body, time.AfterFunc(idle, func() { cancel(stalled) }), idle}
}

type idleReader struct {
	r     io.Reader
	timer *time.Timer
	idle  time.Duration
}

func (i *idleReader) Read(p []byte) (int, error) {
	i.timer.Reset(i.idle)
	n, err := i.r.Read(p)
	if err != nil {
		i.timer.Stop()
	}
	return n, err
}
