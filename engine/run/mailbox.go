package run

import (
	"sync"

	"trikk.dev/engine/plan"
)

// mailbox takes events from many goroutines without holding them up, while the loop saves or draws.
type mailbox struct {
	more chan struct{} // has a token when there are events
	mu   sync.Mutex
	held []plan.Event
}

func newMailbox() *mailbox { return &mailbox{more: make(chan struct{}, 1)} }

func (b *mailbox) put(e plan.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = append(b.held, e)
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// take gives what came since the last time, in order.
func (b *mailbox) take() []plan.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.held
	b.held = nil
	return events
}
