package survey

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// Process is one process of one server.
type Process struct {
	Host    string
	PID     int
	Parent  int
	User    string // its number where it has no name there
	App     string // "": none of the environment's apps
	Release string // of the app; "": not known
	State   string // one letter, as in /proc/PID/stat
	Ran     time.Duration
	CPU     time.Duration // used since it was started, all threads
	RSS     int64         // bytes in memory
	Swap    int64         // bytes in swap
	Command string        // arguments separated by spaces, as they are; [name] where a process has none
}

// Load is the share of one core that a process used since it was started, in percent.
func (p Process) Load() float64 {
	if p.Ran <= 0 {
		return 0
	}
	return 100 * float64(p.CPU) / float64(p.Ran)
}

// Running is what one server runs, by process ID; kernel threads and the processes of the survey itself are left out.
type Running struct {
	Host      string
	Processes []Process
	// Hidden: other users' processes can't be seen there, because /proc is mounted with hidepid.
	Hidden bool
	Err    error
}

// Processes reads what the hosts of an environment run, at most that many hosts at once. apps are all of the environment: a process
// belongs to the one that it works in or has in its arguments, else to the one whose unit, pid file or other process it comes from, else to
// the only one of its user.
func Processes(ctx context.Context, rs Readers, env plan.Environment, apps []plan.App, hosts []string, most int) []Running {
	out := make([]Running, len(hosts))
	each(hosts, most, func(i int, name string) { out[i] = runningOn(ctx, rs, env, appsOn(apps, name), name) })
	return out
}

func appsOn(apps []plan.App, name string) []plan.App {
	return slices.DeleteFunc(slices.Clone(apps), func(a plan.App) bool { return !slices.Contains(a.Hosts(), name) })
}

func runningOn(ctx context.Context, rs Readers, env plan.Environment, apps []plan.App, name string) Running {
	r := Running{Host: name}
	reader, err := rs.Reader(ctx, name)
	if err != nil {
		r.Err = err
		return r
	}
	out, err := reader.Query(ctx, host.NewQuery("", processScript, processArgs(env, apps, name)...))
	if err != nil {
		r.Err = err
		return r
	}
	seen, err := parseProcesses(out.Stdout)
	if err != nil {
		r.Err = &host.Error{Host: name, Kind: host.Protocol, Doing: "reading processes", Output: string(out.Stdout), Err: err, Hint: "GNU grep and coreutils are needed there"}
		return r
	}
	r.Processes, r.Hidden = seen.processes(name, owners(env, apps, name, seen)), seen.hidden()
	return r
}

func processArgs(env plan.Environment, apps []plan.App, name string) []string {
	var users, args []string
	for i, a := range apps {
		as := a.As(env, name)
		if as != "" && !slices.Contains(users, as) {
			users = append(users, as)
		}
		args = append(args, as, strconv.Itoa(i), a.Layout.Root, a.Name)
	}
	slices.Sort(users)
	return append([]string{strings.Join(users, " ")}, args...)
}

// processes are the user's processes with their owners, by ID.
func (s seen) processes(name string, o []owner) []Process {
	own := s.own()
	found := map[int]belonging{}
	for id := range s.stats {
		found[id] = s.direct(o, id)
	}
	var out []Process
	for id, st := range s.stats {
		status, known := s.status[id]
		if !known || st.kernel || own != 0 && st.group == own {
			continue
		}
		b := s.belongs(o, found, id)
		out = append(out, Process{
			Host: name, PID: id, Parent: st.parent, User: s.userName(status.uid), App: b.app, Release: b.release, State: st.state,
			Ran: max(0, s.uptime-st.started), CPU: st.cpu, RSS: status.rss, Swap: status.swap, Command: s.command(id),
		})
	}
	slices.SortFunc(out, func(a, b Process) int { return a.PID - b.PID })
	return out
}

// own is the process group of the survey's own shell on the server.
func (s seen) own() int { return s.stats[s.self].group }

// hidden: everybody sees process 1, unless others' processes are hidden.
func (s seen) hidden() bool {
	_, first := s.stats[1]
	return !first
}

func (s seen) command(id int) string {
	args := s.args[id]
	for len(args) > 0 && args[len(args)-1] == "" {
		args = args[:len(args)-1]
	}
	if len(args) == 0 {
		return "[" + s.stats[id].name + "]"
	}
	return strings.Join(args, " ")
}

func (s seen) userName(uid string) string {
	if u, ok := s.users[uid]; ok {
		return u.name
	}
	return uid
}

// Sort sorts processes by swap, rss or cpu, the largest first; then by memory, host and process ID.
func Sort(all []Process, by string) error {
	key := map[string]func(Process) float64{
		"swap": func(p Process) float64 { return float64(p.Swap) },
		"rss":  func(p Process) float64 { return float64(p.RSS) },
		"cpu":  Process.Load,
	}[by]
	if key == nil {
		return fmt.Errorf("%q is none of swap, rss and cpu", by)
	}
	slices.SortFunc(all, func(a, b Process) int {
		for _, k := range []func(Process) float64{key, func(p Process) float64 { return float64(p.RSS) }} {
			if x, y := k(a), k(b); x != y {
				if x > y {
					return -1
				}
				return 1
			}
		}
		if a.Host != b.Host {
			return strings.Compare(a.Host, b.Host)
		}
		return a.PID - b.PID
	})
	return nil
}
