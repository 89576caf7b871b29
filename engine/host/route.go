package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// route is the way to a server: jump hosts in order, the server last.
type route []settings

// key tells routes apart: two servers behind one jump host share the connection to it.
func (r route) key() string {
	var parts []string
	for _, s := range r {
		parts = append(parts, s.name+"="+s.place())
	}
	return strings.Join(parts, ">")
}

// routeTo finds the way to a target. As with ssh -J, the first jump host of a list may have jump hosts of its own.
func (p *Pool) routeTo(ctx context.Context, t Target, path []string) (route, error) {
	if slices.Contains(path, t.Name) {
		return nil, &Error{
			Host: path[0], Kind: Unreachable, Doing: "finding the way to " + path[0],
			Err: fmt.Errorf("jump hosts go in a circle: %s", strings.Join(append(path, t.Name), " > ")),
		}
	}
	s, err := resolve(ctx, t, p.dialer.options)
	if err != nil || s.jump == "" {
		return route{s}, err
	}
	path = append(slices.Clone(path), t.Name)
	var way route
	for i, text := range strings.Split(s.jump, ",") {
		next, err := p.hopTarget(t.Name, strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			next.Jump = none
		}
		part, err := p.routeTo(ctx, next, path)
		if err != nil {
			return nil, err
		}
		way = append(way, part...)
	}
	return append(way, s), nil
}

// hopTarget is an inventory name's target, or the one that a jump spells out.
func (p *Pool) hopTarget(from, text string) (Target, error) {
	if t, ok := p.targets[text]; ok {
		return t, nil
	}
	t, err := hop(text)
	if err != nil {
		return Target{}, &Error{Host: from, Kind: Unreachable, Doing: "finding the way to " + from, Err: err}
	}
	return t, nil
}
