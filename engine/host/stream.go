package host

import (
	"context"
	"sync"
)

// Stream runs a query on a server and gives what it prints as it comes, with standard error in it, until it ends; ctx's end kills it.
// A piece may end anywhere in a line. give is called by one goroutine at a time, never after Stream returned, and keeps no piece. A query
// whose ctx has no deadline may run for as long as the connection lives.
func (p *Pool) Stream(ctx context.Context, name string, q Query, give func(piece []byte)) (exit int, err error) {
	c, err := p.connection(ctx, name)
	if err != nil {
		return -1, err
	}
	return c.stream(ctx, q, give)
}

func (c *Connection) stream(ctx context.Context, q Query, give func(piece []byte)) (exit int, err error) {
	const doing = "following"
	s := queryScript(q)
	frame, err := newFrame(s)
	if err != nil {
		return -1, c.fail(Protocol, doing, err, "")
	}
	var mu sync.Mutex
	over := false
	frame.live = func(piece []byte) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			give(piece)
		}
	}
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
	}()
	x, err := c.start(ctx, frame, newCapped)
	if err != nil {
		return -1, err
	}
	defer x.leave()
	x.send(frame)
	exit = -1
	f := c.newFollower(x, s, doing, nil)
	f.raw = func(e event) { exit = e.status }
	err = f.follow(ctx)
	return exit, err
}
