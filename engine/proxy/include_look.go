package proxy

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// A look reads both files of $1 and counts what still runs of earlier generations: processes that end, and the connections that
// this host has to the address $2, which may be empty. Each part begins with a line of its own. Between lookFiles and lookServers is the
// program's own part. It sets old to how many processes end, and leaves it where it can't know; it may print a line that begins with
// "unseen" and says why. $3 is the file with the process that reloads.
const lookFiles = shConnections + `file=$1
for f in "$file" "$file.generation"; do
	[ -r "$f" ] || { echo "problem $f is missing, or the login user can't read it"; exit 0; }
done
[ -w "$file" ] && [ -w "$file.generation" ] && [ -w "${file%/*}" ] || echo "problem the login user may not write $file, $file.generation and files beside them"
echo "age $(($(date +%s) - $(stat -L -c %Y "$file.generation" || echo 0)))"
old=-1
`

const lookServers = `
echo "old $old"
open=-1
if [ -n "$2" ]; then
	open=$(connections "$2") || open=-1
fi
echo "open $open"
sed -n -e '1s/^/generation /p' -e 's/^# after /after /p' "$file.generation"
echo servers
cat "$file"`

// includeSeen is what a look printed.
type includeSeen struct {
	problem    string
	unseen     string // why processes of earlier generations can't be seen
	generation string // the directive
	changes    []includeChanged
	age        int // seconds since the last change
	old, open  int // -1 where it can't be counted
	text       string
}

// includeChanged is a change of one server, with the generation before it.
type includeChanged struct{ after, address string }

// includeRemembered is how many changes the second file remembers: more than are made at once.
const includeRemembered = 64

// since gives the servers that were changed after a generation; false where it is none that is remembered.
func (d dialect) since(s includeSeen, live string) (addresses []string, known bool) {
	if live == s.generation {
		return nil, true
	}
	for _, c := range s.changes {
		addresses = append(addresses, c.address)
		if d.directive(c.after) == live {
			return addresses, true
		}
	}
	return nil, false
}

// next is the second file of the generation that a change of a server makes.
func (d dialect) next(s includeSeen, name, address string) string {
	var b strings.Builder
	b.WriteString(d.directive(name) + "\n")
	changes := s.changes
	if was, ok := d.nameIn(s.generation); ok {
		changes = append([]includeChanged{{was, address}}, changes...)
	}
	for _, c := range changes[:min(len(changes), includeRemembered)] {
		b.WriteString("# after " + c.after + " " + c.address + "\n")
	}
	return b.String()
}

// read looks at the files; address is what connections are counted to.
func (n include) read(ctx context.Context, r host.Reader, p plan.Point, address string) (includeSeen, error) {
	out, err := r.Query(ctx, n.look(n.file(p), address, n.pid))
	if err != nil {
		return includeSeen{}, err
	}
	head, text, ok := strings.Cut(string(out.Stdout), "\nservers\n")
	seen, err := parseLook(head)
	if err != nil {
		return includeSeen{}, fmt.Errorf("reading %s's files on %s: %w", n.program, p.Proxy, err)
	}
	if !ok && seen.problem == "" {
		return includeSeen{}, fmt.Errorf("reading %s's files on %s: exit status %d: %s", n.program, p.Proxy, out.Exit, tail(string(out.Stdout)))
	}
	seen.text = text
	return seen, nil
}

// parseLook reads all but the servers.
func parseLook(head string) (includeSeen, error) {
	seen := includeSeen{open: -1}
	var err error
	for line := range strings.SplitSeq(head, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "problem":
			seen.problem = rest
		case "unseen":
			seen.unseen = rest
		case "generation":
			seen.generation = rest
		case "after":
			after, address, _ := strings.Cut(rest, " ")
			seen.changes = append(seen.changes, includeChanged{after, address})
		case "age":
			seen.age, err = strconv.Atoi(strings.TrimSpace(rest))
		case "old":
			seen.old, err = strconv.Atoi(strings.TrimSpace(rest))
		case "open":
			seen.open, err = strconv.Atoi(strings.TrimSpace(rest))
		}
		if err != nil {
			return includeSeen{}, err
		}
	}
	return seen, nil
}
