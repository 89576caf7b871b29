package model

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// Query implements host.Reader. Each query of the engine is told by a line that only it has.
func (c *connection) Query(ctx context.Context, q host.Query) (host.Output, error) {
	if err := c.before(ctx, "query", queryName(q)); err != nil {
		return host.Output{}, err
	}
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	args := q.Args()
	switch queryName(q) {
	case "facts":
		return c.facts(q.As(), q.Text(), args)
	case "sudo":
		return host.Output{Stdout: []byte("end\n")}, nil
	case "owns":
		var out strings.Builder
		for _, root := range args {
			out.WriteString(c.lockOf(root) + "\n")
		}
		return host.Output{Stdout: []byte(out.String())}, nil
	case "lock":
		return host.Output{Stdout: []byte(c.lockLines(args[0]))}, nil
	case "steps":
		return host.Output{Stdout: []byte(c.logLines(args[0], args[1]))}, nil
	case "runs":
		return c.runs(args[0]), nil
	case "diff":
		if p := c.placeAt(args[0]); p != nil {
			return host.Output{Stdout: []byte(p.diffLines(args[1:]))}, nil
		}
	case "log":
		return host.Output{}, nil
	case "marker":
		return c.markerThere(args[0]), nil
	case "writable":
		return host.Output{}, nil
	case "command":
		return c.command(args)
	}
	return host.Output{}, c.strange("query", q.Text())
}

// queryName tells the engine's queries apart.
func queryName(q host.Query) string {
	for _, known := range []struct{ part, name string }{
		{`put home "$HOME"`, "facts"},
		{"sudo -n -l systemctl", "sudo"},
		{`head -n 1 "$root/.trikk/lock.info" 2>/dev/null || echo`, "owns"},
		{`echo "held $info"`, "lock"},
		{`grep -e "^$2 " -- "$root/.trikk/log"`, "steps"},
		{`echo "process $pid runs in`, "runs"},
		{`echo "last lines of $log:"`, "log"},
		{`show "$root/releases/$1/.trikk/generated/$2"`, "diff"},
		{"echo present; exit 0", "marker"},
		{`may not write to $d"; exit 1`, "writable"},
		{`exec env "$@" sh -c "$trikk_command"`, "command"},
	} {
		if strings.Contains(q.Text(), known.part) {
			return known.name
		}
	}
	return ""
}

// placeAt is the app whose root is at a path.
func (c *connection) placeAt(root string) *place {
	for _, p := range c.fleet.hosts[c.name].places {
		if p.root == root {
			return p
		}
	}
	return nil
}

func (c *connection) lockOf(root string) string {
	if p := c.placeAt(root); p != nil {
		return p.lock
	}
	return ""
}

func (c *connection) lockLines(root string) string {
	var b strings.Builder
	if p := c.placeAt(root); p != nil {
		if p.lock != "" {
			b.WriteString("held " + p.lock + "\n")
		}
		if p.cut != "" {
			b.WriteString("cut " + p.cut + "\n")
		}
	}
	return b.String() + "end\n"
}

// logLines is what the step log has of a run, and its last line.
func (c *connection) logLines(root, run string) string {
	p := c.placeAt(root)
	if p == nil || len(p.log) == 0 {
		return ""
	}
	var b strings.Builder
	for _, line := range p.log {
		if strings.HasPrefix(line, run+" ") {
			b.WriteString(line + "\n")
		}
	}
	return b.String() + "last " + p.log[len(p.log)-1] + "\n"
}

// runs answers which release the process works in: only processes that trikk starts have a pid file.
func (c *connection) runs(root string) host.Output {
	p := c.placeAt(root)
	if p == nil || c.fleet.apps[p.app].Service.Process == nil {
		return host.Output{}
	}
	if alive := p.alive(c.fleet.now()); alive != "" && alive != p.current {
		return host.Output{Stdout: []byte(fmt.Sprintf("process 4711 runs in %s/releases/%s, not in %s\n", p.root, alive, p.current)), Exit: 1}
	}
	return host.Output{}
}

func (c *connection) markerThere(file string) host.Output {
	there := c.fleet.hosts[c.name].files[file]
	for name, p := range c.fleet.hosts[c.name].places {
		app := c.fleet.apps[name]
		there = there || app.Marker != "" && file == p.root+"/shared/"+app.Marker && p.marked[app.Marker]
	}
	if there {
		return host.Output{Stdout: []byte("present\n")}
	}
	return host.Output{Stdout: []byte("absent\n")}
}

