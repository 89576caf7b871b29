package demo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// serveScript is the program of the demo's app. It is replaced by the process that listens, so that what runs in the
// release's directory is what serves.
const serveScript = `#!/bin/sh
# Settings are in config/app.env, written by trikk.
set -a
. ./config/app.env
set +a
exec "$APP_PROGRAM" demo-app --listen "$SERVER_ADDRESS:$APP_PORT" --app-version "$(cat VERSION)"
`

// archive makes the tar.gz of one version.
func archive(version string) ([]byte, error) {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, f := range []struct {
		name, text string
		mode       int64
	}{
		{"hello-" + version + "/VERSION", version + "\n", 0o644},
		{"hello-" + version + "/bin/serve.sh", serveScript, 0o644}, // made executable by the app's modes
		{"hello-" + version + "/README", "The demo's app, version " + version + ".\n", 0o644},
	} {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.text)), ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg}
		if err := tw.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := tw.Write([]byte(f.text)); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	err := zw.Close()
	return b.Bytes(), err
}

// repository serves hello-VERSION.tar.gz and its .sha256 over HTTP on loopback.
type repository struct {
	server   *http.Server
	listener net.Listener
}

func startRepository(versions []string) (*repository, error) {
	files := map[string][]byte{}
	for _, v := range versions {
		text, err := archive(v)
		if err != nil {
			return nil, fmt.Errorf("making version %s: %w", v, err)
		}
		name := "/hello-" + v + ".tar.gz"
		files[name] = text
		files[name+".sha256"] = fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(text), strings.TrimPrefix(name, "/"))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the artifact repository: %w", err)
	}
	r := &repository{listener: l, server: &http.Server{ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			text, ok := files[q.URL.Path]
			if !ok {
				http.NotFound(w, q)
				return
			}
			http.ServeContent(w, q, q.URL.Path, time.Unix(0, 0), bytes.NewReader(text))
		})}}
	go r.server.Serve(l)
	return r, nil
}

func (r *repository) url() string { return "http://" + r.listener.Addr().String() }

func (r *repository) close() { r.server.Close() }
