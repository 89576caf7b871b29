package hosttest

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/host"
)

func holdCases() map[string]func(*testing.T, host.Host) {
	return map[string]func(*testing.T, host.Host){
		"hold and release":         holdCase,
		"a second one is refused":  holdRefusedCase,
		"the holder dies":          holdLostCase,
		"closing the host frees":   holdClosedCase,
		"a holder without a word":  holdSilentCase,
		"the last word":            holdWordCase,
		"a lease leaves room":      holdRoomCase,
		"what was held is of data": holdFirstCase,
	}
}

// holder locks $1 as the lock of a run does. It ends when its input does.
func holder(file string) host.Script {
	return host.Script{Steps: []host.ScriptStep{{ID: "lock", Text: `set -eu
exec 9>>` + file + `
flock -n 9 || fail "held by $(cat ` + file + `)"
sh -c 'echo $PPID' >` + file + `
echo held
while beat=$(timeout 45 head -c 1) && [ -n "$beat" ]; do :; done
rm ` + file}}}
}

func lockFile(t *testing.T) string {
	dir := t.TempDir()
	worldWritable(t, dir)
	return filepath.Join(dir, "lock")
}

func holdCase(t *testing.T, h host.Host) {
	file := lockFile(t)
	lease, err := h.Hold(soon(t), holder(file))
	if err != nil {
		t.Fatal(err)
	}
	if lease.First() != "held" {
		t.Errorf("first line %q", lease.First())
	}
	select {
	case <-lease.Lost():
		t.Error("lost at once")
	default:
	}
	if err := lease.Release(""); err != nil {
		t.Fatal(err)
	}
	<-lease.Lost()
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the holder did not end: %v", err)
	}
	if err := lease.Release(""); err != nil {
		t.Errorf("the second Release: %v", err)
	}
}

