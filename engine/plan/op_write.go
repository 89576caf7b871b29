package plan

import (
	"cmp"
	"strings"
)

// Write writes one generated file into a release, atomically, and records in the release what it wrote. A file that was
// edited by hand since trikk wrote it is copied aside before: see Keep.
type Write struct {
	Root    string `json:"root"`
	Release string `json:"release"`
	Path    string `json:"path"` // relative to the release
	Content string `json:"content"`
	Mode    string `json:"mode"` // octal
	// Keep is the ID of the run: an edit is kept in <root>/.trikk/kept/RELEASE/PATH.KEEP.
	Keep string `json:"keep,omitempty"`
	// Back takes a write back: the edit that Keep's run kept, if any, gets its place again. A file that was missing stays.
	Back bool `json:"back,omitempty"`
	// Format and Secrets are set where Content is a template: {secret:NAME} stands for a secret's value.
	Format  string            `json:"format,omitempty"`
	Secrets map[string]Secret `json:"secrets,omitempty"`
}

// Kind is "write".
func (Write) Kind() string { return "write" }

// Title says what is done.
func (w Write) Title() string {
	if w.Back {
		return oneLine("put back the edit of " + w.Path)
	}
	switch names := sortedKeys(w.Secrets); len(names) {
	case 0:
		return oneLine("write " + w.Path)
	case 1:
		return oneLine("write " + w.Path + " with secret " + names[0])
	default:
		return oneLine("write " + w.Path + " with secrets " + strings.Join(names, ", "))
	}
}

// Transport tells how the op reaches its host.
func (Write) Transport() Transport {
	return Script
}

// Script is the op's shell. That of a file with secrets expects the variables that SecretsOf names.
func (w Write) Script() string {
	where := letPath("root", w.Root) + let("release", w.Release) + let("path", w.Path) + let("run", cmp.Or(w.Keep, "edited"))
	if w.Back {
		return script(where, shBecause, shInside, shKept, shWriteStart, shWriteBack)
	}
	pristine := shWritePristine
	if len(w.Secrets) > 0 {
		pristine = "" // there is no second copy of a secret
	}
	return script(where, let("mode", shortMode(w.Mode)), w.content(), shBecause, shInside, shKept, shWriteStart, shWritePart, pristine, shWriteEnd)
}

func (Write) op() {}

// content assigns the file's content. Secrets come from variables of the shell; none is in an argument list or an environment.
func (w Write) content() string {
	if len(w.Secrets) == 0 {
		return let("content", w.Content)
	}
	parts, err := cut(w.Content)
	if err != nil {
		return "fail " + quote("the template of "+w.Path+": "+err.Error()) + "\n"
	}
	var word strings.Builder
	for _, p := range parts {
		if p.text != "" {
			word.WriteString(quote(p.text))
		}
		if p.secret != "" {
			word.WriteString(`"$` + variable(p.secret, w.Secrets[p.secret], w.Format) + `"`)
		}
	}
	return shPrivate + "content=" + word.String() + "\n"
}

func (w Write) secrets() []Needed {
	if w.Back {
		return nil
	}
	var out []Needed
	for _, name := range sortedKeys(w.Secrets) {
		s := w.Secrets[name]
		out = append(out, Needed{Secret: s, Variable: variable(name, s, w.Format), Format: w.Format})
	}
	return out
}

// shPrivate makes sure that what is put into $content stays in this shell.
const shPrivate = `
[ "$(command -v printf)" = printf ] || fail "this server's /bin/sh has no printf of its own: a secret would be in the list of processes"
unset content
`

const shWriteStart = `
dir=$root/releases/$release
target=$dir/$path
parent=${target%/*}
part=$parent/.${target##*/}.trikk
files=$dir/.trikk/files
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
inside "$parent" "$dir" || fail "$path is behind a link that leaves the release"
[ -L "$target" ] || [ ! -d "$target" ] || fail "$target is a directory"
# digest: the file as a line of sha256sum, which ends in the file's name
digest() { (cd "$dir" && sha256sum -- "$path" 2>/dev/null) || echo unread; }
# edited LINE: trikk wrote the file, and it was something else
edited() {
	[ -f "$files" ] || return 1
	while IFS= read -r was; do
		[ "$was" != "$1" ] || return 1
		[ "${was#*  }" != "${1#*  }" ] || return 0
	done <"$files"
	[ "$1" = unread ]
}
# recorded LINE: trikk wrote the file as it is. The digest of a file with secrets is for no list of processes.
recorded() {
	[ -f "$files" ] || return 1
	while IFS= read -r was; do
		[ "$was" != "$1" ] || return 0
	done <"$files"
	return 1
}
umask 022
`

const shWritePart = `
why=$(mkdir -p "$parent" "$dir/.trikk" 2>&1) || fail "$(id -un) can't create $parent: $(because "$why")"
trap 'rm -f "$part" "$files.new"' EXIT
rm -f "$part"
umask 077
why=$( { printf %s "$content" >"$part"; } 2>&1 && chmod "$mode" "$part" 2>&1) || fail "$(id -un) can't write $target: $(because "$why")"
new=$(sha256sum <"$part")
new=${new%% *}
`

// What an edit changed is told by the copy.
const shWritePristine = `
copy=$dir/.trikk/generated/$path
if [ ! -f "$copy" ] || [ "$(sha256sum <"$copy")" != "$new  -" ]; then
	fresh=${copy%/*}/.${copy##*/}.trikk
	why=$( { umask 077 && mkdir -p "${copy%/*}" && printf %s "$content" >"$fresh" && mv -fT "$fresh" "$copy"; } 2>&1) || fail "$(id -un) can't write $copy: $(because "$why")"
fi
`

// A line is recorded after the file has its name: a file whose line is missing is none that trikk is known to have written.
const shWriteEnd = `
if [ -f "$target" ]; then
	line=$(digest)
	old=${line%% *}
	old=${old#\\}
	if [ "$old" = "$new" ] && [ ! -L "$target" ] && [ "$(stat -c %a "$target")" = "$mode" ] && recorded "$line"; then
		same "$path is so already"
	fi
	if [ "$old" != "$new" ] && edited "$line"; then
		aside "$target" "$release/$path"
	fi
fi
mv -fT "$part" "$target"
line=$(digest)
why=$( {
	[ ! -f "$files" ] || while IFS= read -r was; do
		[ "${was#*  }" = "${line#*  }" ] || printf '%s\n' "$was"
	done <"$files"
	printf '%s\n' "$line"
} 2>&1 >"$files.new") || fail "$(id -un) can't write $files: $(because "$why")"
mv -fT "$files.new" "$files"
`

const shWriteBack = `
kept "$release/$path" || same "no edit of $path was kept"
if [ -f "$target" ] && [ "$(sha256sum 2>/dev/null <"$target")" = "$(sha256sum <"$kept")" ]; then
	same "$path is as it was edited"
fi
if [ -f "$target" ] && edited "$(digest)"; then
	same "$path was edited again: it is left as it is"
fi
trap 'rm -f "$part"' EXIT
why=$(cp -p "$kept" "$part" 2>&1) || fail "$(id -un) can't write $target: $(because "$why")"
mv -fT "$part" "$target"
`

// shortMode is an octal mode as stat prints it: without leading zeros.
func shortMode(mode string) string {
	if m := strings.TrimLeft(mode, "0"); m != "" {
		return m
	}
	return "0"
}
