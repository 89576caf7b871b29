package proxy

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// nginx drives nginx by a file with the servers of an upstream, which its configuration includes, and graceful reloads. nginx says
// nowhere which servers it uses, and a reload that returned may not have happened yet, or not at all. So a second file holds the name
// of the generation, a page answers with it, and what is in the files is believed when the page says so. It also remembers the
// generations before, and of which server each change was: a change that was cut off leaves that server alone in doubt.
type nginx struct{ conf plan.Nginx }

var _ Driver = nginx{}

// nginxLook reads both files of $1 and counts what still runs of earlier generations: workers that shut down, and the connections that
// this host has to the address $2, which may be empty. Each part begins with a line of its own.
const nginxLook = shConnections + `file=$1
for f in "$file" "$file.generation"; do
	[ -r "$f" ] || { echo "problem $f is missing, or the login user can't read it"; exit 0; }
done
[ -w "$file" ] && [ -w "$file.generation" ] && [ -w "${file%/*}" ] || echo "problem the login user may not write $file, $file.generation and files beside them"
echo "age $(($(date +%s) - $(stat -L -c %Y "$file.generation" || echo 0)))"
old=-1
if grep -qsa '^nginx: master process' /proc/[0-9]*/cmdline; then
	old=$(grep -lsa '^nginx: worker process is shutting down' /proc/[0-9]*/cmdline | wc -l)
fi
echo "old $old"
open=-1
if [ -n "$2" ]; then
	open=$(connections "$2") || open=-1
fi
echo "open $open"
sed -n -e '1s/^/generation /p' -e 's/^# after /after /p' "$file.generation"
echo servers
cat "$file"`

// nginxSeen is what nginxLook printed.
type nginxSeen struct {
	problem    string
	generation string // return 200 "ID";
	changes    []nginxChanged
	age        int // seconds since the last change
	old, open  int // -1 where it can't be counted
	text       string
}

// nginxChanged is a change of one server, with the generation before it.
type nginxChanged struct{ after, address string }

// nginxRemembered is how many changes the second file remembers: more than are made at once.
const nginxRemembered = 64

// since gives the servers that were changed after a generation; false where it is none that is remembered.
func (s nginxSeen) since(live string) (addresses []string, known bool) {
	if live == s.generation {
		return nil, true
	}
	for _, c := range s.changes {
		addresses = append(addresses, c.address)
		if generation(c.after) == live {
			return addresses, true
		}
	}
	return nil, false
}

// next is the second file of the generation that a change of a server makes.
func (s nginxSeen) next(name, address string) string {
	var b strings.Builder
	b.WriteString(generation(name) + "\n")
	changes := s.changes
	if was, ok := generationName(s.generation); ok {
		changes = append([]nginxChanged{{was, address}}, changes...)
	}
	for _, c := range changes[:min(len(changes), nginxRemembered)] {
		b.WriteString("# after " + c.after + " " + c.address + "\n")
	}
	return b.String()
}

func (n nginx) file(p plan.Point) string {
	return strings.ReplaceAll(n.conf.Servers, "{backend}", p.Backend)
}

func (n nginx) page(p plan.Point) string {
	return strings.ReplaceAll(n.conf.Generation, "{backend}", p.Backend)
}

// read looks at the files; address is what connections are counted to.
func (n nginx) read(ctx context.Context, r host.Reader, p plan.Point, address string) (nginxSeen, error) {
	out, err := r.Query(ctx, host.NewQuery("", nginxLook, n.file(p), address))
	if err != nil {
		return nginxSeen{}, err
	}
	seen := nginxSeen{open: -1}
	head, text, ok := strings.Cut(string(out.Stdout), "\nservers\n")
	for line := range strings.SplitSeq(head, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "problem":
			seen.problem = rest
		case "generation":
			seen.generation = rest
		case "after":
			after, address, _ := strings.Cut(rest, " ")
			seen.changes = append(seen.changes, nginxChanged{after, address})
		case "age":
			seen.age, err = strconv.Atoi(strings.TrimSpace(rest))
		case "old":
			seen.old, err = strconv.Atoi(strings.TrimSpace(rest))
		case "open":
			seen.open, err = strconv.Atoi(strings.TrimSpace(rest))
		}
		if err != nil {
			return nginxSeen{}, fmt.Errorf("reading nginx's files on %s: %w", p.Proxy, err)
		}
	}
	if !ok && seen.problem == "" {
		return nginxSeen{}, fmt.Errorf("reading nginx's files on %s: exit status %d: %s", p.Proxy, out.Exit, tail(string(out.Stdout)))
	}
	seen.text = text
	return seen, nil
}

