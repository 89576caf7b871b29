package proxy

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// marker rotates a server by a file that a health check looks at: while it exists, the server is out.
type marker struct{ conf plan.Marking }

var (
	_ Driver  = marker{}
	_ unseen  = marker{}
	_ doubter = marker{}
)

// markerQuery says whether the file $1 is there: present, absent, or status 1 with the reason why it can't be known.
const markerQuery = `case $1 in "~/"*) set -- "$HOME/${1#??}" ;; esac
said=$(LC_ALL=C ls -d -- "$1" 2>&1 >/dev/null) && { echo present; exit 0; }
case $said in *"No such file or directory"*) echo absent; exit 0 ;; esac
printf '%s\n' "$said"
exit 1`

// markerWritable says by status 1 and a reason that the file $1 can't be made. Directories may be missing when $2 is make.
const markerWritable = `case $1 in "~/"*) set -- "$HOME/${1#??}" "$2" ;; esac
[ ! -d "$1" ] || { echo "$1 is a directory"; exit 1; }
d=${1%/*}; d=${d:-/}
[ -d "$d" ] || [ "$2" = make ] || { echo "$d is not there or can't be entered"; exit 1; }
while [ ! -e "$d" ]; do d=${d%/*}; d=${d:-/}; done
[ -w "$d" ] && [ -x "$d" ] || { echo "$(id -un) may not write to $d"; exit 1; }`

// file is the marker's path on the point's target (it may start with ~/, the app user's home) and the user that owns it. A
// relative path is under <root>/shared, so that it outlives a release. What is outside of the app's root is the login user's.
func (m marker) file(p plan.Point) (file, as string, err error) {
	f := m.conf.File
	switch {
	case f == "", strings.ContainsRune(f, 0):
		return "", "", stop(fmt.Errorf("the marker's path %q is empty or holds NUL", f))
	case m.inShared(p) && !m.relative(), strings.HasPrefix(f, "~/"):
		return f, p.As, nil
	case path.IsAbs(f):
		return f, "", nil
	case p.Root == "":
		return "", "", stop(fmt.Errorf("the marker's path %q is relative, and %s has no app root: write an absolute path", f, p.Target))
	}
	return sharedOf(p) + f, p.As, nil
}

// present reads whether the marker exists.
func (m marker) present(ctx context.Context, rs Readers, p plan.Point) (bool, error) {
	file, as, err := m.file(p)
	if err != nil {
		return false, err
	}
	r, err := rs.Reader(ctx, p.Target)
	if err != nil {
		return false, err
	}
	out, err := r.Query(ctx, host.NewQuery(as, markerQuery, file))
	if err != nil {
		return false, err
	}
	said := strings.TrimSpace(string(out.Stdout))
	switch {
	case out.Exit == 0 && said == "present":
		return true, nil
	case out.Exit == 0 && said == "absent":
		return false, nil
	}
	return false, fmt.Errorf("looking for the marker %s on %s: exit status %d: %s", file, p.Target, out.Exit, said)
}

// State joins what the file says with what the balancer made of it: with the marker the server is out, and settled when
// the balancer sends nothing; without it the balancer's word counts.
func (m marker) State(ctx context.Context, rs Readers, p plan.Point) (State, error) {
	present, err := m.present(ctx, rs, p)
	if err != nil {
		return State{}, err
	}
	w := watchOf(m.conf.Watch)
	if w == nil {
		if present {
			return State{Rotation: plan.RotationOut, Settled: true, InFlight: -1, Detail: "the marker is there"}, nil
		}
		return State{Rotation: plan.RotationIn, Settled: true, InFlight: -1, Detail: "the marker is not there"}, nil
	}
	s, err := m.watch(ctx, rs, p, w)
	if err != nil {
		return State{}, err
	}
	if !present {
		s.Detail = "no marker, balancer: " + s.Detail
		return s, nil
	}
	sendsNothing := s.Settled && (s.Rotation == plan.RotationOut || s.Rotation == plan.RotationDown || s.Rotation == plan.RotationHeld)
	return State{Rotation: plan.RotationOut, Settled: sendsNothing, InFlight: s.InFlight, Hidden: s.Hidden, Detail: "marker there, balancer: " + s.Detail}, nil
}

// watch asks the balancer.
func (m marker) watch(ctx context.Context, rs Readers, p plan.Point, w watch) (State, error) {
	on := cmp.Or(w.on(), p.Proxy)
	r, err := rs.Reader(ctx, on)
	if err != nil {
		return State{}, err
	}
	return w.look(ctx, r, on, p)
}

// Empty tells whether the host of an httpd that is watched has no connection to the member. Other balancers count right.
func (m marker) Empty(ctx context.Context, rs Readers, p plan.Point) (bool, error) {
	w, doubtful := watchOf(m.conf.Watch).(watchHTTPD)
	if !doubtful {
		return false, nil
	}
	on := cmp.Or(w.on(), p.Proxy)
	r, err := rs.Reader(ctx, on)
	if err != nil {
		return false, err
	}
	return w.empty(ctx, r, on, p)
}

