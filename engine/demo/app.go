package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// ServeApp is the demo's app: it answers / with its version, /ready with the version once it is able to work, and /health
// with 200 unless the marker file config/disabled exists under dir. On SIGTERM it dies at once, as many real apps do: what is
// in flight then is lost. The version "3.0" never gets ready.
func ServeApp(ctx context.Context, addr, version, dir string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	broken := version == "3.0"
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		if broken {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		time.Sleep(5 * time.Millisecond)
		fmt.Fprintf(w, "hello from %s\n", version)
	})
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if broken {
			http.Error(w, "waiting for a database that does not exist", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "ready %s\n", version)
	})
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := os.Stat(dir + "/config/disabled"); err == nil || broken {
			http.Error(w, "disabled", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
