package survey

import (
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// owner is one app on one host: how its processes are told.
type owner struct {
	app    string
	roots  []string // as written with ~ filled in, and with all links resolved
	unit   string   // systemd's
	leader int      // of the pid file; 0: none
	user   string   // of its own; "": it runs as the login user
}

// belonging is whose a process is.
type belonging struct{ app, release string }

func owners(env plan.Environment, apps []plan.App, name string, s seen) []owner {
	var out []owner
	for i, a := range apps {
		o := owner{app: a.Name, user: a.As(env, name), leader: s.leaders[i]}
		if a.Service.Systemd != nil {
			o.unit = a.Service.Systemd.Unit
		}
		if real, ok := s.roots[i]; ok {
			o.roots = append(o.roots, real)
		}
		root := a.Layout.Root
		if below, ok := strings.CutPrefix(root, "~/"); ok {
			root = s.homeOf(o.user, below)
		}
		if root != "" && !slices.Contains(o.roots, root) {
			o.roots = append(o.roots, root)
		}
		out = append(out, o)
	}
	return out
}

// homeOf is a path below a user's home; "" where that is not known.
func (s seen) homeOf(name, below string) string {
	for _, u := range s.users {
		if u.name == name && u.home != "" {
			return u.home + "/" + below
		}
	}
	return ""
}

// direct tells whose a process is by itself: by where it works, its arguments, its unit, and whether a pid file names it or its group.
func (s seen) direct(all []owner, id int) belonging {
	b := inside(all, s.cwd[id])
	if b.app != "" && b.release != "" {
		return b
	}
	for _, arg := range s.args[id] {
		if a := mentioned(all, arg); a.app != "" && (b.app == "" || a.app == b.app && a.release != "") {
			b = a
			break
		}
	}
	if b.app != "" {
		return b
	}
	for _, o := range all {
		if o.unit != "" && slices.Contains(strings.Split(s.unit[id], "/"), o.unit) {
			return belonging{app: o.app}
		}
		if o.leader != 0 && (o.leader == id || s.stats[id].group == o.leader) && s.leads(o, all) {
			return belonging{app: o.app}
		}
	}
	return belonging{}
}

// leads tells whether the process that the pid file names can be the app's: the number may be another process's by now. One that
// works elsewhere is none; where that can't be seen, it counts.
func (s seen) leads(o owner, all []owner) bool {
	cwd, known := s.cwd[o.leader]
	return !known || inside(all, cwd).app == o.app
}

// belongs tells whose a process is: by itself, by the nearest process that started it, by its user.
func (s seen) belongs(all []owner, found map[int]belonging, id int) belonging {
	for up, steps := id, 0; up > 1 && steps < 64; steps++ {
		if b := found[up]; b.app != "" {
			return b
		}
		up = s.stats[up].parent
	}
	name := s.userName(s.status[id].uid)
	var b belonging
	for _, o := range all {
		if o.user == "" || o.user != name {
			continue
		}
		if b.app != "" {
			return belonging{}
		}
		b.app = o.app
	}
	return b
}

// inside tells which app a path is in; of two the one with the longer root.
func inside(all []owner, path string) belonging {
	var b belonging
	longest := 0
	for _, o := range all {
		for _, root := range o.roots {
			if (path == root || strings.HasPrefix(path, root+"/")) && len(root) > longest {
				longest = len(root)
				b = belonging{o.app, releaseIn(strings.TrimPrefix(path, root))}
			}
		}
	}
	return b
}

// mentioned tells which app an argument has a path of, wherever in it: -jar PATH, -Dx=PATH, A:PATH.
func mentioned(all []owner, arg string) belonging {
	var b belonging
	longest := 0
	for _, o := range all {
		for _, root := range o.roots {
			if rest, ok := pathIn(arg, root); ok && len(root) > longest {
				longest = len(root)
				b = belonging{o.app, releaseIn(rest)}
			}
		}
	}
	return b
}

// pathIn gives what follows a root in an argument. A root in the middle of a longer path is not the root.
func pathIn(arg, root string) (string, bool) {
	for at := 0; ; {
		i := strings.Index(arg[at:], root+"/")
		if i < 0 {
			return "", false
		}
		i += at
		if i == 0 || !strings.ContainsRune("/._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", rune(arg[i-1])) {
			return arg[i+len(root):], true
		}
		at = i + 1
	}
}

// releaseIn is the release that a path below a root is in, or "".
func releaseIn(below string) string {
	name, ok := strings.CutPrefix(below, "/releases/")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(name, "/:;,\"' \n"); end >= 0 {
		name = name[:end]
	}
	if strings.HasPrefix(name, ".") {
		return ""
	}
	return name
}
