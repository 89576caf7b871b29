package demo

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"trikk.dev/engine/host/sshtest"
)

// killApp ends the app's process group that a pid file names, and waits until it is gone.
func killApp(pidFile string) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		return
	}
	if syscall.Kill(-pid, syscall.SIGKILL) != nil {
		return
	}
	for range 100 {
		if syscall.Kill(-pid, 0) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func keys(ids ...sshtest.Identity) []ssh.PublicKey {
	var out []ssh.PublicKey
	for _, id := range ids {
		out = append(out, id.PublicKey())
	}
	return out
}