// holdWordCase: the last word reaches the holder after all heartbeats.
func holdWordCase(t *testing.T, h host.Host) {
	file := lockFile(t)
	lease, err := h.Hold(soon(t), host.Script{Steps: []host.ScriptStep{{ID: "lock", Text: "echo held; while word=$(head -c 1) && [ \"$word\" = . ]; do :; done; printf %s \"$word\" >" + file}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Release("e"); err != nil {
		t.Fatal(err)
	}
	if word, err := os.ReadFile(file); err != nil || string(word) != "e" {
		t.Errorf("the last word was %q, %v", word, err)
	}
}

func holdRefusedCase(t *testing.T, h host.Host) {
	file := lockFile(t)
	lease, err := h.Hold(soon(t), holder(file))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lease.Release("") }()
	_, err = h.Hold(soon(t), holder(file))
	if e := wantKind(t, err, host.Refused); !strings.Contains(e.Error(), "held by ") {
		t.Errorf("error %v", e)
	}
}

func holdLostCase(t *testing.T, h host.Host) {
	file := lockFile(t)
	lease, err := h.Hold(soon(t), holder(file))
	if err != nil {
		t.Fatal(err)
	}
	run(t, h, "kill -9 $(cat "+file+")")
	select {
	case <-lease.Lost():
	case <-soon(t).Done():
		t.Fatal("not lost")
	}
	_ = lease.Release("")
}

func holdClosedCase(t *testing.T, h host.Host) {
	file := lockFile(t)
	lease, err := h.Hold(soon(t), holder(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	<-lease.Lost()
	gone := func() bool {
		_, err := os.Stat(file)
		return errors.Is(err, os.ErrNotExist)
	}
	for deadline := time.Now().Add(10 * time.Second); !gone(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the holder lives on for 10 s")
		}
	}
}

func holdSilentCase(t *testing.T, h host.Host) {
	_, err := h.Hold(soon(t), host.Script{Steps: []host.ScriptStep{{ID: "lock", Text: "exit 4"}}})
	if e := wantKind(t, err, host.Refused); !strings.Contains(e.Error(), "status 4") {
		t.Errorf("error %v", e)
	}
}

func holdRoomCase(t *testing.T, h host.Host) {
	lease, err := h.Hold(soon(t), holder(lockFile(t)))
	if err != nil {
		t.Fatal(err)
	}
	manyCase(t, h)
	if err := lease.Release(""); err != nil {
		t.Error(err)
	}
}

func holdFirstCase(t *testing.T, h host.Host) {
	lease, err := h.Hold(soon(t), host.Script{Steps: []host.ScriptStep{{ID: "lock", Text: `printf 'it is \377 %s\n' "$(echo held)"; cat >/dev/null`}}})
	if err != nil {
		t.Fatal(err)
	}
	if lease.First() != "it is \uFFFD held" {
		t.Errorf("first line %q", lease.First())
	}
	if err := lease.Release(""); err != nil {
		t.Error(err)
	}
}

func uploadCases() map[string]func(*testing.T, host.Host) {
	return map[string]func(*testing.T, host.Host){
		"new, same, changed":       uploadCase,
		"odd names":                uploadNamesCase,
		"an empty file":            func(t *testing.T, h host.Host) { upload(t, h, File("empty", nil)) },
		"a source that lies":       uploadLieCase,
		"a source that breaks":     uploadBreakCase,
		"bad files are refused":    uploadBadCase,
		"old part files are swept": uploadSweepCase,
	}
}

// upload uploads a file, checks what is there, and tells whether bytes were sent.
func upload(t *testing.T, h host.Host, f host.File) bool {
	t.Helper()
	var last, total int64
	if err := h.Upload(soon(t), f, func(sent, of int64) { last, total = sent, of }); err != nil {
		t.Fatal(err)
	}
	if last != 0 && (last != f.Size || total != f.Size) {
		t.Errorf("the last progress was %d of %d, want %d", last, total, f.Size)
	}
	out, err := h.Query(soon(t), host.NewQuery("", `cd ~/.trikk-incoming && sha256sum <"$1" && stat -c %a . && ls -a | grep -c -F ".part-"; true`, f.Name))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimPrefix(f.Digest, "sha256:") + "  -\n700\n0\n"; string(out.Stdout) != want {
		t.Errorf("digest, mode and part files are %q, want %q", out.Stdout, want)
	}
	return last > 0
}

func uploadCase(t *testing.T, h host.Host) {
	data := make([]byte, 5<<20+17)
	_, _ = rand.Read(data)
	name := "app-" + rand.Text() + ".jar"
	t.Cleanup(func() { run(t, h, "rm -rf ~/.trikk-incoming") })
	if !upload(t, h, File(name, data)) {
		t.Error("nothing was sent")
	}
	if upload(t, h, File(name, data)) {
		t.Error("the same file was sent again")
	}
	data[len(data)-1]++
	if !upload(t, h, File(name, data)) {
		t.Error("a changed file of the same size was not sent")
	}
}

func uploadNamesCase(t *testing.T, h host.Host) {
	for _, name := range []string{"it's $(a) `name`", "a;b*?", "\"x\"", "blåbær"} {
		upload(t, h, File(name, []byte(name)))
	}
}

func uploadLieCase(t *testing.T, h host.Host) {
	lie := File("lie", []byte("something"))
	lie.Digest = File("", []byte("nothing")).Digest
	err := h.Upload(soon(t), lie, nil)
	if e := wantKind(t, err, host.Protocol); !strings.Contains(e.Error(), "sha256:") {
		t.Errorf("error %v", e)
	}
	lie = File("lie", []byte("something"))
	lie.Size++
	err = h.Upload(soon(t), lie, nil)
	if e := wantKind(t, err, host.Protocol); !strings.Contains(e.Error(), "bytes arrived") {
		t.Errorf("error %v", e)
	}
	if out := run(t, h, "ls -A ~/.trikk-incoming | grep lie"); out.Exit == 0 {
		t.Errorf("left behind: %q", out.Output)
	}
}

type brokenReader struct{ io.Reader }

var errBroken = errors.New("the disk broke")

func (r brokenReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

func uploadBreakCase(t *testing.T, h host.Host) {
	broken := File("broken", make([]byte, 100_000))
	open := broken.Open
	broken.Open = func() (io.ReadCloser, error) {
		in, err := open()
		return io.NopCloser(brokenReader{in}), err
	}
	if err := h.Upload(soon(t), broken, nil); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	if out := run(t, h, "[ ! -e ~/.trikk-incoming/broken ]"); out.Exit != 0 {
		t.Error("a broken file got its name")
	}
}

func uploadBadCase(t *testing.T, h host.Host) {
	good := File("x", []byte("x"))
	for _, name := range []string{"", ".", "..", "a/b", "../x", "-x", "a\nb"} {
		f := good
		f.Name = name
		if err := h.Upload(soon(t), f, nil); err == nil {
			t.Errorf("the name %q: no error", name)
		}
	}
	good.Digest = "md5:00"
	if err := h.Upload(soon(t), good, nil); err == nil {
		t.Error("another digest: no error")
	}
}

func uploadSweepCase(t *testing.T, h host.Host) {
	run(t, h, "mkdir -p ~/.trikk-incoming && cd ~/.trikk-incoming && touch -d '1 hour ago' x.part-1")
	upload(t, h, File("x", []byte("x")))
}
