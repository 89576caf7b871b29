package survey

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestFindings(t *testing.T) {
	const m, g = 1 << 20, 1 << 30
	fine := Health{Host: "app01", User: "deploy", OS: "Debian 12", Kernel: "Linux 6.1", Connect: 40 * time.Millisecond, Answer: 12 * time.Millisecond, Known: true,
		Ahead: -3 * time.Millisecond, Sessions: 10, Disks: []Disk{{"/srv", 40 * g, 20 * g, 1000, 900}}}
	tests := []struct {
		name, level, text string
		change            func(*Health)
	}{
		{"well", Fine, "", func(*Health) {}},
		{"slow", Warning, "answers in 1.5s", func(h *Health) { h.Answer = 1500 * time.Millisecond }},
		{"clock behind", Warning, "its clock is 5s behind this machine's", func(h *Health) { h.Ahead = -5 * time.Second }},
		{"clock far ahead", Problem, "its clock is 1h0m0s ahead of this machine's (set it", func(h *Health) { h.Ahead = time.Hour }},
		{"clock within the answer", Warning, "answers in 10s", func(h *Health) { h.Ahead, h.Answer = 5*time.Second, 10*time.Second }},
		{"no clock", Warning, "its clock can't be read", func(h *Health) { h.Known = false }},
		{"few sessions", Warning, "sshd allows 2 sessions", func(h *Health) { h.Sessions = 2 }},
		{"disk nearly full", Warning, "/srv: 500 of 40960 MiB are free, 90% of the inodes", func(h *Health) { h.Disks[0].Free = 500 * m }},
		{"disk full", Problem, "/srv: 10 of 40960 MiB", func(h *Health) { h.Disks[0].Free = 10 * m }},
		{"inodes", Problem, "1% of the inodes", func(h *Health) { h.Disks[0].InodesFree = 9 }},
		{"not there", Problem, "connecting: no route", func(h *Health) { h.Err = errors.New("app01: connecting: no route") }},
	}
	for _, tt := range tests {
		h := fine
		h.Disks = append([]Disk{}, fine.Disks...)
		tt.change(&h)
		level, text := Fine, ""
		for _, f := range h.Findings() {
			if f.Host != "app01" {
				t.Errorf("%s: of %s", tt.name, f.Host)
			}
			if f.Level != Fine {
				level, text = graver(level, f.Level), text+f.Text+"\n"
			}
		}
		if level != tt.level || !strings.Contains(text, tt.text) {
			t.Errorf("%s: %s\n%s", tt.name, level, text)
		}
	}
}

func TestDiskLines(t *testing.T) {
	for line, want := range map[string]Disk{
		"/dev/sda1 41152736 20 30 50% /":              {"/", 41152736, 30, 0, 0},
		"//nas/my share 100 20 80 20% /mnt/my  share": {"/mnt/my share", 100, 80, 0, 0},
		"overlay 0 0 0 - /":                           {"/", 0, 0, 0, 0},
		"":                                            {},
		"df: nothing":                                 {},
		"Filesystem 1024-blocks Used Available Capacity%": {},
	} {
		size, free, mount, ok := diskLine(line)
		if got := (Disk{Mount: mount, Size: size, Free: free}); got != want || ok != (want.Mount != "") {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
}

func TestClock(t *testing.T) {
	at := time.Unix(1000, 500_000_000)
	for said, want := range map[string]time.Duration{"1003.750000000\n": 3250 * time.Millisecond, "998.%N\n": -2 * time.Second, "999.\n": -time.Second} {
		var h Health
		if h.clock(said, at); !h.Known || h.Ahead != want {
			t.Errorf("%q: %s, %v", said, h.Ahead, h.Known)
		}
	}
	var h Health
	if h.clock("date: not found", at); h.Known {
		t.Error("nonsense is a time")
	}
}
