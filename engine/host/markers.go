package host

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// marker is one line of a framed script about itself.
type marker struct {
	verb   string // begin, start, same, guard, end, refused or done
	number int    // begin: the process group; otherwise the step
	status int    // guard, end
}

// splitter tells markers from output in a stream that arrives in pieces of any size.
type splitter struct {
	nonce  []byte
	output func([]byte)
	marker func(marker)
	rest   []byte // not decided yet
}

// markerMax bounds a marker's line.
const markerMax = 256

var errMarker = errors.New("a broken marker")

// Write takes the next piece.
func (s *splitter) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		at := bytes.Index(s.rest, s.nonce)
		if at < 0 {
			s.give(len(s.rest) - s.partial())
			return len(p), nil
		}
		s.give(at)
		end := bytes.IndexByte(s.rest, '\n')
		if end < 0 && len(s.rest) < markerMax {
			return len(p), nil
		}
		if end < 0 {
			return 0, errMarker
		}
		m, err := parseMarker(string(s.rest[len(s.nonce):end]))
		if err != nil {
			return 0, err
		}
		s.rest = s.rest[:copy(s.rest, s.rest[end+1:])]
		s.marker(m)
	}
}

// partial is how many of the last bytes may be the start of a nonce.
func (s *splitter) partial() int {
	for n := min(len(s.nonce)-1, len(s.rest)); n > 0; n-- {
		if bytes.HasSuffix(s.rest, s.nonce[:n]) {
			return n
		}
	}
	return 0
}

// give hands out the first n undecided bytes as output.
func (s *splitter) give(n int) {
	if n > 0 {
		s.output(s.rest[:n])
		s.rest = s.rest[:copy(s.rest, s.rest[n:])]
	}
}

func parseMarker(line string) (marker, error) {
	words := strings.Fields(line)
	numbers := map[string]int{"begin": 1, "start": 1, "same": 0, "guard": 2, "end": 2, "refused": 0, "done": 0}
	if len(words) == 0 {
		return marker{}, errMarker
	}
	want, known := numbers[words[0]]
	if !known || len(words)-1 != want {
		return marker{}, fmt.Errorf("%w: %q", errMarker, line)
	}
	m := marker{verb: words[0]}
	for i, to := range []*int{&m.number, &m.status}[:want] {
		n, err := strconv.Atoi(words[i+1])
		if err != nil {
			return marker{}, fmt.Errorf("%w: %q", errMarker, line)
		}
		*to = n
	}
	return m, nil
}
