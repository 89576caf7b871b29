package plan

// Chmod (kind mode) sets permissions on what a glob matches; a glob without a match is no error.
type Chmod struct {
	Root    string `json:"root"`
	Release string `json:"release"`
	Glob    string `json:"glob"`
	Mode    string `json:"mode"`
}

// Kind is "mode".
func (Chmod) Kind() string { return "mode" }

// Title says what is done.
func (c Chmod) Title() string {
	return oneLine("chmod " + c.Mode + " " + c.Glob)
}

// Transport tells how the op reaches its host.
func (Chmod) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (c Chmod) Script() string {
	return script(
		letPath("root", c.Root), let("release", c.Release), let("glob", c.Glob), let("mode", shortMode(c.Mode)),
		shInside, shMode,
	)
}

func (Chmod) op() {}

const shMode = `
dir=$root/releases/$release
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
cd -P "$dir"
here=$(pwd -P)
changed=
IFS=
for path in ./$glob; do
	[ -e "$path" ] || continue
	inside "$path" "$here" || fail "$path is outside of the release"
	[ "$(stat -L -c %a "$path")" != "$mode" ] || continue
	why=$(chmod "$mode" "$path" 2>&1) || fail "$(id -un) can't change $path: $why"
	changed=yes
done
[ -n "$changed" ] || same "nothing that matches $glob has another mode"
`
