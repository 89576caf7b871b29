package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// part is what came of a download so far: .NAME.part beside the entry, and .NAME.part.from, which says of what it is. It is locked while it
// is open. A part that another process has locked is left to it; this one has another name then, and ends with this download.
type part struct {
	file *os.File
	key  string // of the address and the digest
	tag  string // ETag or Last-Modified of what came, as If-Range takes it; "": none
	sure bool   // the digest says whether the whole is right, whatever the tag is
	mine bool   // nobody finds it again
}

// openPart opens the part of an entry, and empties it unless it is of this address and digest. The caller calls close.
func openPart(entry, address string, want digest) (*part, error) {
	dir, name := filepath.Split(entry)
	sum := sha256.Sum256([]byte(address))
	p := &part{key: hex.EncodeToString(sum[:]) + " " + string(want), sure: want != ""}
	for range 3 {
		f, err := os.OpenFile(dir+"."+name+".part", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		p.file = f
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			_ = f.Close()
			break
		}
		if p.inPlace() {
			return p, p.remember()
		}
		_ = f.Close() // whoever had it has published it meanwhile
	}
	f, err := os.CreateTemp(dir, ".part-*")
	p.file, p.mine = f, true
	return p, err
}

// inPlace tells whether the open file still has its name.
func (p *part) inPlace() bool {
	open, err := p.file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(p.file.Name())
	return err == nil && os.SameFile(open, named)
}

func (p *part) from() string { return p.file.Name() + ".from" }

// remember reads of what the part is. One of something else is emptied, and so is one without a digest: nothing would tell what became of
// it since.
func (p *part) remember() error {
	text, err := os.ReadFile(p.from())
	key, tag, ok := strings.Cut(string(text), "\n")
	if err != nil || !ok || key != p.key || !p.sure {
		return p.clear()
	}
	p.tag = strings.TrimSuffix(tag, "\n")
	return nil
}

// clear empties the part.
func (p *part) clear() error {
	p.tag = ""
	_ = os.Remove(p.from())
	return p.file.Truncate(0)
}

// begin empties the part, and records of what its first bytes will be.
func (p *part) begin(h http.Header) error {
	if err := p.clear(); err != nil {
		return err
	}
	if p.tag = tagOf(h); p.mine || !p.sure {
		return nil
	}
	return os.WriteFile(p.from(), []byte(p.key+"\n"+p.tag+"\n"), 0o600)
}

// tagOf is what If-Range takes: an ETag that is not weak, else the time of the last change.
func tagOf(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return oneLine(tag)
	}
	return oneLine(h.Get("Last-Modified"))
}

// oneLine is a value that fits into the record, or "".
func oneLine(s string) string {
	if strings.ContainsAny(s, "\r\n") {
		return ""
	}
	return s
}

// resumable tells whether the part may be gone on with: a digest tells in the end whether two pieces are of one file, an ETag before.
func (p *part) resumable() bool { return p.sure || strings.HasPrefix(p.tag, `"`) }

// length is what came so far, in bytes.
func (p *part) length() int64 {
	st, err := p.file.Stat()
	if err != nil {
		return 0
	}
	return st.Size()
}

// ask is what a request says besides: with a part that may be gone on with, it asks for the rest.
func (p *part) ask() http.Header {
	h := http.Header{"Accept-Encoding": {"identity"}} // pieces are of the file itself
	at := p.length()
	if at == 0 || !p.resumable() {
		return h
	}
	h.Set("Range", fmt.Sprintf("bytes=%d-", at))
	if p.tag != "" {
		h.Set("If-Range", p.tag)
	}
	return h
}

// readTo writes the part to w. What is written to the file next is behind it.
func (p *part) readTo(w io.Writer) (int64, error) {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, p.file)
}

// publish makes the part the entry.
func (p *part) publish(entry string) error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	_ = os.Remove(p.from())
	return os.Rename(p.file.Name(), entry)
}

// close ends the part. It is kept for another download where that can go on with it; one that was published has another name by now.
func (p *part) close() {
	if p.inPlace() && !p.kept() {
		_ = os.Remove(p.from())
		_ = os.Remove(p.file.Name())
	}
	_ = syscall.Flock(int(p.file.Fd()), syscall.LOCK_UN) // a process that is being started at this moment may have the descriptor
	_ = p.file.Close()
}

// kept tells whether another download can go on with the part.
func (p *part) kept() bool { return !p.mine && p.sure && p.length() > 0 }
