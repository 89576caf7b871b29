package proxy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/plan"
)

// errNoBackend: the answer says that there is no such backend.
var errNoBackend = errors.New("no such backend")

// Bits of srv_admin_state that hold a server out of rotation (management guide, `show servers state`). Bit 0x04 only says
// that the configuration began with `disabled`; it stays after `ready`.
const (
	maintenance = 0x01 | 0x02 | 0x20
	heldOut     = maintenance | 0x08 | 0x10
)

// haproxyRow is what HAProxy says of one server.
type haproxyRow struct {
	backend  string
	server   string
	status   string // "UP", "UP 1/3", "DOWN", "DRAIN", "MAINT (via app/b1)", "no check", …
	inFlight int    // sessions and queue
	answered int    // answers of HTTP that began
	throttle string // percent, while slowstart ramps up
	check    string // what the last check said
	admin    uint64
	idle     bool // its weight was set to 0
	checked  bool // a health check asks it, or will when its maintenance ends
	sticks   bool // clients may stick to it: it has a cookie, or its backend a table

	address string        // HOST:PORT; "": not known
	since   time.Duration // of its last change
	old     int           // connections to it that a process may have which was replaced
}

// state puts the row into the words of facts. Exactly UP counts as settled, and `no check`, which says nothing; UP 1/3 is
// a server whose check fails or was not made yet. slowstart is UP with less than its share: that is enough. A server of
// weight 0 is UP and gets nothing; no drain of ours did that, and `ready` does not end it. DRAIN and NOLB keep only new clients
// away: where clients stick, requests go on.
func (r haproxyRow) state() State {
	s := State{Rotation: plan.RotationUnknown, InFlight: r.inFlight, Answered: r.answered, Detail: r.detail()}
	word, _, _ := strings.Cut(r.status, " ")
	switch {
	case r.admin&heldOut != 0, word == "DRAIN", word == "MAINT":
		s.Rotation, s.Settled = plan.RotationOut, !r.leaks()
	case r.idle && (word == "UP" || r.status == "no check"):
		s.Rotation, s.Settled = plan.RotationHeld, true
	case r.status == "UP", r.status == "no check":
		s.Rotation, s.Settled = plan.RotationIn, true
	case word == "UP":
		s.Rotation = plan.RotationIn
	case word == "DOWN":
		s.Rotation, s.Settled = plan.RotationDown, true
	case word == "NOLB":
		s.Rotation, s.Settled = plan.RotationDown, !r.leaks()
	}
	if r.old > 0 {
		s.Hidden = max(r.since, 1)
	}
	return s
}

// mayBeEmpty tells whether the server gets no new requests, so that it matters whether any are in flight.
func (r haproxyRow) mayBeEmpty() bool {
	switch r.state().Rotation {
	case plan.RotationOut, plan.RotationDown:
		return true
	}
	return false
}

// leaks tells whether clients that stick to the server get there, or will as soon as its check passes.
func (r haproxyRow) leaks() bool { return r.sticks && r.lets() }

// lets tells whether the server is held out in a way that lets clients in which stick to it.
func (r haproxyRow) lets() bool {
	word, _, _ := strings.Cut(r.status, " ")
	return !r.shut() && (r.admin&heldOut != 0 || word == "DRAIN" || word == "NOLB")
}

// shut tells whether the server is in maintenance, where nobody gets through.
func (r haproxyRow) shut() bool {
	return r.admin&maintenance != 0 || strings.HasPrefix(r.status, "MAINT")
}

func (r haproxyRow) detail() string {
	out := fmt.Sprintf("status %s, %d in flight", r.status, r.inFlight)
	if r.throttle != "" && r.throttle != "100" {
		out += ", slowstart at " + strings.TrimSuffix(r.throttle, "%") + "%"
	}
	if r.idle {
		out += ", weight 0"
	}
	if r.leaks() {
		out += ", open to clients that stick to it"
	}
	if r.old > 0 {
		out += fmt.Sprintf(", %d connections that a process may have which was replaced by a reload", r.old)
	}
	if r.check != "" && !strings.HasPrefix(r.status, "UP") {
		out += ", check: " + r.check
	}
	return out
}

