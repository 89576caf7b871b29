package demo

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

// late is a check that got no answer in time.
type late struct{ error }

func (late) Timeout() bool   { return true }
func (late) Temporary() bool { return false }

// A check that gets no answer in time says little on a slow machine; one that is answered, or refused, says all.
func TestMemberFalls(t *testing.T) {
	slow, refused := late{context.DeadlineExceeded}, errors.New("connection refused")
	healthy, sick := &http.Response{StatusCode: 200}, &http.Response{StatusCode: 503}
	for name, tc := range map[string]struct {
		checks []error // nil: a healthy answer
		last   *http.Response
		want   bool
	}{
		"two are late":           {checks: []error{nil, slow, slow}, want: true},
		"three are late":         {checks: []error{nil, slow, slow, slow}, want: false},
		"late, well, late, late": {checks: []error{nil, slow, nil, slow, slow}, want: true},
		"refused":                {checks: []error{nil, refused}, want: false},
		"disabled":               {checks: []error{nil}, last: sick, want: false},
		"never answered":         {checks: []error{slow}, want: false},
	} {
		m := &member{}
		for _, err := range tc.checks {
			m.seen(healthy, err)
		}
		if tc.last != nil {
			m.seen(tc.last, nil)
		}
		if m.up.Load() != tc.want {
			t.Errorf("%s: up is %v", name, !tc.want)
		}
	}
}
