package act

import (
	"context"
	"crypto/sha1" //nolint:gosec // old repositories publish nothing else
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// upload copies a local file, or what the controller downloaded, to the host.
func (d *doing) upload(ctx context.Context, s plan.Step, op plan.Upload) (plan.Result, error) {
	path, err := d.uploadPath(op)
	if err != nil {
		return failed(err), nil
	}
	sum, err := d.sums.of(path)
	if err != nil {
		return failed(fmt.Errorf("reading %s: %w", path, err)), nil
	}
	if err := sum.is(op); err != nil {
		return failed(fmt.Errorf("%s changed since it was planned: %w (plan again)", path, err)), nil
	}
	h, err := d.guarded().Host(ctx, d.seg.Host)
	if err != nil {
		return plan.Result{}, err
	}
	file := host.File{Open: func() (io.ReadCloser, error) { return os.Open(path) }, Name: op.File, Size: sum.size, Digest: "sha256:" + sum.sha256}
	sent := false
	progress := d.uploaded(s)
	err = h.Upload(ctx, file, func(n, total int64) {
		sent = true
		progress(n, total)
	})
	switch {
	case err != nil:
		return d.uploadFailed(ctx, err)
	case !sent && sum.size > 0: // the same file was there already
		return plan.Result{Status: plan.Unchanged}, nil
	}
	return plan.Result{Status: plan.Changed}, nil
}

func (d *doing) uploadPath(op plan.Upload) (string, error) {
	if op.Path != "" {
		return op.Path, nil
	}
	if d.o.Resolver == nil {
		return "", errors.New("nothing is downloaded to this controller")
	}
	return d.o.Resolver.Entry(op.File, op.Digest)
}

// uploaded reports an upload: how much was sent, and a line with every tenth.
func (d *doing) uploaded(s plan.Step) func(sent, total int64) {
	told := int64(0)
	return func(sent, total int64) {
		d.o.Uploaded(s, sent, total)
		if total <= 0 || sent*10/total <= told {
			return
		}
		told = sent * 10 / total
		d.o.Progress(s, fmt.Sprintf("%d %%", sent*100/total))
	}
}

// uploadFailed: what an upload leaves behind is a part file that nothing reads, so its end is known even when it was cut.
func (d *doing) uploadFailed(ctx context.Context, err error) (plan.Result, error) {
	if notRun(err) {
		return plan.Result{}, err
	}
	if ctx.Err() != nil {
		return failed(fmt.Errorf("uploading: %w", ended(ctx))), nil
	}
	return failed(err), nil
}

// fileSum is what is known of a local file.
type fileSum struct {
	size                 int64
	sha1, sha256, sha512 string // hex
}

// is compares a file with what was planned.
func (s fileSum) is(op plan.Upload) error {
	alg, want, ok := strings.Cut(op.Digest, ":")
	got := map[string]string{"sha1": s.sha1, "sha256": s.sha256, "sha512": s.sha512}[alg]
	switch {
	case ok && !strings.EqualFold(want, got):
		return fmt.Errorf("its digest is %s:%s, not %s", alg, got, op.Digest)
	case op.Size > 0 && op.Size != s.size:
		return fmt.Errorf("it has %d bytes, not %d", s.size, op.Size)
	}
	return nil
}

// sums reads each version of a file once, however many hosts it goes to. The host checks again what arrived.
type sums struct {
	mu  sync.Mutex
	all map[string]*sumOnce
}

type sumOnce struct {
	once sync.Once
	sum  fileSum
	err  error
}

func (s *sums) of(path string) (fileSum, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileSum{}, err
	}
	key := fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
	s.mu.Lock()
	if s.all == nil {
		s.all = map[string]*sumOnce{}
	}
	o := s.all[key]
	if o == nil {
		o = &sumOnce{}
		s.all[key] = o
	}
	s.mu.Unlock()
	o.once.Do(func() { o.sum, o.err = sumFile(path) })
	return o.sum, o.err
}

func sumFile(path string) (fileSum, error) {
	f, err := os.Open(path)
	if err != nil {
		return fileSum{}, err
	}
	defer func() { _ = f.Close() }()
	h1, h256, h512 := sha1.New(), sha256.New(), sha512.New() //nolint:gosec // see above
	n, err := io.Copy(io.MultiWriter(h1, h256, h512), f)
	if err != nil {
		return fileSum{}, err
	}
	hx := func(b []byte) string { return hex.EncodeToString(b) }
	return fileSum{size: n, sha1: hx(h1.Sum(nil)), sha256: hx(h256.Sum(nil)), sha512: hx(h512.Sum(nil))}, nil
}
