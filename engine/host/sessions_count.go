package host

import (
	"context"
	"errors"

	"golang.org/x/crypto/ssh"
)

// Sessions tells how many sessions a server allows at once on one connection, as far as most. It opens and closes them and starts
// nothing in them; commands that run meanwhile count too.
func (p *Pool) Sessions(ctx context.Context, name string, most int) (int, error) {
	c, err := p.connection(ctx, name)
	if err != nil {
		return 0, err
	}
	for n := range most {
		channel, requests, err := c.open(ctx, "session", nil)
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			return n, nil
		}
		if err != nil {
			return n, c.unreachable("opening sessions", c.why(ctx, err))
		}
		go ssh.DiscardRequests(requests)
		defer func() { _ = channel.Close() }()
	}
	return most, nil
}
