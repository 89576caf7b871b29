package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/crypto/ssh"
)

// dialer opens connections.
type dialer struct {
	options Options
	keys    knownKeys
}

// dialTries bounds the attempts at a server that hangs up before its banner, as sshd does beyond MaxStartups.
const dialTries = 9

// connect opens a connection, through via unless that is nil. A server that hangs up before its banner is tried again after
// 50 ms, 100 ms, … Errors are of kind Unreachable, HostKey or Auth.
func (d *dialer) connect(ctx context.Context, s settings, via *Connection) (*Connection, error) {
	waits := &backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: 5 * time.Second}
	c, err := backoff.Retry(ctx, func() (*Connection, error) {
		c, err := d.attempt(ctx, s, via)
		if err != nil && !errors.Is(err, errBusy) {
			return nil, backoff.Permanent(err)
		}
		return c, err
	}, backoff.WithBackOff(waits), backoff.WithMaxTries(dialTries), backoff.WithMaxElapsedTime(0))
	var known *Error
	if err != nil && !errors.As(err, &known) {
		return nil, s.noConnection(ctx, err)
	}
	return c, err
}

// errBusy marks a server that hung up before its banner.
var errBusy = errors.New("the server hung up before it said who it is")

// attempt is one TCP connection and handshake, bounded by a timer that closes it: nothing else stops a handshake.
func (d *dialer) attempt(ctx context.Context, s settings, via *Connection) (*Connection, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.options.ConnectTimeout, fmt.Errorf("no end of it within %s", d.options.ConnectTimeout))
	defer cancel()
	db, err := d.keys.database(s.knownHosts)
	if err != nil {
		return nil, s.keyError(err, "")
	}
	raw, err := dialRaw(ctx, s, via)
	if err != nil {
		return nil, s.noConnection(ctx, err)
	}
	keys := openKeyring(ctx, s)
	defer keys.close()
	first := &preface{Conn: raw}
	stop := context.AfterFunc(ctx, func() {
		_ = raw.Close()
		keys.close()
	})
	conn, channels, requests, err := ssh.NewClientConn(first, s.hostPort(), &ssh.ClientConfig{
		Config:            ssh.Config{Ciphers: ciphers()},
		User:              s.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(keys.signers...)},
		HostKeyCallback:   d.keys.check(s, db),
		HostKeyAlgorithms: db.HostKeyAlgorithms(s.keyName()),
		ClientVersion:     "SSH-2.0-trikk",
	})
	if !stop() || err != nil {
		_ = raw.Close()
		return nil, s.noHandshake(ctx, err, first, keys)
	}
	c := newConnection(s, d.options, ssh.NewClient(conn, channels, requests))
	c.again = func(ctx context.Context) (*Connection, error) { return d.connect(ctx, s, via) }
	return c, nil
}

func dialRaw(ctx context.Context, s settings, via *Connection) (net.Conn, error) {
	if via != nil {
		return via.client.DialContext(ctx, "tcp", s.hostPort())
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.hostPort())
	if timedOut(err) && nearlyOver(ctx) {
		<-ctx.Done() // the dialer keeps ctx's deadline by a clock of its own, which may be ahead: wait for the cause
	}
	if err != nil {
		return nil, err
	}
	return quickAck(conn), nil
}

// timedOut: the dialer says it in two ways, by whether it saw its context end or its socket's deadline pass.
func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// nearlyOver is false for the share of the time that the dialer gives to one of several addresses of a name.
func nearlyOver(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < 100*time.Millisecond
}

// ciphers are x/crypto's, the fast ones first: chacha20 costs up to twice the CPU.
func ciphers() []string {
	all := ssh.SupportedAlgorithms().Ciphers
	slices.SortStableFunc(all, func(a, b string) int {
		return rank(a) - rank(b)
	})
	return all
}

func rank(cipher string) int {
	if strings.Contains(cipher, "gcm") {
		return 0
	}
	return 1
}

// noConnection explains a failed TCP connection.
func (s settings) noConnection(ctx context.Context, err error) error {
	hint := ""
	var refused *ssh.OpenChannelError
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && ctx.Err() == nil:
		hint = "is the name right?"
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = fmt.Sprintf("is sshd running there, on port %d?", s.port)
	case timedOut(err), errors.Is(err, syscall.ETIMEDOUT):
		err, hint = cause(ctx, err), "is the address right, and does a firewall let us through?"
	case errors.As(err, &refused):
		err = fmt.Errorf("the jump host could not connect: %s", refused.Message)
	default:
		err = cause(ctx, err)
	}
	return &Error{Host: s.name, Kind: Unreachable, Doing: "connecting to " + s.place(), Err: err, Hint: hint}
}

// noHandshake explains a failed handshake.
func (s settings) noHandshake(ctx context.Context, err error, first *preface, keys *keyring) error {
	fail := &Error{Host: s.name, Kind: Unreachable, Doing: "connecting to " + s.place(), Err: err}
	var own *Error
	var algorithm *ssh.AlgorithmNegotiationError
	switch {
	case ctx.Err() != nil:
		fail.Err = context.Cause(ctx)
	case errors.As(err, &own):
		return own
	case errors.As(err, &algorithm) && strings.Contains(err.Error(), "host key"):
		fail.Kind, fail.Hint = HostKey, "known_hosts records a key of another type than the server has; look at it with ssh-keygen -F "+s.address
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "Too many authentication failures"):
		fail.Kind, fail.Hint = Auth, keys.hint(s)
		fail.Err = fmt.Errorf("the server refused every key of %s", s.user)
	case !first.saidSSH() && !first.saidOther():
		fail.Err, fail.Hint = fmt.Errorf("%w: %w", errBusy, err), "sshd's MaxStartups, or a firewall"
	case !first.saidSSH():
		fail.Err, fail.Hint = errors.New("what answers there is no SSH server"), "is the port right?"
	}
	return fail
}

func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// preface remembers the first bytes that the server said.
type preface struct {
	net.Conn
	said []byte
}

const prefaceMax = 256

// Read reads, and remembers.
func (p *preface) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if room := prefaceMax - len(p.said); room > 0 {
		p.said = append(p.said, b[:min(n, room)]...)
	}
	return n, err
}

func (p *preface) saidSSH() bool { return bytes.Contains(p.said, []byte("SSH-")) }

// saidOther tells a server of another protocol from sshd's own last words (Exceeded MaxStartups).
func (p *preface) saidOther() bool {
	return len(p.said) > 0 && !bytes.Contains(p.said, []byte("MaxStartups"))
}