// parseHAProxy reads the answer to `show stat BACKEND 4 -1;show servers state BACKEND`, whatever stands behind it.
func parseHAProxy(answer []byte) ([]haproxyRow, error) {
	text := string(answer)
	if strings.HasPrefix(text, "No such proxy") || strings.Contains(text, "\nCan't find backend") || strings.HasPrefix(text, "Can't find backend") {
		return nil, errNoBackend
	}
	stat, err := statTable(text)
	if err != nil {
		return nil, err
	}
	admin, err := adminStates(text)
	if err != nil {
		return nil, err
	}
	var out []haproxyRow
	for _, cells := range stat {
		row, err := newRow(cells, admin)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// newRow makes a row of the cells of `show stat` and the admin states of all servers.
func newRow(cells map[string]string, admin map[string]adminRow) (haproxyRow, error) {
	row := haproxyRow{backend: cells["pxname"], server: cells["svname"], status: strings.TrimSpace(cells["status"]), throttle: cells["throttle"], check: lastCheck(cells), sticks: cells["cookie"] != ""}
	for _, column := range []string{"scur", "qcur"} {
		n, err := strconv.Atoi(cells[column])
		if err != nil || n < 0 {
			return row, fmt.Errorf("column %s of %s in `show stat` is %q, not a count", column, row.server, cells[column])
		}
		row.inFlight += n
	}
	for _, column := range []string{"hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"} {
		n, _ := strconv.Atoi(cells[column]) // empty where the backend is not of HTTP
		row.answered += n
	}
	state, ok := admin[cells["pxname"]+"/"+row.server]
	if !ok {
		return row, fmt.Errorf("`show servers state` lacks %s", row.server)
	}
	row.admin, row.idle, row.checked, row.address = state.held, state.idle, state.checked, state.address
	if n, err := strconv.Atoi(cells["lastchg"]); err == nil {
		row.since = time.Duration(n) * time.Second
	}
	return row, nil
}

func lastCheck(cells map[string]string) string {
	status := strings.TrimPrefix(cells["check_status"], "* ") // a check is under way (HAProxy management guide, 9.1)
	return strings.TrimSpace(status + " " + cells["check_desc"])
}

// statTable reads the CSV of `show stat`: the lines from the header to the first empty one, by column name.
func statTable(text string) ([]map[string]string, error) {
	lines := block(text, "# pxname,")
	if lines == nil {
		return nil, fmt.Errorf("the answer holds no `show stat` table: %q", firstLine(strings.TrimSpace(text)))
	}
	r := csv.NewReader(strings.NewReader(strings.Join(lines, "\n")))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("parsing `show stat`: %w", err)
	}
	header := records[0]
	header[0] = strings.TrimPrefix(header[0], "# ")
	var out []map[string]string
	for _, record := range records[1:] {
		out = append(out, byName(header, record))
	}
	return out, nil
}

// adminRow is what `show servers state` says of one server.
type adminRow struct {
	held    uint64 // srv_admin_state
	idle    bool   // srv_uweight is 0
	checked bool   // srv_check_state has the bit of a check that is on
	address string // srv_addr and srv_port; "": it has none now
}

// checkOn is the bit of srv_check_state.
const checkOn = 0x04

// adminStates reads srv_admin_state, srv_uweight, srv_check_state and the address of `show servers state`, by BACKEND/SERVER.
func adminStates(text string) (map[string]adminRow, error) {
	lines := block(text, "# be_id ")
	if lines == nil {
		return nil, errors.New("the answer holds no `show servers state` table")
	}
	header := strings.Fields(strings.TrimPrefix(lines[0], "# "))
	out := map[string]adminRow{}
	for _, line := range lines[1:] {
		cells := byName(header, strings.Fields(line))
		state, err := strconv.ParseUint(cells["srv_admin_state"], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("srv_admin_state of %s in `show servers state` is %q, not a number", cells["srv_name"], cells["srv_admin_state"])
		}
		check, _ := strconv.ParseUint(cells["srv_check_state"], 10, 16) // where it is missing, nothing is known of checks
		out[cells["be_name"]+"/"+cells["srv_name"]] = adminRow{state, cells["srv_uweight"] == "0", check&checkOn != 0, addressIn(cells)}
	}
	return out, nil
}

// addressIn is HOST:PORT of a server; "" where it has no address of IP.
func addressIn(cells map[string]string) string {
	ip, err := netip.ParseAddr(cells["srv_addr"])
	if port := cells["srv_port"]; err == nil && port != "" && port != "0" {
		return net.JoinHostPort(ip.String(), port)
	}
	return ""
}

// block gives the lines from the one that starts with head to the next empty one; nil without such a line.
func block(text, head string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case out == nil && strings.HasPrefix(line, head):
			out = []string{line}
		case out != nil && line == "":
			return out
		case out != nil:
			out = append(out, line)
		}
	}
	return out
}

func byName(header, cells []string) map[string]string {
	out := make(map[string]string, len(header))
	for i, h := range header {
		if i < len(cells) {
			out[h] = cells[i]
		}
	}
	return out
}

// backendNames lists the backends of a `show stat`.
func backendNames(answer []byte) []string {
	rows, err := statTable(string(answer))
	if err != nil {
		return nil
	}
	var out []string
	for _, r := range rows {
		out = append(out, r["pxname"])
	}
	return out
}
