//go:build linux

package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Behaviours of the app, as its VERSION file names them.
const (
	Healthy = ""
	Broken  = "never-healthy" // /ready and /health answer 503 for ever
	Late    = "late"          // it needs a whole second until it listens
	Crash   = "crash"         // it ends two seconds after it began to listen
	Partial = Broken + "@app2"
)

// itas starts, stops and asks for the app, as the original's itas command did.
const itas = `#!/bin/sh
# itas start|stop|status, in the directory of a release
pid=$(cat run/itas.pid 2>/dev/null)
alive() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
case $1 in
start)
	port=$(sed -n 's/^http.port=//p' config/itas.properties)
	setsid bin/server.sh "$port" </dev/null >>logs/itas.log 2>&1 &
	echo $! >run/itas.pid ;;
stop)
	alive || exit 0
	kill "$pid"
	while alive; do sleep 0.05; done
	rm -f run/itas.pid ;;
status) alive ;;
*) echo "usage: itas start|stop|status" >&2; exit 64 ;;
esac
`

// server runs the app in the foreground; the mode in the archive is not executable, so that the config must say so.
const server = "#!/bin/sh\nexec bin/testapp --port=\"$1\"\n"

// member is one file of the app's archive.
type member struct {
	name string
	mode os.FileMode
	text []byte
}

// members are the files of one version of the app.
func (f *Fleet) members(t testing.TB, version, behaviour string) []member {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(f.bin, "testapp"))
	if err != nil {
		t.Fatal(err)
	}
	return []member{
		{"VERSION", 0o644, []byte(version + " " + behaviour + "\n")},
		{"bin/itas", 0o755, []byte(itas)},
		{"bin/server.sh", 0o644, []byte(server)},
		{"bin/testapp", 0o755, program},
		{"config/README", 0o644, []byte("what is written here belongs to trikk\n")},
	}
}

// Zip is one version of the app as a zip.
func (f *Fleet) Zip(t testing.TB, version, behaviour string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, m := range f.members(t, version, behaviour) {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		h.SetMode(m.mode)
		part, err := w.CreateHeader(h)
		if err == nil {
			_, err = part.Write(m.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TarGz is one version of the app as a tar.gz, under one folder NAME-VERSION, as most are.
func (f *Fleet) TarGz(t testing.TB, name, version, behaviour string) []byte {
	t.Helper()
	return tarGz(t, name+"-"+version, f.members(t, version, behaviour))
}

// Small is one version of the app without its program, which is /usr/local/bin/testapp on the machine: bin/run runs run in the foreground.
func (f *Fleet) Small(t testing.TB, name, version, run string) []byte {
	t.Helper()
	return tarGz(t, name+"-"+version, []member{
		{"VERSION", 0o644, []byte(version + "\n")},
		{"bin/run", 0o755, []byte("#!/bin/sh\n" + run + "\n")},
	})
}

// tarGz packs members below a folder.
func tarGz(t testing.TB, folder string, members []member) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, m := range members {
		err := w.WriteHeader(&tar.Header{Name: folder + "/" + m.name, Mode: int64(m.mode), Size: int64(len(m.text)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(m.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Program is the app's program alone: a runnable file, as a runnable jar is. Its version comes from its command line.
func (f *Fleet) Program(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.bin, "testapp"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
