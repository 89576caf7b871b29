package proxy

import (
	"fmt"
	"slices"
	"strings"
)

// serverFile is a file with the servers of one backend, as a person or `trikk render` wrote it. Only what takes a server out is ever
// changed; all else is kept byte for byte.
type serverFile struct {
	lines  []string
	syntax syntax
}

// syntax is how a program writes its servers, a line each.
type syntax struct {
	noun    string // what they are called
	example string // a line
	split   func(text string) []string
	read    func(line string) (server, bool)          // false for a line that is no server
	write   func(line string, out bool) (same string) // the same line with the server out, or in
}

// server is one line.
type server struct {
	address string // what connections are counted to
	names   []string
	out     bool
	half    string // it is in, but not for all clients: the word for that
}

func (x syntax) parse(text string) serverFile { return serverFile{x.split(text), x} }

func (f serverFile) String() string { return strings.Join(f.lines, "") }

// called tells whether a member of the topology is this server.
func (s server) called(member string) bool {
	return member != "" && (slices.Contains(s.names, member) || strings.EqualFold(s.address, member))
}

// name is the one that errors suggest.
func (s server) name() string {
	if len(s.names) > 0 {
		return s.names[0]
	}
	return s.address
}

// find gives the line of a member.
func (f serverFile) find(member string) (int, server, error) {
	var names []string
	for i, line := range f.lines {
		s, ok := f.syntax.read(line)
		if !ok {
			continue
		}
		if s.called(member) {
			return i, s, nil
		}
		names = append(names, s.name())
	}
	if len(names) == 0 {
		return 0, server{}, fmt.Errorf("it has no line such as `%s`", f.syntax.example)
	}
	return 0, server{}, fmt.Errorf("it has no %s %q%s", f.syntax.noun, member, suggest(member, names))
}

// with gives the servers with the member out, or in. How many may be out at once is the plan's to say: programs take a backend of
// which all are, and answer every request with an error.
func (f serverFile) with(member string, out bool) (serverFile, error) {
	at, _, err := f.find(member)
	if err != nil {
		return f, err
	}
	next := serverFile{slices.Clone(f.lines), f.syntax}
	next.lines[at] = f.syntax.write(f.lines[at], out)
	return next, nil
}
