package host

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// incoming is where uploads land, in the login user's home.
const incoming = ".trikk-incoming"

// prepare makes the directory, drops part files that nobody has written for a while, and tells by `same` that the file is
// there already. $1 name, $2 size, $3 digest.
const prepare = `set -eu
umask 077
mkdir -p "$HOME/.trikk-incoming"
cd "$HOME/.trikk-incoming"
chmod 700 .
find . -maxdepth 1 -type f -name '*.part-*' -mmin +10 -exec rm -f {} +
[ -f "$1" ] || exit 0
[ "$(wc -c <"$1")" -eq "$2" ] || exit 0
have=$(sha256sum <"$1")
[ "${have%% *}" = "$3" ] || exit 0
same`

// finish checks what arrived and gives it its name. $1 name, $2 size, $3 digest, $4 part file.
const finish = `set -eu
cd "$HOME/.trikk-incoming" && [ -f "$4" ] || fail "$4 is not in $HOME/.trikk-incoming: do SFTP and the shell see different directories?"
have=$(wc -c <"$4")
[ "$have" -eq "$2" ] || { rm -f "$4"; fail "$have bytes arrived instead of $2"; }
have=$(sha256sum <"$4")
[ "${have%% *}" = "$3" ] || { rm -f "$4"; fail "sha256:${have%% *} arrived instead of sha256:$3"; }
chmod 600 "$4"
mv -f -T "$4" "$1"`

// stageTime bounds the two scripts around an upload, which read the whole file.
const stageTime = 10 * time.Minute

// Upload implements Host. The file goes through SFTP with many writes in flight, or through a shell where the server has no
// SFTP; into a part file, whose size and digest are checked on the server before it gets its name. Uploads of one
// name wait for each other. An error leaves at most a part file, and trying again is safe.
func (c *Connection) Upload(ctx context.Context, f File, progress func(sent, total int64)) error {
	doing := "uploading " + f.Name
	hexDigest, err := checkFile(f)
	if err != nil {
		return c.fail(Protocol, doing, err, "")
	}
	lock := c.names.lock(f.Name)
	select {
	case lock <- struct{}{}:
		defer func() { <-lock }()
	case <-ctx.Done():
		return c.unreachable(doing, context.Cause(ctx))
	}
	args := []string{f.Name, strconv.FormatInt(f.Size, 10), hexDigest}
	there, err := c.stage(ctx, doing, prepare, args)
	if err != nil || there {
		return err
	}
	part, err := partName(f.Name)
	if err != nil {
		return c.fail(Protocol, doing, err, "")
	}
	if err := c.sendFile(ctx, f, part, progress); err != nil {
		return c.uploadError(ctx, doing, err)
	}
	_, err = c.stage(ctx, doing, finish, append(args, part))
	return err
}

// checkFile checks the name and gives the digest in hex.
func checkFile(f File) (string, error) {
	if f.Name == "" || f.Name == "." || f.Name == ".." || strings.ContainsAny(f.Name, "/\x00\n") || strings.HasPrefix(f.Name, "-") {
		return "", fmt.Errorf("%q is no plain file name", f.Name)
	}
	digest, ok := strings.CutPrefix(f.Digest, "sha256:")
	if raw, err := hex.DecodeString(digest); !ok || err != nil || len(raw) != 32 {
		return "", fmt.Errorf("%q is no sha256:HEX", f.Digest)
	}
	return strings.ToLower(digest), nil
}

// stage runs one of the scripts around an upload, and tells whether it called same.
func (c *Connection) stage(ctx context.Context, doing, text string, args []string) (bool, error) {
	script := queryScript(Query{text: text, args: args})
	script.Steps[0].ID, script.Steps[0].Timeout = "upload", stageTime
	records, err := c.Run(ctx, script, nil)
	if err != nil {
		return false, err
	}
	if len(records) == 0 || records[0].Exit == 0 {
		return len(records) > 0 && records[0].Same, nil
	}
	fail := c.fail(Protocol, doing, errors.New(lastLine(records[0].Output, fmt.Sprintf("exit status %d", records[0].Exit))), "")
	fail.Output = records[0].Output
	if strings.Contains(fail.Output, "No space left") || strings.Contains(fail.Output, "quota") {
		fail.Hint = "free some space in the home of " + c.login()
	}
	return false, fail
}

