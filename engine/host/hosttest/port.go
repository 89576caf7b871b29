package hosttest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports that tests give to programs: below those that Linux gives to connections (ip_local_port_range, 32768 and up by default), so that no
// client takes one before its program listens.
const (
	firstPort = 16384
	lastPort  = 32767
)

// FreePort is a TCP port of 127.0.0.1 on which nothing listens, for a program that is started next.
func FreePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_ = l.Close()
		return port
	}
	t.Fatalf("no port from %d to %d is free", firstPort, lastPort)
	return 0
}
