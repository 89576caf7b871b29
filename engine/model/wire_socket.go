package model

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"trikk.dev/engine/host"
)

// Ask implements host.Reader: HAProxy's runtime socket, read.
func (c *connection) Ask(ctx context.Context, s host.Socket, q host.Question) (host.Answer, error) {
	strike, err := c.strikes(ctx, "ask", q.Text(), false)
	if err != nil {
		return nil, c.unknown("asking", err)
	}
	switch strike {
	case CutFirst, CutLast, StepFails:
		return nil, c.unknown("asking "+s.Address, errCut)
	case HangFirst, HangLast:
		return nil, c.hang(ctx, "asking "+s.Address, queryTime)
	}
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	answer, ok := c.runtime(q.Text(), strike)
	if !ok {
		return nil, c.strange("question", q.Text())
	}
	return host.Answer(answer), nil
}

// runtime answers commands of HAProxy's runtime API.
func (c *connection) runtime(text string, strike Strike) (string, bool) {
	var b strings.Builder
	for _, command := range strings.Split(strings.TrimSpace(text), ";") {
		words := strings.Fields(command)
		switch {
		case command == "show table", command == "show info":
			b.WriteString("\n")
		case command == "show cli level":
			b.WriteString("admin\n\n")
		case len(words) == 5 && words[0] == "show" && words[1] == "stat":
			b.WriteString(c.stat(words[2]) + "\n")
		case len(words) == 4 && strings.HasPrefix(command, "show servers state "):
			b.WriteString(c.serversState(words[3]) + "\n")
		case len(words) == 5 && strings.HasPrefix(command, "set server "):
			b.WriteString(c.set(words[2], words[4], strike) + "\n")
		case len(words) == 4 && strings.HasPrefix(command, "shutdown sessions server "):
			if m := c.memberOf(words[3]); m != nil && strike != Lies {
				m.busy = c.fleet.now()
			}
			b.WriteString("\n")
		default:
			return "", false
		}
	}
	return b.String(), true
}

func (c *connection) memberOf(name string) *member {
	backend, member, _ := strings.Cut(name, "/")
	return c.fleet.members[memberKey{c.name, backend, member}]
}

// set is `set server BACKEND/MEMBER state WORD`.
func (c *connection) set(name, state string, strike Strike) string {
	m := c.memberOf(name)
	if m == nil || m.marked {
		return "No such server."
	}
	if strike == Lies {
		return ""
	}
	f := c.fleet
	f.checkLock("set "+name+" to "+state, c.owner, f.place(m.server, m.app))
	f.act("set "+name+" to "+state+" at "+c.name, c.name, []server{{m.app, m.server}}, func() {
		f.setOut(m, state != "ready")
		m.maint = state == "maint"
	})
	return ""
}

// stat is `show stat BACKEND 4 -1`.
func (c *connection) stat(backend string) string {
	f := c.fleet
	var b strings.Builder
	b.WriteString("# pxname,svname,qcur,scur,status,throttle,check_status,check_desc\n")
	for _, m := range c.backend(backend) {
		scur := 0
		if f.inFlight(m) || f.reaches(m) {
			scur = 1
		}
		fmt.Fprintf(&b, "%s,%s,0,%d,%s,,L7OK,ok\n", backend, m.point.Member, scur, f.statusOf(m))
	}
	return b.String()
}

// statusOf is what HAProxy calls a member's state.
func (f *Fleet) statusOf(m *member) string {
	if !f.inFlight(m) && f.isOut(m) {
		m.empty = f.now()
	}
	switch {
	case m.maint:
		return "MAINT"
	case m.marked && f.isOut(m) && !f.reaches(m):
		return "DOWN"
	case m.out && f.up(m):
		return "DRAIN"
	case f.up(m) && f.now().Sub(m.back) >= f.pace.See:
		return "UP"
	case f.up(m) && m.marked && f.isOut(m):
		return "UP"
	case f.up(m):
		return "UP 1/2"
	}
	return "DOWN"
}

// serversState is `show servers state BACKEND`.
func (c *connection) serversState(backend string) string {
	var b strings.Builder
	b.WriteString("1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n")
	for i, m := range c.backend(backend) {
		admin := 0
		if m.maint {
			admin |= 1
		}
		if m.out {
			admin |= 8
		}
		fmt.Fprintf(&b, "3 %s %d %s 10.0.0.%d 2 %d 1\n", backend, i+1, m.point.Member, i+1, admin)
	}
	return b.String()
}

// backend lists the members of a backend of the connection's host, by name.
func (c *connection) backend(name string) []*member {
	byName := map[string]*member{}
	for k, m := range c.fleet.members {
		if k.proxy == c.name && k.backend == name {
			byName[k.member] = m
		}
	}
	var out []*member
	for _, n := range sortedKeys(byName) {
		out = append(out, byName[n])
	}
	return out
}

// Dial implements host.Host: a runtime socket that takes one command, or the port of an app.
func (c *connection) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	strike, err := c.strikes(ctx, "dial", addr, network == "unix")
	if err != nil {
		return nil, c.unknown("dialling", err)
	}
	switch strike {
	case CutFirst, StepFails:
		return nil, c.unknown("dialling "+addr, errCut)
	case HangFirst:
		return nil, c.hang(ctx, "dialling "+addr, queryTime)
	}
	if network == "unix" {
		near, far := net.Pipe()
		go c.serveRuntime(far, strike)
		return near, nil
	}
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	app, server, ok := c.listens(addr)
	if !ok {
		return nil, c.strange("dial", addr)
	}
	if !c.fleet.answers(app, server) {
		return nil, &host.Error{Host: c.name, Kind: host.Forwarding, Doing: "dialling " + addr, Err: errors.New("connection refused")}
	}
	near, far := net.Pipe()
	go serveHTTP(far)
	return near, nil
}

// serveRuntime takes one command and answers it. CutLast and HangLast do it and don't answer.
func (c *connection) serveRuntime(conn net.Conn, strike Strike) {
	defer func() { _ = conn.Close() }()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	c.fleet.mu.Lock()
	answer, ok := c.runtime(line, strike)
	if !ok {
		_ = c.strange("command", line)
	}
	c.fleet.mu.Unlock()
	switch strike {
	case CutLast:
		return
	case HangLast:
		_, _ = io.Copy(io.Discard, conn) // until the other side gives up
		return
	}
	_, _ = io.WriteString(conn, answer)
}

// listens tells which app answers at an address, and on which server: its own, or the one that a pair's proxy is in front of.
func (c *connection) listens(addr string) (app, server string, ok bool) {
	for _, name := range sortedKeys(c.fleet.apps) {
		a := c.fleet.apps[name]
		if t := a.Topology.Pairs; t != nil && t.Through != nil && addressOf(*t.Through) == addr {
			if s := c.fleet.behind(name, c.name); s != "" {
				return name, s, true
			}
		}
		for _, check := range a.Probes {
			if addressOf(check) == addr && c.fleet.place(c.name, name) != nil {
				return name, c.name, true
			}
		}
	}
	return "", "", false
}
