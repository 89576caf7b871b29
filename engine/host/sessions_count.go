package host

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"
)

// A session that has just ended may count on the server for a moment: a refusal is believed after so many tries, this long apart.
const (
	sessionTries = 8
	sessionPause = 50 * time.Millisecond
)

// Sessions tells how many sessions a server allows at once on one connection, as far as most. It opens and closes them and starts
// nothing in them; commands that run meanwhile count too.
func (p *Pool) Sessions(ctx context.Context, name string, most int) (int, error) {
	c, err := p.connection(ctx, name)
	if err != nil {
		return 0, err
	}
	again := sessionTries
	for n := 0; n < most; {
		channel, requests, err := c.open(ctx, "session", nil)
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			if again--; again <= 0 || ctx.Err() != nil {
				return n, nil
			}
			time.Sleep(sessionPause)
			continue
		}
		if err != nil {
			return n, c.unreachable("opening sessions", c.why(ctx, err))
		}
		go ssh.DiscardRequests(requests)
		defer func() { _ = channel.Close() }()
		n++
	}
	return most, nil
}
