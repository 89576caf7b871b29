package host

import (
	"context"
	"io"
	"net"
	"time"
)

// Reader reads from one server. It can't change anything: both methods take closed types whose texts are constants.
type Reader interface {
	// Query runs a read-only script and gives its output. A deadline that passes is an *Error of kind Unknown.
	Query(ctx context.Context, q Query) (Output, error)
	// Ask sends one question over a socket that the server can reach, and reads the answer to its end.
	Ask(ctx context.Context, s Socket, q Question) (Answer, error)
}

// Host is one server. All methods may be called concurrently; channels are queued per connection.
type Host interface {
	Reader
	// Run runs a script. Records stream to sink as steps end; the returned records are the same ones. A step that fails
	// ends the script: later steps have no record. A connection that breaks is an *Error of kind Unknown: the step after
	// the last record was perhaps started.
	Run(ctx context.Context, s Script, sink func(Record)) ([]Record, error)
	// Hold runs a script that holds something (a lock) for as long as heartbeat bytes arrive. It returns when the script
	// printed its first line, or ended.
	Hold(ctx context.Context, s Script) (Lease, error)
	// Upload copies a local file into ~/.trikk-incoming: part file, digest, rename. A file of the same digest that is
	// already there is not sent again.
	Upload(ctx context.Context, f File, progress func(sent, total int64)) error
	// Dial connects from the server: network is "tcp" or "unix".
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
	Close() error
}

// Output is what a query printed.
type Output struct {
	Stdout []byte // standard output and standard error, in order
	Exit   int
}

// Socket is where a question goes: network "unix" or "tcp", dialled from the server.
type Socket struct{ Network, Address string }

// Answer is the raw answer.
type Answer []byte

// Script is consecutive shell steps that run in one exec.
type Script struct {
	As    string // "" the login user, else through sudo -n -H -u
	Steps []ScriptStep
	// Secrets become shell variables (not exported) before the first step; they are never logged.
	Secrets map[string]string
	// Guard, if any, runs before each step; a failing guard ends the script (the lock names another run).
	Guard string
	// Log, if any, runs right before each step with the arguments ID and "started", and right after it with ID, "done" and the
	// step's exit status. It prints nothing. Its own failure counts for nothing, but for steps that are Logged; for those
	// it also finds trikk_sync set, and has to make what it wrote durable.
	Log string
	// Busy, if any, is a shell word that names a file: while the script runs, and longer where its connection breaks, it holds
	// the file's lock, shared with other scripts, or does nothing where it can't have it within 10 s. What a step leaves running in the
	// background holds nothing.
	Busy string
	// BusyOwner is the user that the file belongs to, and whose home ~ is in its path, where that is not As: it holds the lock.
	BusyOwner string
}

// ScriptStep is one framed step: `( Text ) </dev/null`. In it, `same` ends the step as unchanged with status 0 and `fail
// WORDS` prints to standard error and ends it with status 1.
type ScriptStep struct {
	ID      string
	Text    string
	Timeout time.Duration // 0: the context's
	Logged  bool          // it fails, and is not begun, where the Log's "started" fails
}

// Record is how one step ended.
type Record struct {
	ID     string
	Exit   int
	Same   bool   // the step called same: nothing to do
	Output string // standard output and error, capped: the head and the tail
	Took   time.Duration
}

// Lease is something that is held on the server through an open channel.
type Lease interface {
	// First is the first line that the holder printed.
	First() string
	// Lost is closed when the holder ended or the connection broke.
	Lost() <-chan struct{}
	// Release sends a last word, one byte that is no heartbeat or nothing at all, ends the holder and waits for it.
	Release(word string) error
}

// File is a local file to upload.
type File struct {
	Open   func() (io.ReadCloser, error)
	Name   string // in ~/.trikk-incoming; a plain file name
	Size   int64
	Digest string // "sha256:HEX"
}