// command runs a command of the config that only reads: is a member drained, is it admitted, does the app run, is it healthy.
func (c *connection) command(args []string) (host.Output, error) {
	f := c.fleet
	vars := map[string]string{}
	for _, pair := range args[2:] {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	if m := f.members[memberKey{c.name, vars["BACKEND"], vars["MEMBER"]}]; m != nil && m.point.Driver.Command != nil {
		switch conf := m.point.Driver.Command; args[1] {
		case conf.IsDrained:
			f.statusOf(m)
			return yes(f.isOut(m) && !f.inFlight(m)), nil
		case conf.IsAdmitted:
			return yes(f.sends(m)), nil
		}
	}
	if p := f.place(c.name, vars["TRIKK_APP"]); p != nil {
		app := f.apps[p.app]
		if s := app.Service.Commands; s != nil && vars["TRIKK_COMMAND"] == s.Status {
			return yes(p.alive(f.now()) != ""), nil
		}
		for _, check := range app.Probes {
			if check.Exec != nil && check.Exec.Command == vars["TRIKK_COMMAND"] {
				return yes(f.answers(p.app, c.name)), nil
			}
		}
	}
	return host.Output{}, c.strange("command", strings.Join(args, " "))
}

func yes(is bool) host.Output {
	if is {
		return host.Output{}
	}
	return host.Output{Exit: 1}
}

// facts is the output of the facts script for the apps that its arguments name.
func (c *connection) facts(as, text string, args []string) (host.Output, error) {
	width, err := strconv.Atoi(lineAfter(strings.ReplaceAll(text, "\n\t", "\n"), "shift "))
	if err != nil || width < 6 || len(args)%width != 0 {
		return host.Output{}, c.strange("query", text)
	}
	var b strings.Builder
	put := func(key string, fields ...string) {
		b.WriteString(key)
		for _, f := range fields {
			b.WriteString(" " + encoded(f))
		}
		b.WriteString("\n")
	}
	put("user", orElse(as, "deploy"), "1000")
	put("home", "/home/"+orElse(as, "deploy"))
	for _, tool := range []string{"unzip", "tar", "gzip", "xz", "zstd", "curl", "sha256sum", "sha512sum", "sha1sum", "flock", "timeout", "setsid", "base64", "readlink", "stat"} {
		put("tool", tool)
	}
	for ; len(args) > 0; args = args[width:] {
		p := c.fleet.place(c.name, args[0])
		if p == nil || p.root != args[1] {
			return host.Output{}, c.strange("query", strings.Join(args[:width], " "))
		}
		put("app", args[0])
		put("root", p.root, p.root)
		c.placeFacts(put, p, args[4])
	}
	put("end")
	return host.Output{Stdout: []byte(b.String())}, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// placeFacts writes the lines of one app.
func (c *connection) placeFacts(put func(string, ...string), p *place, kind string) {
	if p.current != "" {
		put("current", "releases/"+p.current, p.root+"/releases/"+p.current)
	}
	for _, name := range sortedKeys(p.releases) {
		put("release", name)
		if p.releases[name].complete {
			put("manifest " + manifestText(p.releases[name].manifest))
			for _, path := range p.releases[name].edited() {
				put("edited", path)
			}
		}
	}
	for _, name := range sortedKeys(p.good) {
		put("good", name, p.good[name])
	}
	for _, name := range sortedKeys(p.cached) {
		put("cached", name)
	}
	for _, name := range sortedKeys(p.used) {
		put("used", name)
	}
	if marker := c.fleet.apps[p.app].Marker; marker != "" && p.marked[marker] {
		put("marked")
	}
	if p.linked != "" {
		put("linked", p.linked)
	}
	if p.trial != "" {
		put("trial", p.trial)
	}
	if p.lock != "" {
		put("lock", "held", p.lock)
	}
	if p.cut != "" {
		put("cut", p.cut)
	}
	if n := len(p.log); n > 0 {
		put("logged", p.log[n-1])
	}
	alive := p.alive(c.fleet.now())
	switch {
	case kind == "none":
	case kind == "commands":
		if alive != "" {
			put("found", p.root+"/releases/"+alive)
		}
	case alive == "":
		put("service", "inactive")
	default:
		put("service", "active")
		put("cwd", p.root+"/releases/"+alive)
	}
}

// encoded is a field as the facts script writes it.
func encoded(field string) string {
	if field == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(field) {
		if c := field[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._/:@+=,-", c) >= 0
}

func manifestText(m plan.Manifest) string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and maps of strings can always be written
	}
	return string(text)
}
