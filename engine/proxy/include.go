package proxy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// include drives a program by a file with the servers of a backend, which its configuration includes, and graceful reloads. Such a
// program says nowhere which servers it uses, and a reload that returned may not have happened yet, or not at all. So a second file holds
// the name of the generation, a page answers with it, and what is in the files is believed when the page says so. It also remembers the
// generations before, and of which server each change was: a change that was cut off leaves that server alone in doubt.
type include struct {
	dialect
	servers      string // the first file; {backend} stands for the name
	generation   string // the page; {backend} stands for the name
	pid          string // file with the process that reloads; "": not needed
	test, reload string // shell commands
}

var _ Driver = include{}

// dialect is what differs between programs that are driven by files.
type dialect struct {
	program string
	out     string // what a server that is out is in its file
	syntax  syntax
	quotes  [2]string // what stands around the name in the directive of a generation
	look    func(file, address, pid string) host.Query
	hazards []host.Query // each prints why the program would not follow its files, or nothing
	backend func(name string) string
	wants   func(backend, file, page string) string // what the configuration needs
}

// directive is what answers with the name of a generation.
func (d dialect) directive(name string) string { return d.quotes[0] + name + d.quotes[1] }

// nameIn is the name in such a directive.
func (d dialect) nameIn(directive string) (string, bool) {
	name, ok := strings.CutPrefix(directive, d.quotes[0])
	name, end := strings.CutSuffix(name, d.quotes[1])
	return name, ok && end && name != "" && !strings.ContainsAny(name, " \"")
}

func (n include) file(p plan.Point) string {
	return strings.ReplaceAll(n.servers, "{backend}", n.backend(p.Backend))
}

func (n include) page(p plan.Point) string {
	return strings.ReplaceAll(n.generation, "{backend}", n.backend(p.Backend))
}

// needs are the lines that the program's configuration needs.
func (n include) needs(p plan.Point) string {
	return n.wants(n.backend(p.Backend), n.file(p), n.page(p)) + ", and give both files to the login user"
}

// member finds the point's server in what was read.
func (n include) member(p plan.Point, seen includeSeen) (server, error) {
	if seen.text == "" && seen.problem != "" {
		return server{}, stop(fmt.Errorf("%s on %s: %s: %s", n.program, p.Proxy, seen.problem, n.needs(p)))
	}
	_, s, err := n.syntax.parse(seen.text).find(p.Member)
	if err != nil {
		return server{}, stop(fmt.Errorf("%s on %s: %w", n.file(p), p.Proxy, err))
	}
	return s, nil
}

// State reads the files, the generation that answers, and what is left of earlier ones.
func (n include) State(ctx context.Context, rs Readers, p plan.Point) (State, error) {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return State{}, err
	}
	seen, err := n.read(ctx, r, p, "")
	if err != nil {
		return State{}, err
	}
	s, err := n.member(p, seen)
	if err != nil {
		return State{}, err
	}
	live, err := n.live(ctx, r, p)
	if err != nil {
		return State{}, err
	}
	out := n.written(s)
	// A server that was not changed since is the same in the generation that answers.
	if changed, known := n.since(seen, live); !known || slices.Contains(changed, s.address) {
		out.Settled, out.InFlight = false, -1
		out.Detail += ", but " + n.program + " still answers with an earlier generation"
		if known {
			out.Rotation, out.Untaken = plan.RotationUnknown, true
		}
		return out, nil
	}
	if s.out && seen.old != 0 {
		if err := n.inFlight(ctx, r, p, s.address, &out); err != nil {
			return State{}, err
		}
	}
	return out, nil
}

// written is the state of a server where the program follows its file.
func (n include) written(s server) State {
	switch {
	case s.out:
		return State{Rotation: plan.RotationOut, Detail: n.out + " in its file", Settled: true}
	case s.half != "":
		return State{Rotation: plan.RotationIn, Detail: s.half + " in its file"}
	}
	return State{Rotation: plan.RotationIn, Detail: "not " + n.out + " in its file", Settled: true}
}

// inFlight counts connections to the address while processes of earlier generations end, or the processes where that can't be counted
// or none of them can be seen. Such a process without a connection to the server may still be reading a request, whose server it
// chooses when it has read enough of it, by its own generation.
func (n include) inFlight(ctx context.Context, r host.Reader, p plan.Point, address string, s *State) error {
	seen, err := n.read(ctx, r, p, address)
	if err != nil || seen.old == 0 {
		return err
	}
	s.InFlight = seen.open
	if seen.old < 0 || seen.open < 0 {
		s.InFlight = seen.old
	}
	switch {
	case s.InFlight > 0:
		s.Detail += fmt.Sprintf(", %d in flight in workers that shut down", s.InFlight)
	case s.InFlight == 0:
		s.Hidden = max(time.Duration(seen.age)*time.Second, 1)
		s.Detail += fmt.Sprintf(", nothing in flight to it, but %d workers shut down since %d s and may be reading requests", seen.old, seen.age)
	}
	return nil
}

// live is the generation that answers, in the words of its file.
func (n include) live(ctx context.Context, r host.Reader, p plan.Point) (string, error) {
	page, err := get(ctx, r, p.Proxy, n.page(p))
	switch {
	case err != nil && hopeless(err):
		return "", err
	case err != nil:
		return "", fmt.Errorf("%w: is %s running on %s, and does one of its servers listen there? If not, %s", err, n.program, p.Proxy, n.needs(p))
	}
	if page.status != 200 {
		return "", fmt.Errorf("%s on %s answers %d, not with the generation: %s", page.url, p.Proxy, page.status, n.needs(p))
	}
	return n.directive(strings.TrimSpace(string(page.body))), nil
}

// Preflight reads the files and the page, and has the program check its configuration.
func (n include) Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return err
	}
	seen, err := n.read(ctx, r, p, "")
	if err != nil {
		return err
	}
	if seen.problem != "" {
		return stop(fmt.Errorf("%s on %s: %s: %s", n.program, p.Proxy, seen.problem, n.needs(p)))
	}
	if seen.unseen != "" {
		return stop(fmt.Errorf("%s on %s: %s", n.program, p.Proxy, seen.unseen))
	}
	if _, err := n.member(p, seen); err != nil {
		return err
	}
	if _, err := n.syntax.parse(seen.text).with(p.Member, true); err != nil {
		return stop(fmt.Errorf("%s on %s: %w", n.file(p), p.Proxy, err))
	}
	live, err := n.live(ctx, r, p)
	if err != nil {
		return err
	}
	if _, known := n.since(seen, live); !known { // a change that was cut off is made again
		return fmt.Errorf("%s on %s answers with %q at %s, not with what %s.generation says: reload %s, or correct the include", n.program, p.Proxy, live, n.page(p), n.file(p), n.program)
	}
	return n.takes(ctx, r, p)
}

// takes has the program check its configuration, and looks for what would keep it from following its files.
func (n include) takes(ctx context.Context, r host.Reader, p plan.Point) error {
	out, err := r.Query(ctx, host.UserQuery("", "", n.test, nil))
	if err != nil {
		return err
	}
	if out.Exit != 0 {
		return fmt.Errorf("`%s` on %s ended with status %d: %s", n.test, p.Proxy, out.Exit, tail(string(out.Stdout)))
	}
	for _, q := range n.hazards {
		if out, err = r.Query(ctx, q); err != nil {
			return err
		}
		if why := strings.TrimSpace(string(out.Stdout)); why != "" {
			return stop(fmt.Errorf("%s on %s: %s", n.program, p.Proxy, firstLine(why)))
		}
	}
	return nil
}
