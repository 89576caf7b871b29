package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// haproxy drives HAProxy 2.0 or later through its runtime API (management guide, 9.3).
//
// Every look and every change is a connection of its own. After a reload an open connection stays with the process that
// was replaced, which goes on saying that the server is drained: only a new connection asks the process that serves.
type haproxy struct{ socket, stateFile string }

var (
	_ Driver = haproxy{}
	_ forcer = haproxy{}
)

// State reads the server's row of `show stat` and of `show servers state`.
func (h haproxy) State(ctx context.Context, rs Readers, p plan.Point) (State, error) {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return State{}, err
	}
	s, err := readHAProxy(ctx, runtimeAPI{p.Proxy, h.socket}, r, p)
	if err != nil {
		return State{}, err
	}
	return s.state(), nil
}

// readHAProxy reads one member's row over a runtime socket.
func readHAProxy(ctx context.Context, api runtimeAPI, r host.Reader, p plan.Point) (haproxyRow, error) {
	if err := checkNames(p); err != nil {
		return haproxyRow{}, err
	}
	q, err := host.NewQuestion("show stat %s 4 -1;show servers state %s;show info\n", p.Backend, p.Backend)
	if err != nil {
		return haproxyRow{}, stop(err)
	}
	rows, process, err := memberRows(ctx, api, r, p, q)
	if err == nil && len(rows) == 0 {
		// A frontend of the same name stands before the backend: only the table of all shows its servers.
		if q, err = host.NewQuestion("show stat -1 4 -1;show servers state;show info\n"); err == nil {
			rows, process, err = memberRows(ctx, api, r, p, q)
		}
	}
	if errors.Is(err, errNoBackend) {
		return haproxyRow{}, noBackend(ctx, api, r, p)
	}
	if err != nil {
		return haproxyRow{}, err
	}
	i := slices.IndexFunc(rows, func(row haproxyRow) bool { return row.server == p.Member })
	if i >= 0 {
		return withTable(ctx, api, r, rows[i]).withOld(ctx, r, process), nil
	}
	var names []string
	for _, row := range rows {
		names = append(names, row.server)
	}
	return haproxyRow{}, stop(fmt.Errorf("haproxy on %s has no server %q in backend %q%s", api.host, p.Member, p.Backend, suggest(p.Member, names)))
}

// withTable notes whether the backend of a drained server has a table that clients stick by. HAProxy shows cookies to who may change
// servers, and does not show what a table is for: one that is for something else makes a drain no worse.
func withTable(ctx context.Context, api runtimeAPI, r host.Reader, row haproxyRow) haproxyRow {
	if row.sticks || !row.lets() {
		return row
	}
	q, err := host.NewQuestion("show table\n")
	if err != nil {
		return row
	}
	if answer, err := api.ask(ctx, r, q); err == nil {
		row.sticks = strings.Contains(string(answer), "# table: "+row.backend+",")
	}
	return row
}

// memberRows asks for both tables and gives the rows of the point's backend, and the process that answered.
func memberRows(ctx context.Context, api runtimeAPI, r host.Reader, p plan.Point, q host.Question) ([]haproxyRow, haproxyProcess, error) {
	answer, err := api.ask(ctx, r, q)
	if err != nil {
		return nil, haproxyProcess{}, err
	}
	rows, err := parseHAProxy(answer)
	if err != nil {
		return nil, haproxyProcess{}, fmt.Errorf("asking haproxy on %s: %w", api.host, err)
	}
	return slices.DeleteFunc(rows, func(row haproxyRow) bool { return row.backend != p.Backend }), processOf(answer), nil
}

// noBackend is the error for a backend that HAProxy doesn't know, with the ones it knows.
func noBackend(ctx context.Context, api runtimeAPI, r host.Reader, p plan.Point) error {
	var names []string
	if q, err := host.NewQuestion("show stat -1 2 -1\n"); err == nil {
		if answer, err := api.ask(ctx, r, q); err == nil {
			names = backendNames(answer)
		}
	}
	return stop(fmt.Errorf("haproxy on %s has no backend %q%s", api.host, p.Backend, suggest(p.Backend, names)))
}

