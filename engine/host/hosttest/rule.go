package hosttest

import "sync"

// Rule answers the calls that it matches: once, unless Times or Always says else. The zero reply is the zero value.
// Rules are asked in the order they were made; one that has answered its number of calls is passed over.
type Rule[In, Out any] struct {
	mu     *sync.Mutex
	what   string
	match  func(In) bool
	reply  func(In) (Out, error)
	left   int // calls still expected; unused when always
	always bool
}

// Reply answers with out.
func (r *Rule[In, Out]) Reply(out Out) *Rule[In, Out] {
	return r.Do(func(In) (Out, error) { return out, nil })
}

// Fail answers with an error of the transport.
func (r *Rule[In, Out]) Fail(err error) *Rule[In, Out] {
	return r.Do(func(In) (out Out, _ error) { return out, err })
}

// Do answers with what f returns. f may be called concurrently.
func (r *Rule[In, Out]) Do(f func(In) (Out, error)) *Rule[In, Out] {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reply = f
	return r
}

// Times expects n calls.
func (r *Rule[In, Out]) Times(n int) *Rule[In, Out] {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = n
	return r
}

// Always answers any number of calls, none included.
func (r *Rule[In, Out]) Always() *Rule[In, Out] {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.always = true
	return r
}

// rules are the rules of one method.
type rules[In, Out any] struct{ all []*Rule[In, Out] }

func (rs *rules[In, Out]) add(mu *sync.Mutex, what string, match func(In) bool) *Rule[In, Out] {
	mu.Lock()
	defer mu.Unlock()
	r := &Rule[In, Out]{mu: mu, what: what, match: match, left: 1}
	r.reply = func(In) (out Out, _ error) { return out, nil }
	rs.all = append(rs.all, r)
	return r
}

// take finds the first rule that matches and uses one of its calls. The caller holds the lock.
func (rs *rules[In, Out]) take(in In) func(In) (Out, error) {
	for _, r := range rs.all {
		if (!r.always && r.left <= 0) || !r.match(in) {
			continue
		}
		r.left--
		return r.reply
	}
	return nil
}

// unmet lists the rules that still expect calls. The caller holds the lock.
func (rs *rules[In, Out]) unmet() []string {
	var out []string
	for _, r := range rs.all {
		if !r.always && r.left > 0 {
			out = append(out, r.what)
		}
	}
	return out
}
