package survey

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
)

// statLine is /proc/PID/stat of a process without threads.
func statLine(id int, name, state string, parent, group int, flags, utime, started int64) string {
	return fmt.Sprintf("%d (%s) %s %d %d %d 0 -1 %d 0 0 0 0 %d 50 0 0 20 0 1 0 %d 1000 10 0\n", id, name, state, parent, group, group, flags, utime, started)
}

// answer is what processScript says: lines, then records.
func answer(lines []string, records ...string) []byte {
	return []byte(strings.Join(lines, "\n") + "\nrecords\n" + strings.Join(records, "\x00") + "\x00end\x00")
}

type proc struct {
	id, parent, group int
	uid               string
	args              []string
	cwd, cgroup       string
	name              string
}

// answerOf makes an answer of processes that each have 1 MiB in memory.
func answerOf(head []string, all ...proc) []byte {
	lines := append([]string{"uptime 1000.50", "ticks 100", "self 900"}, head...)
	var records []string
	all = append(all, proc{id: 900, parent: 899, group: 900, uid: "1000", args: []string{"/bin/sh", "-s"}})
	for _, p := range all {
		lines = append(lines, fmt.Sprintf("/proc/%d/status:Uid:\t0\t%s\t0\t0", p.id, p.uid), fmt.Sprintf("/proc/%d/status:VmRSS:\t    1024 kB", p.id))
		if p.cwd != "" {
			lines = append(lines, fmt.Sprintf("lrwxrwxrwx 1 0 0 0 Nov 26 10:51 /proc/%d/cwd -> %s", p.id, p.cwd))
		}
		if p.cgroup != "" {
			lines = append(lines, fmt.Sprintf("/proc/%d/cgroup:0::%s", p.id, p.cgroup))
		}
		name := p.name
		if name == "" {
			name = "x"
		}
		records = append(records, fmt.Sprintf("/proc/%d/stat:%s", p.id, statLine(p.id, name, "S", p.parent, p.group, 0, 150, 50)))
		for _, a := range p.args {
			records = append(records, fmt.Sprintf("/proc/%d/cmdline:%s", p.id, a))
		}
	}
	return answer(lines, records...)
}

type readers struct{ *hosttest.Fake }

func (r readers) Reader(context.Context, string) (host.Reader, error) { return r.Fake, nil }

// survey reads the processes of app01 from an answer.
func surveyed(t *testing.T, out []byte, apps ...plan.App) map[int]Process {
	t.Helper()
	f := hosttest.New(t, "app01")
	f.OnQuery("records").Reply(host.Output{Stdout: out})
	env := plan.Environment{Servers: map[string]plan.Host{"app01": {Name: "app01", User: "deploy"}}}
	for i := range apps {
		apps[i].Servers = []string{"app01"}
	}
	got := Processes(t.Context(), readers{f}, env, apps, []string{"app01"}, 4)
	if len(got) != 1 || got[0].Err != nil {
		t.Fatalf("%+v", got)
	}
	byID := map[int]Process{}
	for _, p := range got[0].Processes {
		byID[p.PID] = p
	}
	return byID
}

func TestProcessFields(t *testing.T) {
	names := []string{"user deploy:x:1000:1000::/home/deploy:/bin/sh", "user again:x:1000:1000::/:/bin/sh", "user aVeryLongAccountName:x:1001:1::/home/long:/bin/sh"}
	kernel := "/proc/2/stat:" + statLine(2, "kthreadd", "S", 0, 0, kernelThread, 0, 0)
	late := "/proc/77/stat:" + statLine(77, "gone", "R", 1, 77, 0, 0, 0)
	out := answerOf(names,
		proc{id: 1, uid: "0", args: []string{"/sbin/init"}},
		proc{id: 10, uid: "1001", parent: 1, args: []string{"java", "-Xmx1g", "a b", ""}},
		proc{id: 11, uid: "4242", parent: 1, name: "od) d (\n7 R 1 1"},
		proc{id: 12, uid: "1000", parent: 1, args: []string{"sh", "-c", "x\n/proc/13/cmdline:forged\nrecords\n", "", ""}},
		proc{id: 13, uid: "1000", parent: 1, args: []string{"\x1b[2J\xff"}},
		proc{id: 14, uid: "1000", parent: 900, group: 900, args: []string{"grep"}},
	)
	out = slices.Concat(out[:len(out)-len("end\x00")], []byte(kernel+"\x00"+late+"\x00/proc/x/stat:1\x00/proc/15/stat:cut (\x00end\x00"))
	got := surveyed(t, out)
	if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, []int{1, 10, 11, 12, 13}) {
		t.Fatalf("processes %v: kernel threads, the survey's own and those that ended are left out", ids)
	}
	for id, want := range map[int]Process{
		1:  {User: "0", Command: "/sbin/init"},
		10: {User: "aVeryLongAccountName", Parent: 1, Command: "java -Xmx1g a b"},
		11: {User: "4242", Parent: 1, Command: "[od) d (\n7 R 1 1]"},
		12: {User: "deploy", Parent: 1, Command: "sh -c x\n/proc/13/cmdline:forged\nrecords\n"},
		13: {User: "deploy", Parent: 1, Command: "\x1b[2J\xff"},
	} {
		want.Host, want.PID, want.State, want.RSS = "app01", id, "S", 1<<20
		want.CPU, want.Ran = 2*time.Second, time.Second*1000
		if got[id] != want {
			t.Errorf("process %d is\n%+v, want\n%+v", id, got[id], want)
		}
	}
}

