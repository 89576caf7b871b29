// Package sshtest is an SSH and SFTP server in this process, with real shells in a directory. Tests and the demo deploy to
// it. It listens on loopback only, needs no privileges, runs every command as the current user, and isolates nothing:
// it must never serve anybody else.
package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Config says what a server is like. Home and AuthorizedKeys are required.
type Config struct {
	Home           string          // existing directory: HOME and working directory of commands, and of SFTP
	User           string          // the only login; "": any
	AuthorizedKeys []ssh.PublicKey // who may log in
	HostKey        ssh.Signer      // nil: a new one
	Shell          string          // login shell; "": /bin/sh
	Env            []string        // NAME=VALUE, on top of HOME, USER, LOGNAME, SHELL and PATH
	// Dial makes forwarded connections; nil: net.Dial. The demo uses it to give its servers addresses of their own.
	Dial func(network, address string) (net.Conn, error)

	NoForwarding bool // refuse to forward, as AllowTcpForwarding no
	NoSFTP       bool // no such subsystem
	NoShell      bool // end every command at once, as a nologin shell
	MaxSessions  int  // a connection; 0: 10
}

// Server is a running server. It is safe for concurrent use.
type Server struct {
	config   Config
	hostKey  ssh.Signer
	listener net.Listener
	works    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[*wire]struct{}
	groups map[int]struct{} // process groups of running commands
	seen   int              // connections so far
}

// Start starts a server on a free port of 127.0.0.1. The caller closes it.
func Start(c Config) (*Server, error) {
	if info, err := os.Stat(c.Home); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("starting an SSH server: the home %q is no directory", c.Home)
	}
	if c.Shell == "" {
		c.Shell = "/bin/sh"
	}
	if c.Dial == nil {
		c.Dial = net.Dial
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = 10
	}
	if c.HostKey == nil {
		key, err := newSigner()
		if err != nil {
			return nil, fmt.Errorf("starting an SSH server: %w", err)
		}
		c.HostKey = key
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting an SSH server: %w", err)
	}
	s := &Server{config: c, hostKey: c.HostKey, listener: listener, conns: map[*wire]struct{}{}, groups: map[int]struct{}{}}
	s.works.Go(s.accept)
	return s, nil
}

func newSigner() (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

// Host is the address without the port.
func (s *Server) Host() string { return s.address().IP.String() }

// Port is the port.
func (s *Server) Port() int { return s.address().Port }

// Home is the directory of its only user.
func (s *Server) Home() string { return s.config.Home }

// PublicKey is the host key.
func (s *Server) PublicKey() ssh.PublicKey { return s.hostKey.PublicKey() }

// Connections is how many connections it has accepted so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// Open is how many connections are open, or have something that still runs.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *Server) address() *net.TCPAddr { return s.listener.Addr().(*net.TCPAddr) }

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		w := newWire(conn)
		if !s.add(w) {
			_ = conn.Close()
			return
		}
		s.works.Go(func() {
			defer s.remove(w)
			s.serve(w)
		})
	}
}

func (s *Server) add(w *wire) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.seen++
	s.conns[w] = struct{}{}
	return true
}

func (s *Server) remove(w *wire) {
	_ = w.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, w)
}

// serve does the handshake and hands out channels until the connection ends.
func (s *Server) serve(w *wire) {
	conn, channels, requests, err := ssh.NewServerConn(w, s.sshConfig())
	if err != nil {
		return
	}
	var works sync.WaitGroup
	defer works.Wait()
	defer func() { _ = conn.Close() }()
	works.Go(func() { answer(requests) })
	l := &login{server: s, conn: conn, works: &works, ended: make(chan struct{})}
	defer close(l.ended)
	for request := range channels {
		works.Go(func() { l.channel(request) })
	}
}

func (s *Server) sshConfig() *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if s.config.User != "" && meta.User() != s.config.User {
				return nil, errors.New("no such user")
			}
			for _, authorized := range s.config.AuthorizedKeys {
				if string(authorized.Marshal()) == string(key.Marshal()) {
					return &ssh.Permissions{}, nil
				}
			}
			return nil, errors.New("key not authorized")
		},
	}
	c.AddHostKey(s.hostKey)
	return c
}

// answer answers global requests as sshd does: keepalives with a failure, which is an answer.
func answer(requests <-chan *ssh.Request) {
	for request := range requests {
		if request.WantReply {
			_ = request.Reply(false, nil)
		}
	}
}

// Close ends the listener, all connections and the commands that still run in their own process groups; what a command has
// detached lives on.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for w := range s.conns {
		_ = w.Close()
	}
	for group := range s.groups {
		killGroup(group)
	}
	s.mu.Unlock()
	err := s.listener.Close()
	s.works.Wait()
	return err
}
