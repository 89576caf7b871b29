package survey

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// dateScript tells a server's time; where %N is not known, to the second.
const dateScript = `date +%s.%N`

// checkScript tells what a server is and how full its disks are. It changes nothing. Arguments: two an app: its user ("": login), its root.
const checkScript = `LC_ALL=C
export LC_ALL
echo "user $(id -un 2>/dev/null || id -u)"
echo "kernel $(uname -sr)"
echo "os $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null)"
while [ $# -ge 2 ]; do
	place=$2
	case $place in
	'~/'*)
		home=$HOME
		[ -z "$1" ] || home=$(getent passwd "$1" 2>/dev/null | cut -d : -f 6)
		place=$home${place#'~'} ;;
	esac
	while [ ! -e "$place" ]; do
		up=${place%/*}
		place=${up:-/}
	done
	echo "disk $(df -P -k "$place" 2>/dev/null | tail -n 1)"
	echo "inodes $(df -P -i "$place" 2>/dev/null | tail -n 1)"
	shift 2
done
echo end
exit 0`

// Health is what one server says of itself.
type Health struct {
	Host    string        `json:"host"`
	User    string        `json:"user,omitempty"` // who is logged in
	Kernel  string        `json:"kernel,omitempty"`
	OS      string        `json:"os,omitempty"`
	Connect time.Duration `json:"-"` // from nothing to a login
	Answer  time.Duration `json:"-"` // of the shortest command
	// Ahead is how far its clock is ahead of the controller's, give or take half of Answer. Known: it told its time.
	Ahead    time.Duration `json:"-"`
	Known    bool          `json:"-"`
	Sessions int           `json:"sessions,omitempty"` // at once on one connection, at most wantedSessions
	Disks    []Disk        `json:"disks,omitempty"`    // that have roots of apps, each once
	Err      error         `json:"-"`
}

// Disk is a file system; what it does not tell is 0.
type Disk struct {
	Mount      string `json:"mount"`
	Size       int64  `json:"size"` // bytes
	Free       int64  `json:"free"`
	Inodes     int64  `json:"inodes"`
	InodesFree int64  `json:"inodesFree"`
}

// wantedSessions is what OpenSSH allows by default.
const wantedSessions = 10

// Checked are hosts that can be checked, as host.Pool is.
type Checked interface {
	Hosts
	Sessions(ctx context.Context, name string, most int) (int, error)
}

// Check asks hosts, at most that many at once, how they are. It changes nothing, and gives one Health a host in their order.
func Check(ctx context.Context, hs Checked, env plan.Environment, apps []plan.App, hosts []string, most int) []Health {
	out := make([]Health, len(hosts))
	each(hosts, most, func(i int, name string) {
		h := Health{Host: name}
		h.Err = h.ask(ctx, hs, checkArgs(env, appsOn(apps, name), name))
		out[i] = h
	})
	return out
}

func checkArgs(env plan.Environment, apps []plan.App, name string) []string {
	var args []string
	for _, a := range apps {
		args = append(args, a.As(env, name), a.Layout.Root)
	}
	return args
}

func (h *Health) ask(ctx context.Context, hs Checked, args []string) error {
	began := time.Now()
	r, err := hs.Host(ctx, h.Host)
	if err != nil {
		return err
	}
	h.Connect = time.Since(began)
	began = time.Now()
	out, err := r.Query(ctx, host.NewQuery("", dateScript))
	if err != nil {
		return err
	}
	h.Answer = time.Since(began)
	h.clock(string(out.Stdout), began.Add(h.Answer/2))
	if out, err = r.Query(ctx, host.NewQuery("", checkScript, args...)); err != nil {
		return err
	}
	if err := h.parse(string(out.Stdout)); err != nil {
		return &host.Error{Host: h.Host, Kind: host.Protocol, Doing: "checking", Output: string(out.Stdout), Err: err}
	}
	h.Sessions, err = hs.Sessions(ctx, h.Host, wantedSessions)
	return err
}

// clock takes the server's time, which it told at that time of ours.
func (h *Health) clock(said string, at time.Time) {
	whole, part, _ := strings.Cut(strings.TrimSpace(said), ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return
	}
	n, err := strconv.ParseInt(part, 10, 64)
	if err != nil { // only the second is known
		n = at.UnixNano() % int64(time.Second)
	}
	h.Ahead, h.Known = time.Unix(s, n).Sub(at), true
}