// checkNames refuses names that HAProxy can't have, so that none of them can be read as a part of a command.
func checkNames(p plan.Point) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"
	for what, s := range map[string]string{"backend": p.Backend, "member": p.Member} {
		if s == "" || strings.Trim(s, letters) != "" {
			return stop(fmt.Errorf("the %s %q is no name that haproxy can have: letters, digits, - _ . and : only", what, s))
		}
	}
	return nil
}

// Preflight reads the member, whether the socket is of level admin, and whether a reload could keep drains that is to keep them.
func (h haproxy) Preflight(ctx context.Context, rs Readers, p plan.Point) error {
	r, err := rs.Reader(ctx, p.Proxy)
	if err != nil {
		return err
	}
	api := runtimeAPI{p.Proxy, h.socket}
	if _, err := readHAProxy(ctx, api, r, p); err != nil {
		return err
	}
	q, err := host.NewQuestion("show cli level\n")
	if err != nil {
		return err
	}
	answer, err := api.ask(ctx, r, q)
	if err != nil {
		return err
	}
	switch level := strings.TrimSpace(string(answer)); level {
	case "user", "operator":
		return api.notAdmin("of level " + level)
	}
	return h.keepsState(ctx, api, r)
}

// Out stops new requests, except those of clients that stick to the server; checks go on.
func (h haproxy) Out(ctx context.Context, hs Hosts, p plan.Point) error {
	return h.set(ctx, hs, p, "set server %s/%s state drain")
}

// Force stops the requests of sticky clients too.
func (h haproxy) Force(ctx context.Context, hs Hosts, p plan.Point) error {
	return h.set(ctx, hs, p, "set server %s/%s state maint")
}

// Cut ends the requests in flight.
func (h haproxy) Cut(ctx context.Context, hs Hosts, p plan.Point) error {
	return h.set(ctx, hs, p, "shutdown sessions server %s/%s")
}

// In ends a drain and a maintenance, also one that the configuration starts with (`disabled`). No check is made in maintenance, and
// HAProxy would send traffic at once, even to a dead app: a server that has a check waits for it. One that still answers a request
// lives, and takes it on.
func (h haproxy) In(ctx context.Context, hs Hosts, p plan.Point) error {
	r, err := hs.Host(ctx, p.Proxy)
	if err != nil {
		return err
	}
	row, err := readHAProxy(ctx, runtimeAPI{p.Proxy, h.socket}, r, p)
	if err != nil {
		return err
	}
	if row.checked && row.shut() && row.inFlight == 0 {
		return h.set(ctx, hs, p, "set server %[1]s/%[2]s state ready;set server %[1]s/%[2]s health down")
	}
	return h.set(ctx, hs, p, "set server %s/%s state ready")
}

// set sends one command about the member. Silence is success, as far as the answer goes.
func (h haproxy) set(ctx context.Context, hs Hosts, p plan.Point, format string) error {
	if err := checkNames(p); err != nil {
		return err
	}
	on, err := hs.Host(ctx, p.Proxy)
	if err != nil {
		return err
	}
	api := runtimeAPI{p.Proxy, h.socket}
	command := fmt.Sprintf(format, p.Backend, p.Member)
	answer, err := api.tell(ctx, on, command)
	if err != nil {
		return err
	}
	said := strings.TrimSpace(answer)
	switch {
	case said == "":
		return nil
	case strings.Contains(said, "Permission denied"):
		return api.notAdmin("below level admin")
	case strings.HasPrefix(said, "No such"):
		return stop(fmt.Errorf("haproxy on %s answers %q to %q", p.Proxy, said, command))
	}
	return fmt.Errorf("haproxy on %s answers %q to %q", p.Proxy, firstLine(said), command)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
