//go:build linux

package zeroloss

import (
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// TestVerdict: what one driver can't help is a broken promise of the others, and of this one where it is not seldom.
func TestVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		cell cell
		want string
	}{
		"nothing lost":                  {cell{count: e2e.Count{Requests: 20000}}, ""},
		"dropped":                       {cell{count: e2e.Count{Requests: 20000, Failed: 2, Dropped: 2}}, "2 requests failed"},
		"dropped by Caddy":              {cell{drops: true, count: e2e.Count{Requests: 20000, Failed: 2, Dropped: 2}}, ""},
		"dropped by Caddy, too often":   {cell{drops: true, count: e2e.Count{Requests: 20000, Failed: 11, Dropped: 11}}, "11 connections that were just opened"},
		"an error 502 of Caddy":         {cell{drops: true, count: e2e.Count{Requests: 20000, Failed: 3, Dropped: 2}}, "1 requests failed"},
		"closed":                        {cell{count: e2e.Count{Requests: 20000, Closed: 1}}, "1 idle connections"},
		"naive, and nothing is lost":    {cell{naive: true, count: e2e.Count{Requests: 20000}}, "lost nothing"},
		"too few requests for a second": {cell{count: e2e.Count{Requests: 2000}}, "200 requests/s are too few"},
	} {
		test.cell.seconds = 10
		if got := test.cell.verdict(); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: %q, not %q", name, got, test.want)
		}
	}
}