// member finds the point's server in what was read.
func (n nginx) member(p plan.Point, seen nginxSeen) (nginxServer, error) {
	if seen.text == "" && seen.problem != "" {
		return nginxServer{}, stop(fmt.Errorf("nginx on %s: %s: %s", p.Proxy, seen.problem, n.wants(p)))
	}
	_, s, err := parseNginx(seen.text).find(p.Member)
	if err != nil {
		return nginxServer{}, stop(fmt.Errorf("%s on %s: %w", n.file(p), p.Proxy, err))
	}
	return s, nil
}

// wants are the lines that nginx's configuration needs.
func (n nginx) wants(p plan.Point) string {
	return fmt.Sprintf("write `upstream %s { include %s; }` and, in the server that %s asks, `location = %s { include %s.generation; }`, and give both files to the login user", p.Backend, n.file(p), n.page(p), pathOf(n.page(p)), n.file(p))
}

// State reads the files, the generation that answers, and what is left of earlier ones.
func (n nginx) State(ctx context.Context, rs Readers, p plan.Point) (State, error) {
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
	out := State{Rotation: plan.RotationIn, Detail: "not down in its file", Settled: true}
	if s.down {
		out.Rotation, out.Detail = plan.RotationOut, "down in its file"
	}
	// A server that was not changed since is the same in the generation that answers.
	if changed, known := seen.since(live); !known || slices.Contains(changed, s.address) {
		out.Settled, out.InFlight = false, -1
		out.Detail += ", but nginx still answers with an earlier generation"
		if known {
			out.Rotation, out.Untaken = plan.RotationUnknown, true
		}
		return out, nil
	}
	if s.down && seen.old != 0 {
		if err := n.inFlight(ctx, r, p, s.address, &out); err != nil {
			return State{}, err
		}
	}
	return out, nil
}

// inFlight counts connections to the address while workers shut down, or the workers where that can't be counted or no process of
// nginx can be seen. A worker that shuts down and has no connection to the server may still be reading a request, whose server it
// chooses when it has all of it, by its own generation.
func (n nginx) inFlight(ctx context.Context, r host.Reader, p plan.Point, address string, s *State) error {
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
func (n nginx) live(ctx context.Context, r host.Reader, p plan.Point) (string, error) {
	page, err := get(ctx, r, p.Proxy, n.page(p))
	switch {
	case err != nil && hopeless(err):
		return "", err
	case err != nil:
		return "", fmt.Errorf("%w: is nginx running on %s, and does one of its servers listen there? If not, %s", err, p.Proxy, n.wants(p))
	}
	if page.status != 200 {
		return "", fmt.Errorf("%s on %s answers %d, not with the generation: %s", page.url, p.Proxy, page.status, n.wants(p))
	}
	return generation(strings.TrimSpace(string(page.body))), nil
}

// generation is the directive that answers with a name.
func generation(name string) string { return `return 200 "` + name + `";` }

// generationName is the name in such a directive.
func generationName(directive string) (string, bool) {
	name, ok := strings.CutPrefix(directive, `return 200 "`)
	name, end := strings.CutSuffix(name, `";`)
	return name, ok && end && name != "" && !strings.ContainsAny(name, " \"")
}

// Preflight reads the files and the page, and has nginx check its configuration.
func (n nginx) Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return err
	}
	seen, err := n.read(ctx, r, p, "")
	if err != nil {
		return err
	}
	if seen.problem != "" {
		return stop(fmt.Errorf("nginx on %s: %s: %s", p.Proxy, seen.problem, n.wants(p)))
	}
	if _, err := n.member(p, seen); err != nil {
		return err
	}
	if _, err := parseNginx(seen.text).with(p.Member, true); err != nil {
		return stop(fmt.Errorf("%s on %s: %w", n.file(p), p.Proxy, err))
	}
	live, err := n.live(ctx, r, p)
	if err != nil {
		return err
	}
	if _, known := seen.since(live); !known { // a change that was cut off is made again
		return fmt.Errorf("nginx on %s answers with %q at %s, not with what %s.generation says: reload nginx, or correct the include", p.Proxy, live, n.page(p), n.file(p))
	}
	out, err := r.Query(ctx, host.UserQuery("", "", n.conf.Test, nil))
	if err != nil {
		return err
	}
	if out.Exit != 0 {
		return fmt.Errorf("`%s` on %s ended with status %d: %s", n.conf.Test, p.Proxy, out.Exit, tail(string(out.Stdout)))
	}
	return nil
}

