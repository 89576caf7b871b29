package proxy

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"trikk.dev/engine/host"
)

// wire is what the kernel of a proxy's host says of the proxy's connections to one server. It is asked where the proxy's own count
// can be wrong.
type wire struct {
	open int
	// unanswered are those on which the last word was the proxy's: a request without an answer.
	unanswered int
	// talking are the others on which something was said within the last half second: a stream or a websocket, or an answer that has just
	// ended. One that is quiet for longer looks like an idle connection.
	talking int
}

// quiet is how many milliseconds without a word make a connection look idle.
const quiet = 500

// wireQuery prints the connections to the address $1, each with a line of its times.
const wireQuery = shConnections + `established "$1" -Htni`

// readWire asks over r, which is the proxy's host.
func readWire(ctx context.Context, r host.Reader, address string) (wire, error) {
	out, err := r.Query(ctx, host.NewQuery("", wireQuery, address))
	if err != nil {
		return wire{}, err
	}
	if out.Exit != 0 {
		return wire{}, fmt.Errorf("looking at the connections to %s: exit status %d: %s", address, out.Exit, firstLine(strings.TrimSpace(string(out.Stdout))))
	}
	return parseWire(string(out.Stdout)), nil
}

// parseWire reads what `ss -Htni` prints: a line for each connection, and after it one that begins with a blank and holds its times.
func parseWire(text string) wire {
	var w wire
	for line := range strings.Lines(text) {
		switch {
		case strings.TrimSpace(line) == "":
		case !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, " "):
			w.open++
		case since(line, "lastsnd:") < since(line, "lastrcv:"):
			w.unanswered++
		case since(line, "lastrcv:") < quiet:
			w.talking++
		}
	}
	return w
}

// since is how many milliseconds ago something was, which ss leaves out where it is 0.
func since(line, what string) int {
	_, after, _ := strings.Cut(line, " "+what)
	digits, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, _ := strconv.Atoi(digits)
	return n
}
