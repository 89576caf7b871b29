package survey

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"
)

// seen is what processScript said.
type seen struct {
	self    int // process ID of its shell
	uptime  time.Duration
	ticks   int64           // a second
	users   map[string]user // by number
	roots   map[int]string  // by the app's number
	leaders map[int]int     // process ID by the app's number
	cwd     map[int]string
	unit    map[int]string // control group, where a service is in it
	status  map[int]status
	stats   map[int]stat
	args    map[int][]string
}

type user struct{ name, home string }

// status is of /proc/PID/status.
type status struct {
	uid       string
	rss, swap int64 // bytes
}

// stat is of /proc/PID/stat.
type stat struct {
	name, state   string
	parent, group int
	kernel        bool
	cpu, started  time.Duration // started: after the boot
}

var (
	errCut         = errors.New("the answer is not whole")
	errNoProcesses = errors.New("no process can be read there")
)

func parseProcesses(out []byte) (seen, error) {
	s := seen{
		ticks: 100, users: map[string]user{}, roots: map[int]string{}, leaders: map[int]int{}, cwd: map[int]string{}, unit: map[int]string{},
		status: map[int]status{}, stats: map[int]stat{}, args: map[int][]string{},
	}
	head, records, found := bytes.Cut(out, []byte("\nrecords\n"))
	if !found || !bytes.HasSuffix(records, []byte("end\x00")) {
		return seen{}, errCut
	}
	for line := range strings.SplitSeq(string(head), "\n") {
		s.line(line)
	}
	for record := range strings.SplitSeq(string(records), "\x00") {
		s.record(record)
	}
	if len(s.stats) == 0 {
		return seen{}, errNoProcesses
	}
	return s, nil
}

// line takes one line of text. What it does not know is no process's business.
func (s *seen) line(line string) {
	key, rest, _ := strings.Cut(line, " ")
	switch {
	case key == "uptime":
		s.uptime = seconds(rest)
	case key == "ticks":
		if n, err := strconv.ParseInt(rest, 10, 64); err == nil && n > 0 {
			s.ticks = n
		}
	case key == "self":
		s.self, _ = strconv.Atoi(rest)
	case key == "user":
		s.user(rest)
	case key == "root":
		if n, path, ok := numbered(rest); ok {
			s.roots[n] = path
		}
	case key == "leader":
		if n, text, ok := numbered(rest); ok {
			s.leaders[n], _ = strconv.Atoi(text)
		}
	case strings.HasPrefix(line, "/proc/"):
		s.field(line)
	case strings.HasPrefix(line, "l"):
		s.link(line)
	}
}

func seconds(text string) time.Duration {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// numbered takes a number and the text behind it apart.
func numbered(text string) (int, string, bool) {
	digits, rest, ok := strings.Cut(text, " ")
	n, err := strconv.Atoi(digits)
	return n, rest, ok && err == nil
}

// user takes a line of passwd; of two names for one number the first counts.
func (s *seen) user(line string) {
	f := strings.Split(line, ":")
	if len(f) < 6 || f[0] == "" {
		return
	}
	if _, twice := s.users[f[2]]; !twice {
		s.users[f[2]] = user{name: f[0], home: f[5]}
	}
}

// link takes a line of ls about /proc/PID/cwd.
func (s *seen) link(line string) {
	_, rest, ok := strings.Cut(line, " /proc/")
	digits, target, found := strings.Cut(rest, "/cwd -> ")
	id, err := strconv.Atoi(digits)
	if ok && found && err == nil {
		s.cwd[id] = strings.TrimSuffix(unescaped(target), " (deleted)")
	}
}

// unescaped undoes ls -b.
func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		if i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		i++
		if at := strings.IndexByte("abfnrtv", text[i]); at >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v"[at])
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// place takes the beginning of a line or record that grep wrote apart: /proc/PID/FILE:TEXT.
func place(text string) (id int, file, rest string, ok bool) {
	text, ok = strings.CutPrefix(text, "/proc/")
	path, rest, colon := strings.Cut(text, ":")
	digits, file, slash := strings.Cut(path, "/")
	id, err := strconv.Atoi(digits)
	return id, file, rest, ok && colon && slash && err == nil
}

// field takes a line of /proc/PID/status or cgroup.
func (s *seen) field(line string) {
	id, file, rest, ok := place(line)
	if !ok {
		return
	}
	if file == "cgroup" {
		s.unit[id] = rest
		return
	}
	words := strings.Fields(rest)
	if file != "status" || len(words) < 2 {
		return
	}
	st := s.status[id]
	switch words[0] {
	case "Uid:":
		st.uid = words[min(2, len(words)-1)]
	case "VmRSS:":
		st.rss = kilobytes(words[1])
	case "VmSwap:":
		st.swap = kilobytes(words[1])
	}
	s.status[id] = st
}

func kilobytes(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n << 10
}

// record takes one argument of a process, or its stat.
func (s *seen) record(text string) {
	id, file, rest, ok := place(text)
	switch {
	case !ok:
	case file == "cmdline":
		s.args[id] = append(s.args[id], rest)
	case file == "stat":
		if st, ok := s.stat(rest); ok {
			s.stats[id] = st
		}
	}
}

// kernelThread is PF_KTHREAD of the kernel's flags.
const kernelThread = 0x00200000

// stat takes a process's stat apart. Its name can hold anything, parentheses too: it ends with the last one.
func (s *seen) stat(text string) (stat, bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return stat{}, false
	}
	f := strings.Fields(text[end+1:])
	if len(f) < 20 {
		return stat{}, false
	}
	n := func(i int) int64 {
		v, _ := strconv.ParseInt(f[i], 10, 64)
		return v
	}
	ticks := func(v int64) time.Duration {
		return time.Duration(float64(v) / float64(s.ticks) * float64(time.Second))
	}
	return stat{
		name: text[open+1 : end], state: f[0], parent: int(n(1)), group: int(n(2)), kernel: n(6)&kernelThread != 0,
		cpu: ticks(n(11) + n(12)), started: ticks(n(19)),
	}, true
}
