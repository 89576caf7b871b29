package sshtest

import (
	"io"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// forward connects a channel to where it asks for.
func (l *login) forward(request ssh.NewChannel) {
	if l.server.config.NoForwarding {
		_ = request.Reject(ssh.Prohibited, "open failed")
		return
	}
	network, address, err := destination(request)
	if err != nil {
		_ = request.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	conn, err := l.server.config.Dial(network, address)
	if err != nil {
		_ = request.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	defer func() { _ = conn.Close() }()
	channel, requests, err := request.Accept()
	if err != nil {
		return
	}
	l.works.Go(func() { answer(requests) })
	l.works.Go(func() {
		_, _ = io.Copy(conn, channel)
		closeWrite(conn)
	})
	l.works.Go(func() {
		<-l.ended
		_ = conn.Close()
	})
	_, _ = io.Copy(channel, conn)
	_ = channel.Close()
}

func destination(request ssh.NewChannel) (network, address string, _ error) {
	if request.ChannelType() == "direct-tcpip" {
		var tcp struct {
			Host       string
			Port       uint32
			Origin     string
			OriginPort uint32
		}
		err := ssh.Unmarshal(request.ExtraData(), &tcp)
		return "tcp", net.JoinHostPort(tcp.Host, strconv.FormatUint(uint64(tcp.Port), 10)), err
	}
	var unix struct {
		Path     string
		Reserved string
		Port     uint32
	}
	err := ssh.Unmarshal(request.ExtraData(), &unix)
	return "unix", unix.Path, err
}

func closeWrite(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