func partName(name string) (string, error) {
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return name + ".part-" + hex.EncodeToString(raw), nil
}

// sendFile sends the bytes into the part file.
func (c *Connection) sendFile(ctx context.Context, f File, part string, progress func(sent, total int64)) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if progress == nil {
		progress = func(int64, int64) {}
	}
	source := &counted{Reader: in, total: f.Size, tell: progress}
	channel, err := c.openSession(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = channel.Close() })
	defer stop()
	ok, err := channel.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err != nil {
		return err
	}
	if ok {
		defer func() { _ = channel.Close() }()
		go func() { _, _ = io.Copy(io.Discard, channel.Stderr()) }()
		return writeSFTP(channel, source, part)
	}
	_ = channel.Close()
	<-channel.closed
	return c.writeShell(ctx, source, part)
}

// inFlight is how many SFTP writes wait for their answers at once.
const inFlight = 64

func writeSFTP(channel ssh.Channel, source io.Reader, part string) (err error) {
	client, err := sftp.NewClientPipe(channel, channel, sftp.UseConcurrentWrites(true), sftp.MaxConcurrentRequestsPerFile(inFlight))
	if err != nil {
		return fmt.Errorf("starting SFTP: %w", err)
	}
	defer func() { _ = client.Close() }()
	out, err := client.Create(incoming + "/" + part)
	if err != nil {
		return fmt.Errorf("making the part file: %w", err)
	}
	if _, err := out.ReadFromWithConcurrency(source, inFlight); err != nil {
		_ = out.Close()
		return errors.Join(err, client.Remove(incoming+"/"+part))
	}
	return out.Close()
}

// shellWrite writes its input to a part file, whose name is the first line: read takes no byte more than that.
const shellWrite = `exec /bin/sh -c 'umask 077; IFS= read -r f && exec cat >"$HOME/.trikk-incoming/$f"'`

// writeShell is the way without SFTP. The digest tells whether all arrived.
func (c *Connection) writeShell(ctx context.Context, source io.Reader, part string) error {
	channel, err := c.openSession(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = channel.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = channel.Close() })
	defer stop()
	if _, err := channel.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{shellWrite})); err != nil {
		return err
	}
	said := newCapped()
	go func() { _, _ = io.Copy(io.Discard, channel) }()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		_, _ = io.Copy(said, channel.Stderr())
	}()
	if _, err := io.WriteString(channel, part+"\n"); err != nil {
		return err
	}
	_, copyErr := io.CopyBuffer(struct{ io.Writer }{channel}, source, make([]byte, 64<<10))
	_ = channel.CloseWrite()
	for _, end := range []<-chan struct{}{channel.closed, heard} {
		select {
		case <-end:
		case <-c.dead:
			return c.broken()
		}
	}
	if copyErr != nil {
		return fmt.Errorf("writing the part file: %s: %w", firstLine(string(said.bytes()), "cut off"), copyErr)
	}
	return nil
}

// counted tells how much was read.
type counted struct {
	io.Reader
	sent, total int64
	tell        func(sent, total int64)
}

// Read reads and tells.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if n > 0 {
		c.sent += int64(n)
		c.tell(c.sent, c.total)
	}
	return n, err
}

// uploadError explains what ended a transfer. Nothing has changed but a part file, so it may be tried again.
func (c *Connection) uploadError(ctx context.Context, doing string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	kind := Unreachable
	if ctx.Err() == nil && c.probe() == nil {
		kind = Protocol
	}
	fail := c.fail(kind, doing, c.why(ctx, err), "")
	if strings.Contains(err.Error(), "SSH_FX_FAILURE") {
		fail.Hint = "SFTP doesn't say why: is the disk full?"
	}
	return fail
}

// lastLine is the last line with something on it, or otherwise.
func lastLine(s, otherwise string) string {
	last := otherwise
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			last = line
		}
	}
	return last
}