func TestWhoseProcess(t *testing.T) {
	app := func(name, root, user, unit string) plan.App {
		a := plan.App{Name: name, User: user, Layout: plan.Layout{Root: root, Current: "current"}}
		if unit != "" {
			a.Service.Systemd = &plan.Systemd{Unit: unit}
		}
		return a
	}
	apps := []plan.App{
		app("hello", "/srv/hello", "", ""), app("home", "~/home", "homer", ""), app("unit", "/opt/unit", "", "unit.service"),
		app("two", "/opt/two", "twins", ""), app("tow", "/opt/tow", "twins", ""), app("nested", "/srv/hello/shared/nested", "", ""),
	}
	head := []string{
		"user homer:x:1001:1::/home/homer:/bin/sh", "user twins:x:1002:1::/home/twins:/bin/sh", "root 0 /mnt/disk one/hello", "leader 0 30", "leader 2 40",
		"root nonsense", "leader 9", "garbage", "",
	}
	tests := []struct {
		name string
		p    proc
		want string
	}{
		{"by its directory", proc{cwd: "/srv/hello/releases/2.0-ab"}, "hello 2.0-ab"},
		{"deeper, and removed", proc{cwd: `/srv/hello/releases/2.0-ab/bin\ (deleted)`}, "hello 2.0-ab"},
		{"behind links, with a space", proc{cwd: `/mnt/disk\ one/hello/releases/1.0`}, "hello 1.0"},
		{"escapes", proc{cwd: `/srv/hello/releases/\303\244\\n`}, `hello ä\n`},
		{"in the root, the release in an argument", proc{cwd: "/srv/hello", args: []string{"java", "-cp", "/x:/srv/hello/releases/3.0/a.jar"}}, "hello 3.0"},
		{"an argument", proc{args: []string{"java", "-Dhome=/srv/hello/releases/3.0:/y"}}, "hello 3.0"},
		{"an argument with the link", proc{args: []string{"/srv/hello/current/bin/run"}}, "hello "},
		{"another directory that ends alike", proc{cwd: "/data/srv/hello/releases/1", args: []string{"/data/srv/hello/releases/1/x", "/srv/hello2/x"}}, " "},
		{"the longer root", proc{cwd: "/srv/hello/shared/nested/releases/9"}, "nested 9"},
		{"hidden directory of releases", proc{cwd: "/srv/hello/releases/.new"}, "hello "},
		{"home of its user", proc{cwd: "/home/homer/home/releases/1"}, "home 1"},
		{"by its unit", proc{cgroup: "/system.slice/unit.service/worker"}, "unit "},
		{"another unit", proc{cgroup: "/system.slice/my-unit.service"}, " "},
		{"by its user", proc{uid: "1001"}, "home "},
		{"a user of two apps", proc{uid: "1002"}, " "},
		{"a child", proc{parent: 20}, "hello 2.0-ab"},
		{"the pid file's group", proc{parent: 1, group: 30}, "hello "},
		{"the group of a stale pid file", proc{parent: 1, group: 40}, " "},
		{"its own ancestor", proc{id: 50, parent: 50}, " "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.p
			if p.id == 0 {
				p.id = 50
			}
			if p.uid == "" {
				p.uid = "77"
			}
			got := surveyed(t, answerOf(head, proc{id: 1, uid: "0"}, proc{id: 20, parent: 1, uid: "77", cwd: "/srv/hello/releases/2.0-ab"},
				proc{id: 30, parent: 1, group: 30, uid: "77"}, proc{id: 40, parent: 1, group: 40, uid: "77", cwd: "/tmp"}, p), slices.Clone(apps)...)[p.id]
			if is := got.App + " " + got.Release; is != tt.want {
				t.Errorf("it belongs to %q, want %q", is, tt.want)
			}
		})
	}
}

func TestCutAnswers(t *testing.T) {
	whole := answerOf(nil, proc{id: 1, uid: "0"})
	for name, out := range map[string][]byte{
		"nothing": nil, "no records": []byte("sh: 3: grep: not found\n"), "cut in the records": whole[:len(whole)-5], "none": answer([]string{"uptime 1"}),
	} {
		if s, err := parseProcesses(out); err == nil {
			t.Errorf("%s: no error, %+v", name, s)
		}
	}
}

func TestSort(t *testing.T) {
	all := []Process{
		{Host: "b", PID: 1, RSS: 5, CPU: 4, Ran: 8}, {Host: "a", PID: 2, RSS: 5, CPU: 1, Ran: 1}, {Host: "a", PID: 1, RSS: 5, Swap: 1, Ran: 1}, {Host: "c", PID: 1, RSS: 9},
	}
	for by, want := range map[string]string{"swap": "a1 c1 a2 b1", "rss": "c1 a1 a2 b1", "cpu": "a2 b1 c1 a1"} {
		got := slices.Clone(all)
		if err := Sort(got, by); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range got {
			names = append(names, fmt.Sprint(p.Host, p.PID))
		}
		if s := strings.Join(names, " "); s != want {
			t.Errorf("by %s: %s, want %s", by, s, want)
		}
	}
	if err := Sort(nil, "size"); err == nil {
		t.Error("no error for an unknown key")
	}
}

func TestMachines(t *testing.T) {
	env := plan.Environment{
		Servers: map[string]plan.Host{"app02": {Address: "h2"}, "app01": {Address: "h1", Port: 22}, "other": {Address: "h1", Port: 2222}},
		Proxies: map[string]plan.Proxy{"lb01": {Host: plan.Host{Address: "lb"}}, "lb02": {Host: plan.Host{Address: "h1"}}, "lb03": {Host: plan.Host{Address: "lb", Jump: "x"}}},
	}
	if got := Machines(env); !slices.Equal(got, []string{"app01", "app02", "other", "lb01", "lb03"}) {
		t.Errorf("machines %v", got)
	}
}
