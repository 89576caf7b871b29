package host

import (
	"errors"
	"fmt"
	"strings"
)

// Kind classes an Error, for exit codes and for what may be done about it.
type Kind string

// Kinds.
const (
	Unreachable Kind = "unreachable" // no connection; nothing was run
	Auth        Kind = "auth"        // the server refused every key
	HostKey     Kind = "hostkey"     // the host key is unknown or another one than recorded
	Sudo        Kind = "sudo"        // sudo -n is refused: it wants a password
	Forwarding  Kind = "forwarding"  // the server refused to open a connection for us
	Unknown     Kind = "unknown"     // the connection or the deadline ended a command whose end is not known
	Refused     Kind = "refused"     // a guard or a holder refused: another run has the lock
	Protocol    Kind = "protocol"    // the remote side answered nonsense: no shell, SFTP only
)

// ErrProhibited is in an Error of kind Forwarding when the server's configuration forbids it. Without it the server could
// not connect, and may do so later. OpenSSH doesn't tell the two apart for unix sockets.
var ErrProhibited = errors.New("administratively prohibited")

// Error is a failure of the transport. Its text is short; its value is complete.
type Error struct {
	Host   string
	Kind   Kind
	Step   string // ID, if one was running
	Doing  string // "connecting to 10.0.0.1:22 as deploy"
	Output string // full remote output so far, redacted
	Hint   string // what to do next
	Err    error
}

// Error gives one line: host, what was being done, why, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Host, e.Doing)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
