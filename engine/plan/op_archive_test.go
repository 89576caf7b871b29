package plan_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"time"
)

// entry is one member of a crafted archive.
type entry struct {
	name string
	body string
	mode int64 // permission bits
	kind byte  // a type of archive/tar; 0 is a regular file
	link string
}

func file(name, body string) entry    { return entry{name: name, body: body, mode: 0o644} }
func program(name, body string) entry { return entry{name: name, body: body, mode: 0o755} }
func folder(name string) entry        { return entry{name: name, mode: 0o755, kind: tar.TypeDir} }
func symlink(name, to string) entry {
	return entry{name: name, link: to, mode: 0o777, kind: tar.TypeSymlink}
}
func hardlink(name, to string) entry {
	return entry{name: name, link: to, mode: 0o644, kind: tar.TypeLink}
}

// makers write archives by format.
var makers = map[string]func(*testing.T, []entry) []byte{"tar": makeTar, "tar.gz": makeTarGz, "tar.xz": makeTarXz, "tar.zst": makeTarZst, "zip": makeZip}

func makeTar(t *testing.T, entries []entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.body)), Typeflag: e.kind, Linkname: e.link, ModTime: time.Unix(1e9, 0), Uid: 12345, Gid: 12345}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		check(t, w.WriteHeader(h))
		_, err := w.Write([]byte(e.body))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

func makeTarGz(t *testing.T, entries []entry) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(makeTar(t, entries))
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

func makeTarXz(t *testing.T, entries []entry) []byte {
	return through(t, makeTar(t, entries), "xz", "-0", "-T1", "-c")
}

func makeTarZst(t *testing.T, entries []entry) []byte {
	return through(t, makeTar(t, entries), "zstd", "-1", "-q", "-c")
}

// through is what a tool that e2e/install installs makes of the content.
func through(t *testing.T, content []byte, tool string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(tool, args...)
	cmd.Stdin = bytes.NewReader(content)
	out, err := cmd.Output()
	check(t, err)
	return out
}

// makeZip leaves out what a zip can't hold: hard links and devices.
func makeZip(t *testing.T, entries []entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: time.Unix(1e9, 0)}
		mode := fs.FileMode(e.mode & 0o777)
		if e.mode&0o4000 != 0 {
			mode |= fs.ModeSetuid
		}
		body := e.body
		switch e.kind {
		case tar.TypeSymlink:
			mode, body = mode|fs.ModeSymlink, e.link
		case tar.TypeDir:
			mode |= fs.ModeDir
			h.Name += "/"
		case tar.TypeReg, 0:
		default:
			continue
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		check(t, err)
		_, err = f.Write([]byte(body))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// cache puts an archive into the app's cache.
func (s *server) cache(name string, content []byte) {
	s.t.Helper()
	s.write(".trikk/cache/"+name, "")
	check(s.t, os.WriteFile(s.root+"/.trikk/cache/"+name, content, 0o644))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
