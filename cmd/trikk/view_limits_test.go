package main

import (
	"testing"

	"trikk.dev/engine/plan"
)

func TestLimitsText(t *testing.T) {
	p := plan.Plan{Limits: []plan.Limit{
		{Name: "pairs lb01 lb02", Most: 1, Kept: true}, {Name: "proxy lb01", Most: 2}, {Name: "repository https://repo.example", Most: 16},
		{Name: "server app01", Most: 1}, {Name: "server app02", Most: 1}, {Name: "server app07", Most: 6}, {Name: "turns", Most: 20},
	}}
	want := "At once at most: 1 of lb01, lb02 out of the outer balancer; 2 turns behind lb01; 16 downloads from https://repo.example; 20 turns in all; " +
		"1 turn on each of app01, app02; 6 turns on app07."
	if got := limitsText(p); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := limitsText(plan.Plan{}); got != "" {
		t.Errorf("no limits: %q", got)
	}
}