// Preflight reads whether the marker could be written and whether the balancer answers for the member.
func (m marker) Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	file, as, err := m.file(p)
	if err != nil {
		return err
	}
	r, err := rs.Reader(ctx, p.Target)
	if err != nil {
		return err
	}
	dirs := "keep"
	if m.inShared(p) {
		dirs = "make"
	}
	out, err := r.Query(ctx, host.NewQuery(as, markerWritable, file, dirs))
	if err != nil {
		return err
	}
	if out.Exit != 0 {
		return fmt.Errorf("the marker %s on %s can't be written: %s", file, p.Target, strings.TrimSpace(string(out.Stdout)))
	}
	w := watchOf(m.conf.Watch)
	if w == nil {
		return nil
	}
	s, err := m.watch(ctx, rs, p, w)
	if err != nil {
		return err
	}
	if strings.Contains(s.Detail, "no check") {
		return fmt.Errorf("the balancer does not check %s/%s (%s), so it would not see the marker: give the server a health check", p.Backend, p.Member, s.Detail)
	}
	return m.tells(ctx, rs, p, w)
}

// tells checks that a status page would tell of the marker. Other balancers do.
func (m marker) tells(ctx context.Context, rs Readers, p plan.Point, w watch) error {
	status, isPage := w.(watchHTTP)
	if !isPage {
		return nil
	}
	on := cmp.Or(w.on(), p.Proxy)
	r, err := rs.Reader(ctx, on)
	if err != nil {
		return err
	}
	return status.tells(ctx, r, on, p)
}

func (m marker) relative() bool {
	return !path.IsAbs(m.conf.File) && !strings.HasPrefix(m.conf.File, "~/")
}

// sharedOf is where the app keeps what outlives a release, with a slash at the end.
func sharedOf(p plan.Point) string { return strings.TrimSuffix(p.Root, "/") + "/shared/" }

// inShared tells whether the marker is among what outlives a release: there its directory is trikk's to make.
func (m marker) inShared(p plan.Point) bool {
	return m.relative() || p.Root != "" && strings.HasPrefix(m.conf.File, sharedOf(p))
}

// Out creates the marker.
func (m marker) Out(ctx context.Context, hs Hosts, p plan.Point) error {
	return m.change(ctx, hs, p, "marker-create", func(file string) string {
		return "set -eu\nf=" + file + "\n" +
			"[ ! -d \"$f\" ] || fail \"$f is a directory\"\n" +
			"[ ! -e \"$f\" ] || same \"$f is there\"\n" +
			m.makeDir(p) +
			": >>\"$f\"\n" +
			"[ -e \"$f\" ] || fail \"$f was created and is not there\"\n"
	})
}

// makeDir makes the directory of a marker under the app's root.
func (m marker) makeDir(p plan.Point) string {
	if !m.inShared(p) {
		return ""
	}
	return "mkdir -p -- \"${f%/*}\"\n"
}

// In removes the marker.
func (m marker) In(ctx context.Context, hs Hosts, p plan.Point) error {
	return m.change(ctx, hs, p, "marker-remove", func(file string) string {
		return "set -eu\nf=" + file + "\n" +
			"[ -e \"$f\" ] || [ -L \"$f\" ] || same \"$f is not there\"\n" +
			"rm -f -- \"$f\"\n" +
			"[ ! -e \"$f\" ] || fail \"$f was removed and is still there\"\n"
	})
}

// change runs one script on the target as the marker's owner.
func (m marker) change(ctx context.Context, hs Hosts, p plan.Point, id string, text func(string) string) error {
	file, as, err := m.file(p)
	if err != nil {
		return err
	}
	h, err := hs.Host(ctx, p.Target)
	if err != nil {
		return err
	}
	r, err := runStep(ctx, h, as, host.ScriptStep{ID: id, Text: text(plan.QuotePath(file))})
	if err != nil {
		return err
	}
	if r.Exit != 0 {
		return stop(fmt.Errorf("changing the marker %s on %s: exit status %d: %s", file, p.Target, r.Exit, strings.TrimSpace(r.Output)))
	}
	return nil
}

// Unseen is the settle time: after leaving, where the balancer can't be asked or can't count; after coming back, where it
// can't be asked.
func (m marker) Unseen() (out, in time.Duration) {
	settle := m.conf.Settle.D()
	switch w := m.conf.Watch; {
	case w == nil:
		return settle, settle
	case w.HTTP != nil:
		return settle, 0
	}
	return 0, 0
}

// runStep runs a script of one step and gives its record.
func runStep(ctx context.Context, h host.Host, as string, step host.ScriptStep) (host.Record, error) {
	records, err := h.Run(ctx, host.Script{As: as, Steps: []host.ScriptStep{step}}, nil)
	if err != nil {
		return host.Record{}, err
	}
	if len(records) != 1 {
		return host.Record{}, fmt.Errorf("running %s: the script ended without a record", step.ID)
	}
	return records[0], nil
}