// Out writes the server as down and reloads.
func (n nginx) Out(ctx context.Context, hs Hosts, p plan.Point) error { return n.set(ctx, hs, p, true) }

// In takes the word down away and reloads.
func (n nginx) In(ctx context.Context, hs Hosts, p plan.Point) error { return n.set(ctx, hs, p, false) }

// nginxChange replaces the files and reloads, or puts back what was there when nginx does not like it. Another run that changes the same
// upstream meanwhile is found out (75), and turns that are taken at once change it one after the other. The generation comes first: what is
// half done is told by a page that answers with another one.
const nginxChange = `set -eu
if command -v flock >/dev/null; then
	exec 8<"${file%/*}"
	flock -w 20 8 || fail "another change of the files in ${file%/*} does not end"
fi
was=$(cat "$file"; echo .)
[ "$was" = "$old." ] || exit 75
IFS= read -r now <"$file.generation" || :
[ "$now" = "$after" ] || exit 75
before=$(cat "$file.generation")
put() {
	printf %s "$2" >"$1.new" && mv -fT "$1.new" "$1" || fail "$1 can't be written (is the disk full, and may $(id -un) write there?)"
}
put "$file.generation" "$generation"
put "$file" "$new"
if ! why=$(sh -c "$test" 2>&1 8<&-); then
	put "$file" "$old"
	put "$file.generation" "$before
"
	printf '%s\n' "$why"
	fail "nginx does not take its configuration; nothing was changed"
fi
sh -c "$reload" 8<&- || fail "the reload ended with status $?"
`

// nginxOvertaken is how nginxChange ends when the servers are not those that it was made from.
const nginxOvertaken = 75

// nginxTries is how often a change is made anew because another one came first: turns that are taken at once all begin with it.
const nginxTries = 50

func (n nginx) set(ctx context.Context, hs Hosts, p plan.Point, down bool) error {
	h, err := hs.Host(ctx, p.Proxy)
	if err != nil {
		return err
	}
	for range nginxTries {
		r, err := n.try(ctx, h, p, down)
		switch {
		case err != nil:
			return err
		case r.Exit == 0:
			return nil
		case r.Exit != nginxOvertaken:
			return fmt.Errorf("changing %s on %s: %s", n.file(p), p.Proxy, tail(r.Output))
		}
	}
	return fmt.Errorf("%s on %s was changed by others %d times while trikk changed it", n.file(p), p.Proxy, nginxTries)
}

// try makes the change from what is there now.
func (n nginx) try(ctx context.Context, h host.Host, p plan.Point, down bool) (host.Record, error) {
	seen, err := n.read(ctx, h, p, "")
	if err != nil {
		return host.Record{}, err
	}
	s, err := n.member(p, seen)
	if err != nil {
		return host.Record{}, err
	}
	next, err := parseNginx(seen.text).with(p.Member, down)
	if err != nil {
		return host.Record{}, stop(fmt.Errorf("%s on %s: %w", n.file(p), p.Proxy, err))
	}
	var b strings.Builder
	for _, v := range [][2]string{
		{"file", n.file(p)}, {"old", seen.text}, {"new", next.String()},
		{"after", seen.generation}, {"generation", seen.next(rand.Text(), s.address)}, {"test", n.conf.Test}, {"reload", n.conf.Reload},
	} {
		b.WriteString(v[0] + "=" + shellescape.Quote(v[1]) + "\n")
	}
	return runStep(ctx, h, "", host.ScriptStep{ID: "nginx", Text: b.String() + nginxChange})
}
