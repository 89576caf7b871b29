package plan

import "strings"

// Write writes one generated file into a release, atomically.
type Write struct {
	Root    string `json:"root"`
	Release string `json:"release"`
	Path    string `json:"path"` // relative to the release
	Content string `json:"content"`
	Mode    string `json:"mode"` // octal
}

// Kind is "write".
func (Write) Kind() string { return "write" }

// Title says what is done.
func (w Write) Title() string {
	return oneLine("write " + w.Path)
}

// Transport tells how the op reaches its host.
func (Write) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (w Write) Script() string {
	return script(
		letPath("root", w.Root), let("release", w.Release), let("path", w.Path), let("mode", shortMode(w.Mode)), let("content", w.Content),
		shBecause, shInside, shWrite,
	)
}

func (Write) op() {}

const shWrite = `
dir=$root/releases/$release
target=$dir/$path
parent=${target%/*}
part=$parent/.${target##*/}.trikk
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
inside "$parent" "$dir" || fail "$path is behind a link that leaves the release"
[ -L "$target" ] || [ ! -d "$target" ] || fail "$target is a directory"
umask 022
why=$(mkdir -p "$parent" 2>&1) || fail "$(id -un) can't create $parent: $(because "$why")"
trap 'rm -f "$part"' EXIT
rm -f "$part"
why=$( { printf %s "$content" >"$part"; } 2>&1 && chmod "$mode" "$part" 2>&1) || fail "$(id -un) can't write $target: $(because "$why")"
if [ -f "$target" ] && [ ! -L "$target" ] && [ "$(stat -c %a "$target")" = "$mode" ] &&
	[ "$(sha256sum <"$target")" = "$(sha256sum <"$part")" ]; then
	same "$path is so already"
fi
mv -fT "$part" "$target"
`

// shortMode is an octal mode as stat prints it: without leading zeros.
func shortMode(mode string) string {
	if m := strings.TrimLeft(mode, "0"); m != "" {
		return m
	}
	return "0"
}
