package proxy

import (
	"errors"
	"os"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHAProxyStates reads an answer of HAProxy 2.6 with one server in each state.
func TestHAProxyStates(t *testing.T) {
	rows, err := parseHAProxy(recorded(t, "haproxy-2.6.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		server   string
		rotation string
		settled  bool
		inFlight int
		detail   string
	}{
		{"up", plan.RotationIn, true, 0, "status UP, 0 in flight"},
		{"nocheck", plan.RotationIn, true, 0, "status no check, 0 in flight"},
		{"disabled", plan.RotationOut, true, 0, "status MAINT, 0 in flight"},
		{"readied", plan.RotationIn, true, 0, "status UP, 0 in flight"},
		{"fresh", plan.RotationIn, false, 0, "status UP 1/3, 0 in flight"},
		{"draining", plan.RotationOut, false, 2, "status DRAIN, 2 in flight, open to clients that stick to it, check: L7OK Layer7 check passed"},
		{"drained-dead", plan.RotationOut, true, 0, "status DOWN, 0 in flight, check: L4CON Layer4 connection problem"},
		{"dead", plan.RotationDown, true, 0, "status DOWN, 0 in flight, check: L4CON Layer4 connection problem"},
		{"marked", plan.RotationDown, true, 0, "status NOLB, 0 in flight, check: L7OKC Layer7 check conditionally passed"},
		{"maint", plan.RotationOut, true, 0, "status MAINT, 0 in flight"},
		{"tracking", plan.RotationOut, true, 0, "status MAINT (via app/maint), 0 in flight"},
		{"tracking-drain", plan.RotationOut, true, 0, "status DRAIN, 0 in flight"},
		{"weightless", plan.RotationHeld, true, 0, "status UP, 0 in flight, weight 0"},
		{"slow", plan.RotationIn, true, 0, "status UP, 0 in flight, slowstart at 7%"},
		{"unresolved", plan.RotationOut, true, 0, "status MAINT (resolution), 0 in flight"},
	}
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, w := range want {
		s := rows[i].state()
		got := State{Rotation: w.rotation, Settled: w.settled, InFlight: w.inFlight, Detail: w.detail}
		s.Answered = 0 // how many there were is in TestHAProxyAnswers
		if rows[i].server != w.server || s != got {
			t.Errorf("%s: %+v\nwant %s: %+v", rows[i].server, s, w.server, got)
		}
	}
}

const (
	statHead  = "# pxname,svname,qcur,scur,status,throttle,check_status,check_desc\n"
	adminHead = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n"
)

// TestHAProxyColumns: columns are found by name, the queue counts, and quoted cells may hold commas.
func TestHAProxyColumns(t *testing.T) {
	rows, err := parseHAProxy([]byte("# pxname,status,check_desc,check_status,throttle,scur,qcur,svname,new\napp,UP,\"a, b\",L7OK,,3,4,b1,x\n\n" + adminHead + "3 app 1 b1 10.0.0.1 2 0 1\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s := rows[0].state(); s.InFlight != 7 || s.Rotation != plan.RotationIn {
		t.Errorf("%+v", s)
	}
}

// TestHAProxyOddAnswers: an answer that isn't understood is an error, never a state.
func TestHAProxyOddAnswers(t *testing.T) {
	admin := adminHead + "3 app 1 b1 10.0.0.1 2 0 1\n\n"
	for what, c := range map[string]struct{ answer, want string }{
		"empty":             {"", "no `show stat` table"},
		"newline":           {"\n", "no `show stat` table"},
		"refused":           {"Permission denied\n\n", `"Permission denied"`},
		"html":              {"<html>\n<body>200 OK", "<html>"},
		"no admin states":   {statHead + "app,b1,0,0,UP,,,\n\n", "no `show servers state` table"},
		"server lacks":      {statHead + "app,b2,0,0,UP,,,\n\n" + admin, "lacks b2"},
		"no count":          {statHead + "app,b1,,,UP,,,\n\n" + admin, `scur of b1 in ` + "`show stat`" + ` is ""`},
		"negative count":    {statHead + "app,b1,0,-1,UP,,,\n\n" + admin, `is "-1"`},
		"cut in a row":      {statHead + "app,b1,0", `scur of b1`},
		"admin state, word": {statHead + "app,b1,0,0,UP,,,\n\n" + adminHead + "3 app 1 b1 10.0.0.1 2 ready 1\n\n", `is "ready"`},
	} {
		if _, err := parseHAProxy([]byte(c.answer)); err == nil || !strings.Contains(err.Error(), c.want) {
			// A cut row may fail at the admin states first; both name what is missing.
			if what == "cut in a row" && err != nil {
				continue
			}
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	for _, answer := range []string{"No such proxy.\n\nCan't find backend.\n\n", "\nCan't find backend.\n"} {
		if _, err := parseHAProxy([]byte(answer)); !errors.Is(err, errNoBackend) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// TestHAProxyUnknownStatus: a word that no version is known to say is no state to act on.
func TestHAProxyUnknownStatus(t *testing.T) {
	for status, want := range map[string]State{
		"STARTING":    {Rotation: plan.RotationUnknown, Detail: "status STARTING, 0 in flight"},
		"":            {Rotation: plan.RotationUnknown, Detail: "status , 0 in flight"},
		"DOWN 1/3":    {Rotation: plan.RotationDown, Settled: true, Detail: "status DOWN 1/3, 0 in flight"},
		"NOLB 1/2":    {Rotation: plan.RotationDown, Settled: true, Detail: "status NOLB 1/2, 0 in flight"},
		"DRAIN 1/2":   {Rotation: plan.RotationOut, Settled: true, Detail: "status DRAIN 1/2, 0 in flight"},
		"UPSIDE DOWN": {Rotation: plan.RotationUnknown, Detail: "status UPSIDE DOWN, 0 in flight"},
	} {
		if got := (haproxyRow{status: status}).state(); got != want {
			t.Errorf("%q: %+v, want %+v", status, got, want)
		}
	}
}

// TestHAProxySticky: clients that stick get to a server that is drained, or whose check says not to send more; maintenance keeps them
// away.
func TestHAProxySticky(t *testing.T) {
	for _, c := range []struct {
		status  string
		admin   uint64
		settled bool
	}{
		{"DRAIN", 8, false},
		{"DOWN", 8, false}, // until its check passes
		{"NOLB", 0, false},
		{"MAINT", 1, true},
		{"MAINT (via app/b2)", 2, true},
		{"DOWN", 0, true},
		{"UP", 0, true},
	} {
		for _, sticks := range []bool{true, false} {
			row := haproxyRow{status: c.status, admin: c.admin, sticks: sticks}
			if got := row.state().Settled; got != (c.settled || !sticks) {
				t.Errorf("%s, %d, sticky %v: settled %v", c.status, c.admin, sticks, got)
			}
		}
	}
}

// TestHAProxyAnswers: the answers of a server are counted, whatever their status.
func TestHAProxyAnswers(t *testing.T) {
	head := strings.TrimSpace(statHead) + ",hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other\n"
	for cells, want := range map[string]int{"1,20,300,4000,50000,600000": 654321, "0,7,0,0,0,": 7, ",,,,,": 0} {
		rows, err := parseHAProxy([]byte(head + "app,b1,0,0,UP,,,," + cells + "\n\n" + adminHead + "3 app 1 b1 10.0.0.1 2 0 1\n\n"))
		if err != nil || len(rows) != 1 || rows[0].state().Answered != want {
			t.Errorf("%s: %+v, %v", cells, rows, err)
		}
	}
}
