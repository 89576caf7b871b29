package act

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"trikk.dev/engine/host"
	"trikk.dev/engine/proxy"
)

// onceReaders ask a host each question once: in one look all that is asked of a proxy about many servers has one answer, such as its table of
// all servers of a backend, or what its configuration check says. A question without an answer is asked again by who needs it.
type onceReaders struct {
	proxy.Readers
	mu   sync.Mutex
	said map[string]*saying
}

// saying is an answer that comes, or has come.
type saying struct {
	came chan struct{}
	out  host.Output // of a question, its answer is Stdout
	ok   bool
}

func newOnceReaders(rs proxy.Readers) *onceReaders {
	return &onceReaders{Readers: rs, said: map[string]*saying{}}
}

// Reader implements proxy.Readers.
func (o *onceReaders) Reader(ctx context.Context, name string) (host.Reader, error) {
	r, err := o.Readers.Reader(ctx, name)
	if err != nil {
		return nil, err
	}
	return onceReader{r, name, o}, nil
}

// once gives what was said to a question to a host, or asks. Who waits for another's answer waits no longer than its own ctx: then the answer is
// as unknown as if it had asked.
func (o *onceReaders) once(ctx context.Context, name string, question []string, ask func() (host.Output, error)) (host.Output, error) {
	key := name + "\x00" + strings.Join(question, "\x00")
	for {
		o.mu.Lock()
		s, asked := o.said[key]
		if !asked {
			s = &saying{came: make(chan struct{})}
			o.said[key] = s
		}
		o.mu.Unlock()
		if !asked {
			return o.ask(key, s, ask)
		}
		select {
		case <-s.came:
		case <-ctx.Done():
			return host.Output{}, &host.Error{Host: name, Kind: host.Unknown, Doing: "asking", Err: ended(ctx)}
		}
		if s.ok {
			return host.Output{Stdout: bytes.Clone(s.out.Stdout), Exit: s.out.Exit}, nil
		}
	}
}

func (o *onceReaders) ask(key string, s *saying, ask func() (host.Output, error)) (host.Output, error) {
	defer close(s.came)
	out, err := ask()
	if err != nil {
		o.mu.Lock()
		delete(o.said, key)
		o.mu.Unlock()
		return out, err
	}
	s.out, s.ok = host.Output{Stdout: bytes.Clone(out.Stdout), Exit: out.Exit}, true
	return out, nil
}

// onceReader asks one host.
type onceReader struct {
	host.Reader
	name string
	all  *onceReaders
}

// Query implements host.Reader.
func (r onceReader) Query(ctx context.Context, q host.Query) (host.Output, error) {
	return r.all.once(ctx, r.name, append([]string{"query", q.As(), q.Text()}, q.Args()...), func() (host.Output, error) { return r.Reader.Query(ctx, q) })
}

// Ask implements host.Reader.
func (r onceReader) Ask(ctx context.Context, s host.Socket, q host.Question) (host.Answer, error) {
	out, err := r.all.once(ctx, r.name, []string{"ask", s.Network, s.Address, q.Text()}, func() (host.Output, error) {
		answer, err := r.Reader.Ask(ctx, s, q)
		return host.Output{Stdout: answer}, err
	})
	return out.Stdout, err
}
