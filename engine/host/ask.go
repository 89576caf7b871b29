package host

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Ask implements Reader. An answer beyond 16 MiB is an error of kind Protocol.
func (c *Connection) Ask(ctx context.Context, s Socket, q Question) (Answer, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	conn, err := c.Dial(ctx, s.Network, s.Address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	doing := "asking " + s.Address
	if _, err := io.WriteString(conn, q.text); err != nil {
		return nil, c.fail(Unknown, doing, c.why(ctx, err), "")
	}
	answer, err := io.ReadAll(io.LimitReader(conn, queryMax+1))
	if err := errors.Join(context.Cause(ctx), err, c.probe()); err != nil {
		return nil, c.fail(Unknown, doing, c.why(ctx, err), "")
	}
	if len(answer) > queryMax {
		return nil, c.fail(Protocol, doing, fmt.Errorf("more than %d bytes of answer", queryMax), "")
	}
	return answer, nil
}

// why is the deepest cause that is known: the context's, the connection's, else err.
func (c *Connection) why(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if cause := c.broken(); cause != nil {
		return cause
	}
	return err
}