func (h *Health) parse(text string) error {
	last := ""
	for line := range strings.Lines(text) {
		var rest string
		last, rest, _ = strings.Cut(strings.TrimSpace(line), " ")
		switch last {
		case "user":
			h.User = rest
		case "kernel":
			h.Kernel = rest
		case "os":
			h.OS = strings.Trim(rest, `"'`)
		case "disk":
			if size, free, mount, ok := diskLine(rest); ok && !slices.ContainsFunc(h.Disks, func(d Disk) bool { return d.Mount == mount }) {
				h.Disks = append(h.Disks, Disk{Mount: mount, Size: size << 10, Free: free << 10})
			}
		case "inodes":
			all, free, mount, ok := diskLine(rest)
			for i := range h.Disks {
				if ok && h.Disks[i].Mount == mount {
					h.Disks[i].Inodes, h.Disks[i].InodesFree = all, free
				}
			}
		}
	}
	if last != "end" {
		return errCut
	}
	return nil
}

// diskLine takes a line of df -P apart: device, size, used, free, share, mount point. Names may have spaces; the share ends with %, or
// is - where there is none.
func diskLine(line string) (size, free int64, mount string, ok bool) {
	f := strings.Fields(line)
	for i := 4; i+1 < len(f); i++ {
		if !strings.HasSuffix(f[i], "%") && f[i] != "-" {
			continue
		}
		size, err := strconv.ParseInt(f[i-3], 10, 64)
		free, err2 := strconv.ParseInt(f[i-1], 10, 64)
		if errors.Join(err, err2) == nil {
			return size, free, strings.Join(f[i+1:], " "), true
		}
	}
	return 0, 0, "", false
}

// Levels of findings.
const (
	Fine    = "ok"
	Warning = "warning"
	Problem = "problem" // a run would fail, or soon does
)

// Finding is one thing about one host.
type Finding struct {
	Host  string `json:"host"`
	Level string `json:"level"`
	Text  string `json:"text"`
}

// Findings judges a server's health.
func (h Health) Findings() []Finding {
	if h.Err != nil {
		return []Finding{{h.Host, Problem, strings.TrimPrefix(h.Err.Error(), h.Host+": ")}}
	}
	out := []Finding{
		{h.Host, above(h.Answer, time.Second), fmt.Sprintf("%s is logged in: connected in %s, answers in %s", h.User, short(h.Connect), short(h.Answer))},
		{h.Host, Fine, strings.TrimPrefix(h.OS+", "+h.Kernel, ", ")},
		h.clockFinding(),
		h.sessionFinding(),
	}
	for _, d := range h.Disks {
		out = append(out, d.finding(h.Host))
	}
	return out
}

func above(d, limit time.Duration) string {
	if d > limit {
		return Warning
	}
	return Fine
}

// clockFinding: half of the time that the answer took is not known to be before or after the clock was read.
func (h Health) clockFinding() Finding {
	off := h.Ahead.Abs() - h.Answer/2
	way := "ahead of"
	if h.Ahead < 0 {
		way = "behind"
	}
	switch {
	case !h.Known:
		return Finding{h.Host, Warning, "its clock can't be read"}
	case off > time.Minute:
		return Finding{h.Host, Problem, fmt.Sprintf("its clock is %s %s this machine's (set it: chrony, systemd-timesyncd)", short(h.Ahead.Abs()), way)}
	case off > 2*time.Second:
		return Finding{h.Host, Warning, fmt.Sprintf("its clock is %s %s this machine's", short(h.Ahead.Abs()), way)}
	}
	return Finding{h.Host, Fine, fmt.Sprintf("its clock is %s %s this machine's, within %s", short(h.Ahead.Abs()), way, short(h.Answer/2))}
}

func (h Health) sessionFinding() Finding {
	if h.Sessions < wantedSessions {
		return Finding{h.Host, Warning, fmt.Sprintf("sshd allows %d sessions on a connection, so that apps wait for each other (MaxSessions %d in sshd_config)", h.Sessions, wantedSessions)}
	}
	return Finding{h.Host, Fine, fmt.Sprintf("sshd allows %d sessions on a connection", h.Sessions)}
}

func (d Disk) finding(name string) Finding {
	const m = 1 << 20
	text := fmt.Sprintf("%s: %d of %d MiB are free", d.Mount, d.Free/m, d.Size/m)
	level := levelOf(d.Free, d.Size, 512*m, 64*m)
	if d.Inodes > 0 {
		text += fmt.Sprintf(", %.0f%% of the inodes", 100*float64(d.InodesFree)/float64(d.Inodes))
		level = graver(level, levelOf(d.InodesFree, d.Inodes, 0, 0))
	}
	return Finding{name, level, text}
}

// levelOf: less than 5% or than few is a warning, less than 1% or than none is a problem.
func levelOf(free, all, few, none int64) string {
	switch {
	case free < none || float64(free) < 0.01*float64(all):
		return Problem
	case free < few || float64(free) < 0.05*float64(all):
		return Warning
	}
	return Fine
}

func graver(a, b string) string {
	order := []string{Fine, Warning, Problem}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// short is a duration to two digits or so.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%.0fms", math.Round(float64(d)/float64(time.Millisecond)))
	}
	return d.Round(100 * time.Millisecond).String()
}
