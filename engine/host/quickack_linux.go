package host

import (
	"net"
	"syscall"
)

// quickAckConn acknowledges at once what it reads. Linux's delayed acknowledgement stalls the first command by 45 ms.
type quickAckConn struct {
	*net.TCPConn
	raw syscall.RawConn
}

func quickAck(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	return &quickAckConn{TCPConn: tcp, raw: raw}
}

// Read reads. The option is lost with every read, so it is set again.
func (c *quickAckConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	_ = c.raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
	return n, err
}
