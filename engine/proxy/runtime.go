package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// runtimeAPI is a runtime socket on a host: an absolute path, or HOST:PORT as seen from that host.
type runtimeAPI struct{ host, address string }

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 16 << 20

// socket is where the host dials.
func (a runtimeAPI) socket() host.Socket {
	if strings.HasPrefix(a.address, "/") {
		return host.Socket{Network: "unix", Address: a.address}
	}
	return host.Socket{Network: "tcp", Address: a.address}
}

// ask sends a question and reads the answer, through a tool of the host where forwarding is refused.
func (a runtimeAPI) ask(ctx context.Context, r host.Reader, q host.Question) ([]byte, error) {
	answer, err := r.Ask(ctx, a.socket(), q)
	if !refused(err) {
		return answer, err
	}
	out, qerr := r.Query(ctx, host.NewQuery("", plan.RuntimeTool, a.address, q.Text()))
	if qerr != nil {
		return nil, errors.Join(err, qerr)
	}
	if out.Exit != 0 {
		return nil, a.explain(out.Exit, string(out.Stdout), err)
	}
	return out.Stdout, nil
}

// tell sends one command and reads the answer.
func (a runtimeAPI) tell(ctx context.Context, h host.Host, command string) (string, error) {
	conn, err := h.Dial(ctx, a.socket().Network, a.address)
	if refused(err) {
		return a.tellViaTool(ctx, h, command, err)
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", fmt.Errorf("sending %q to haproxy on %s: %w", command, a.host, err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("waiting for haproxy on %s to answer %q: %w", a.host, command, err)
	}
	return string(answer), nil
}

func (a runtimeAPI) tellViaTool(ctx context.Context, h host.Host, command string, refusal error) (string, error) {
	text := "set -- " + shellescape.Quote(a.address) + " " + shellescape.Quote(command+"\n") + "\n" + plan.RuntimeTool
	records, err := h.Run(ctx, host.Script{Steps: []host.ScriptStep{{ID: "runtime-api", Text: text}}}, nil)
	if err != nil {
		return "", errors.Join(refusal, err)
	}
	if len(records) != 1 {
		return "", fmt.Errorf("sending %q to haproxy on %s: the script has no record", command, a.host)
	}
	if r := records[0]; r.Exit != 0 {
		return "", a.explain(r.Exit, r.Output, refusal)
	}
	return records[0].Output, nil
}

// refused tells whether the host would not connect for us.
func refused(err error) bool {
	e, ok := errors.AsType[*host.Error](err)
	return ok && e.Kind == host.Forwarding
}

// causeOf is a refusal without the hint, which would say the same again.
func causeOf(refusal error) error {
	if e, ok := errors.AsType[*host.Error](refusal); ok && e.Err != nil {
		return e.Err
	}
	return refusal
}

// explain turns an exit status of plan.RuntimeTool into a cause and its mend.
func (a runtimeAPI) explain(exit int, output string, refusal error) error {
	switch exit {
	case 90:
		return fmt.Errorf("no socket %s on %s: is haproxy running, does its global section have `stats socket %s level admin`, and may the login user enter its directory?", a.address, a.host, a.address)
	case 91:
		return fmt.Errorf("%s on %s is not a socket", a.address, a.host)
	case 92:
		return fmt.Errorf("the login user may not use the socket %s on %s: write `stats socket %s mode 660 group GROUP level admin` and make the user a member of GROUP", a.address, a.host, a.address)
	case 93:
		return fmt.Errorf("the SSH server of %s does not connect to %s (%w), and neither socat nor nc is there to do it: does haproxy still listen there? Set AllowTcpForwarding yes, AllowStreamLocalForwarding yes and no DisableForwarding or PermitOpen that forbids it in sshd_config, or install socat", a.host, a.address, causeOf(refusal))
	}
	return fmt.Errorf("connecting to %s on %s: %s: is haproxy listening there?", a.address, a.host, toolSaid(exit, output))
}

// toolSaid is what a tool said when it failed, without the time and the process number that socat begins with.
func toolSaid(exit int, output string) string {
	line := firstLine(strings.TrimSpace(output))
	if _, text, ok := strings.Cut(line, "] E "); ok && strings.Contains(line, "socat[") {
		line = text
	}
	if line == "" {
		return fmt.Sprintf("exit status %d", exit)
	}
	return line
}

// notAdmin is the error for a socket that can't change anything.
func (a runtimeAPI) notAdmin(level string) error {
	return stop(fmt.Errorf("the socket %s on %s is %s, so it can't drain: write `stats socket %s level admin` in haproxy's global section", a.address, a.host, level, a.address))
}
