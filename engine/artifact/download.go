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
// digest are checked; nothing is visible under the path before. A retry is safe, and goes on where a transfer was cut off, where that can
// be known to be right. A failure is an *Error, or what ended ctx.
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
	what, err := openPart(path, target.String(), want)
	if err != nil {
		return "", false, &Error{Kind: Misconfigured, Doing: "writing to the download cache", Err: err}
	}
	defer what.close()
	d := download{r: r, call: call{method: http.MethodGet, target: target, creds: creds, doing: "downloading " + redactURL(target)}, path: path, part: what, want: want, size: f.Size}
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
	part *part
	want digest
	size int64
}

// errAnew says that the part is of no use: the repository can't go on with it, or the whole is wrong.
var errAnew = errors.New("it must be fetched anew")

// once tries once. Broken transfers may be tried again; all other errors are permanent (do has retried them). A part that is of no use is
// thrown away, and the download starts anew, once.
func (d download) once(ctx context.Context) error {
	if d.part.sure && d.part.length() > 0 {
		if got, _, err := hashFile(d.part.file.Name(), d.want.algorithm()); err == nil && got == d.want {
			return d.publish()
		}
	}
	err := d.fetch(ctx)
	if !errors.Is(err, errAnew) {
		return err
	}
	if err := d.part.clear(); err != nil {
		return d.unwritable(err)
	}
	return d.fetch(ctx)
}

// fetch asks for what is missing of the part, and takes it. The error is errAnew only where it went on with one.
func (d download) fetch(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := d.call
	c.header = d.part.ask()
	resp, err := d.r.do(ctx, c)
	if err != nil {
		return backoff.Permanent(err)
	}
	defer resp.Body.Close()
	on, err := goesOn(c, resp)
	if err != nil {
		return err
	}
	if !on {
		if err := refuse(c, resp); err != nil {
			return backoff.Permanent(err)
		}
		if err := d.part.begin(resp.Header); err != nil {
			return d.unwritable(err)
		}
	}
	alg := "sha256"
	if d.want != "" {
		alg = d.want.algorithm()
	}
	h := newHash(alg)
	had, err := d.part.readTo(h)
	if err != nil {
		return d.unwritable(err)
	}
	disk := &writeErrors{w: d.part.file}
	n, err := io.Copy(io.MultiWriter(disk, h), d.r.watched(resp.Body, cancel))
	if disk.err != nil {
		_ = d.part.clear()
		return d.unwritable(disk.err)
	}
	if err != nil {
		return d.broken(ctx, had+n, err, on && n == 0)
	}
	if err := d.agrees(sum(alg, h), had+n); err != nil {
		if on {
			return errAnew
		}
		_ = d.part.clear()
		return backoff.Permanent(d.fail(DigestMismatch, err))
	}
	return d.publish()
}

// goesOn tells whether an answer is the rest of the part. One that is neither that nor the whole is errAnew.
func goesOn(c call, resp *http.Response) (bool, error) {
	asked := c.header.Get("Range")
	switch {
	case asked == "", resp.StatusCode == http.StatusOK: // ranges are not supported, or the file is another one by now
		return false, nil
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), strings.Replace(asked, "=", " ", 1)):
		return true, nil
	}
	return false, errAnew
}

// broken is the error of a transfer that ended too early. A part that nothing was added to is not tried again.
func (d download) broken(ctx context.Context, total int64, err error, vain bool) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	} else if vain {
		_ = d.part.clear()
	}
	e := &Error{Kind: Unreachable, URL: d.call.target, Doing: d.call.doing, Err: fmt.Errorf("the transfer broke after %d bytes: %w", total, err)}
	if d.part.kept() {
		e.Hint = fmt.Sprintf("the next fetch goes on after %d bytes", d.part.length())
	}
	return e
}

// agrees says what is wrong with the whole.
func (d download) agrees(got digest, n int64) error {
	if d.want != "" && got != d.want {
		return fmt.Errorf("its digest is %s, not %s", got, d.want)
	}
	if d.size > 0 && n != d.size {
		return fmt.Errorf("it has %d bytes, not %d", n, d.size)
	}
	return nil
}

func (d download) publish() error {
	if err := d.part.publish(d.path); err != nil {
		return d.unwritable(err)
	}
	return nil
}

func (d download) unwritable(err error) error {
	return backoff.Permanent(d.fail(Misconfigured, fmt.Errorf("writing to the download cache: %w", err)))
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
