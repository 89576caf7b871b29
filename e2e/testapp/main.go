// Command testapp is the app that the end-to-end tests deploy. It needs most of a second until it listens, and dies at once
// on SIGTERM: whatever is in flight then is lost. The first word of the file VERSION in its directory is its version, the
// second its behaviour, on every host or on one (never-healthy@app2).
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	port := flag.Int("port", 8080, "port to listen on")
	version := flag.String("version", "", "version; \"\": from the file VERSION")
	dir := flag.String("dir", ".", "directory of the release")
	flag.Parse()
	if err := serve(*port, *dir, *version); err != nil {
		log.Fatal(err)
	}
}

// idle is how long a kept connection may be idle, as most app servers have a limit. It is shorter than the drain deadlines of tests with
// httpd, which keeps its own for ever.
const idle = 15 * time.Second

// app is one running version.
type app struct {
	version, behaviour string
	dir                string
	host               string
}

func serve(port int, dir, version string) error {
	a := app{version: version, dir: dir}
	if version == "" {
		text, err := os.ReadFile(dir + "/VERSION")
		if err != nil {
			return err
		}
		words := strings.Fields(string(text))
		a.version = words[0]
		a.behaviour = strings.Join(words[1:], " ")
	}
	a.host, _ = os.Hostname()
	if behaviour, host, ok := strings.Cut(a.behaviour, "@"); ok {
		a.behaviour = ""
		if host == a.host {
			a.behaviour = behaviour
		}
	}
	log.Printf("%s %s starts as process %d", a.version, a.behaviour, os.Getpid())
	time.Sleep(a.startup())
	if a.behaviour == "crash" {
		time.AfterFunc(2*time.Second, func() { log.Fatal("out of memory, or so") })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", a.root)
	mux.HandleFunc("/echo", a.echo)
	mux.HandleFunc("/slow", a.slow)
	mux.HandleFunc("/stream", a.stream)
	mux.HandleFunc("/tunnel", a.tunnel)
	mux.HandleFunc("/ready", a.ready)
	mux.HandleFunc("/health", a.health)
	server := http.Server{Addr: fmt.Sprintf(":%d", port), Handler: mux, IdleTimeout: idle}
	return server.ListenAndServe()
}

// startup is how long the app needs until it listens.
func (a app) startup() time.Duration {
	if a.behaviour == "late" {
		return time.Second
	}
	return 700 * time.Millisecond
}

// head is the first line of every answer.
func (a app) head(w io.Writer) { fmt.Fprintf(w, "%s %s %d\n", a.version, a.host, os.Getpid()) }

func (a app) root(w http.ResponseWriter, _ *http.Request) {
	if a.broken(w) {
		return
	}
	time.Sleep(2 * time.Millisecond)
	a.head(w)
	fmt.Fprint(w, "\nend\n")
}

func (a app) echo(w http.ResponseWriter, r *http.Request) {
	if a.broken(w) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	time.Sleep(2 * time.Millisecond)
	a.head(w)
	fmt.Fprintf(w, "%s\nend\n", body)
}

func (a app) slow(w http.ResponseWriter, r *http.Request) {
	if a.broken(w) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	time.Sleep(time.Second)
	a.head(w)
	fmt.Fprintf(w, "%s\nend\n", body)
}

// stream sends a part every 100 ms, without saying how many there will be.
func (a app) stream(w http.ResponseWriter, _ *http.Request) {
	if a.broken(w) {
		return
	}
	a.head(w)
	for i := range 10 {
		fmt.Fprintf(w, "part %d\n", i)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Fprint(w, "\nend\n")
}

// tunnel echoes lines for ever after an upgrade, as a websocket that nobody closes. Its key is the example of RFC 6455.
func (a app) tunnel(w http.ResponseWriter, _ *http.Request) {
	conn, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	for {
		line, err := both.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprintf(conn, "%s %s", a.version, line)
	}
}

// ready says whether this version works, whatever the marker says.
func (a app) ready(w http.ResponseWriter, _ *http.Request) {
	if a.broken(w) {
		return
	}
	fmt.Fprintf(w, "ready %s\n", a.version)
}

// health is what the balancer asks: the marker takes the app out.
func (a app) health(w http.ResponseWriter, _ *http.Request) {
	if a.broken(w) {
		return
	}
	if _, err := os.Stat(a.dir + "/config/disabled"); err == nil {
		http.Error(w, "disabled", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (a app) broken(w http.ResponseWriter) bool {
	if a.behaviour != "never-healthy" {
		return false
	}
	http.Error(w, "waiting for a database that does not exist", http.StatusServiceUnavailable)
	return true
}
