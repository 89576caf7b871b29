package plan

// MarkerOp (kind marker) creates or removes the enable marker.
type MarkerOp struct {
	Root    string `json:"root"`
	Path    string `json:"path"` // relative to <root>/shared
	Present bool   `json:"present"`
}

// Kind is "marker".
func (MarkerOp) Kind() string { return "marker" }

// Title says what is done.
func (m MarkerOp) Title() string {
	if m.Present {
		return oneLine("disable: create " + m.Path)
	}
	return oneLine("enable: remove " + m.Path)
}

// Transport tells how the op reaches its host.
func (MarkerOp) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (m MarkerOp) Script() string {
	rest := shMarkerRemove
	if m.Present {
		rest = shPlace + shMarkerCreate
	}
	return script(letPath("root", m.Root), let("path", m.Path), "marker=$root/shared/$path\n", rest)
}

func (MarkerOp) op() {}

const shMarkerCreate = `
[ ! -d "$marker" ] || fail "$marker is a directory"
[ ! -e "$marker" ] || same "$path is there already"
umask 022
place "${marker%/*}"
: >"$marker" || fail "$(id -un) can't create $marker"
`

const shMarkerRemove = `
[ ! -d "$marker" ] || fail "$marker is a directory"
[ -e "$marker" ] || [ -L "$marker" ] || same "$path is not there"
rm -f "$marker" || fail "$(id -un) can't remove $marker"
`
