package main

import (
	"io"
	"testing"
)

func TestColour(t *testing.T) {
	tests := map[string]struct {
		flag     string
		env      map[string]string
		terminal bool
		want     bool
	}{
		"a terminal":            {flag: "auto", terminal: true, want: true},
		"no terminal":           {flag: "auto"},
		"a dumb terminal":       {flag: "auto", terminal: true, env: map[string]string{"TERM": "dumb"}},
		"NO_COLOR":              {flag: "auto", terminal: true, env: map[string]string{"NO_COLOR": "1"}},
		"always":                {flag: "always", want: true},
		"always beats NO_COLOR": {flag: "always", env: map[string]string{"NO_COLOR": "1"}, want: true},
		"never":                 {flag: "never", terminal: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := &cli{flags: flags{color: test.flag}, world: world{
				env:     func(k string) string { return test.env[k] },
				colours: func(io.Writer) bool { return test.terminal },
			}}
			want := "done   "
			if test.want {
				want = "\x1b[32mdone\x1b[0m   "
			}
			if got := c.paint(io.Discard).good("done   "); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
