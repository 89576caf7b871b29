package act

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
)

// slowReader answers with how often it was asked, after a second; fails says which of them fail.
type slowReader struct {
	mu    sync.Mutex
	asked map[string]int
	fails func(n int) bool
}

func (r *slowReader) Reader(context.Context, string) (host.Reader, error) { return r, nil }

func (r *slowReader) Query(ctx context.Context, q host.Query) (host.Output, error) {
	r.mu.Lock()
	r.asked[q.Text()]++
	n := r.asked[q.Text()]
	r.mu.Unlock()
	if err := waiting(ctx, time.Second); err != nil {
		return host.Output{}, err
	}
	if r.fails(n) {
		return host.Output{}, errors.New("the connection broke")
	}
	return host.Output{Stdout: fmt.Append(nil, n), Exit: n}, nil
}

func (r *slowReader) Ask(ctx context.Context, _ host.Socket, q host.Question) (host.Answer, error) {
	out, err := r.Query(ctx, host.NewQuery("", "question"))
	return out.Stdout, err
}

// TestOneAnswer: many who ask the same at once get one answer; one that fails is asked again, and others may ask elsewhere.
func TestOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &slowReader{asked: map[string]int{}, fails: func(n int) bool { return n == 1 }}
		once := newOnceReaders(r)
		var all sync.WaitGroup
		var mu sync.Mutex
		got := map[string]int{}
		for i := range 20 {
			all.Go(func() {
				one, _ := once.Reader(t.Context(), fmt.Sprint("lb", i%2))
				out, err := one.Query(t.Context(), host.NewQuery("", "same"))
				answer, asked := one.Ask(t.Context(), host.Socket{}, host.Question{})
				mu.Lock()
				defer mu.Unlock()
				got[fmt.Sprint(string(out.Stdout), err)]++
				if asked == nil && len(answer) == 0 {
					t.Error("an answer is empty")
				}
			})
		}
		all.Wait()
		if got["the connection broke"] != 1 || got["2<nil>"]+got["3<nil>"] != 19 || r.asked["same"] != 3 {
			t.Errorf("asked %v, got %v", r.asked, got)
		}
	})
}

// TestOneAnswerIsNotWaitedForTooLong: who waits for another's answer ends with its own time.
func TestOneAnswerIsNotWaitedForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &slowReader{asked: map[string]int{}, fails: func(int) bool { return false }}
		once := newOnceReaders(r)
		one, _ := once.Reader(t.Context(), "lb01")
		first := make(chan error)
		go func() {
			_, err := one.Query(t.Context(), host.NewQuery("", "same"))
			first <- err
		}()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := one.Query(short, host.NewQuery("", "same"))
		var e *host.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || e.Kind != host.Unknown || e.Host != "lb01" {
			t.Errorf("got %v", err)
		}
		if err := <-first; err != nil {
			t.Errorf("the first one: %v", err)
		}
		if r.asked["same"] != 1 {
			t.Errorf("asked %v", r.asked)
		}
	})
}
