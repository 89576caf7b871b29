package plan

import "strings"

// Link makes the link to the live release point to Release, or removes it where Release is "" (Name set); or it moves one path
// of a release into <root>/shared and links it there (Persist set).
type Link struct {
	Root    string `json:"root"`
	Name    string `json:"name,omitempty"` // of the link in Root
	Release string `json:"release,omitempty"`
	// Persist is a path relative to the release that becomes a link to <root>/shared/<path>.
	Persist string `json:"persist,omitempty"`
	// File: the persisted path is a file that may be missing (the enable marker); else it is a directory.
	File bool `json:"file,omitempty"`
}

// Kind is "link".
func (Link) Kind() string { return "link" }

// Title says what is done.
func (l Link) Title() string {
	switch {
	case l.Persist != "":
		return oneLine("link " + l.Persist + " → shared/" + l.Persist)
	case l.Release == "":
		return oneLine("remove link " + l.Name)
	}
	return oneLine("link " + l.Name + " → " + l.Release)
}

// Transport tells how the op reaches its host.
func (Link) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (l Link) Script() string {
	switch {
	case l.Persist != "" && l.File:
		return script(l.persist(), shPlace, shInside, shDiscard, shPersistStart, shPersistFile, shPersistEnd)
	case l.Persist != "":
		return script(l.persist(), shPlace, shInside, shDiscard, shPersistStart, shPersistDir, shPersistEnd)
	case l.Release == "":
		return script(letPath("root", l.Root), let("name", l.Name), shLinkStart, shLinkRemove)
	}
	return script(letPath("root", l.Root), let("name", l.Name), let("release", l.Release), shPlace, shLinkStart, shLinkSwitch)
}

func (Link) op() {}

// persist assigns what a persisted path needs; target is the link's text, relative to where the link is.
func (l Link) persist() string {
	up := strings.Repeat("../", strings.Count(l.Persist, "/")+2)
	return letPath("root", l.Root) + let("release", l.Release) + let("path", l.Persist) + let("target", up+"shared/"+l.Persist)
}

// <root>/.trikk/linked tells what trikk linked, so that a link that was switched by hand is known. While trikk switches, a second
// line holds what was linked before: a run that dies between two writes leaves a file that allows for both.
const shLinkStart = `
link=$root/$name
linked=$root/.trikk/linked
if [ -e "$link" ] && [ ! -L "$link" ]; then
	fail "$link is no link: move it away (mv $link $link.old) and apply again"
fi
`

const shLinkRemove = `
rm -f "$linked"
[ -L "$link" ] || same "there is no link $name"
rm "$link"
`

const shLinkSwitch = `
target=releases/$release
[ -f "$root/$target/.trikk/manifest.json" ] || fail "$root/$target is not complete: it can't become $name"
umask 022
place "$root/.trikk"
# record RELEASE...: a line each; what can't be recorded is not claimed, and does not keep anybody from going back
record() {
	{ printf '%s\n' "$@" >"$linked.new" && mv -fT "$linked.new" "$linked"; } 2>/dev/null || rm -f "$linked"
}
before=$(readlink "$link" || :)
if [ "$before" = "$target" ]; then
	[ "$(cat "$linked" 2>/dev/null)" = "$release" ] || record "$release"
	same "$name is $release already"
fi
new=$root/.$name.trikk
trap 'rm -f "$new"' EXIT
rm -f "$new"
ln -s "$target" "$new" || fail "$(id -un) can't write to $root"
record "$release" "${before##*/}"
mv -T "$new" "$link"
record "$release"
`

const shPersistStart = `
dir=$root/releases/$release
link=$dir/$path
shared=$root/shared/$path
umask 022
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
inside "${link%/*}" "$dir" || fail "$path is behind a link that leaves the release"
place "${shared%/*}"
mkdir -p "${link%/*}"
`

// The release's own content becomes the first content; after that the shared one wins.
const shPersistDir = `
[ ! -e "$shared" ] || [ -d "$shared" ] || fail "$shared is no directory"
if [ -d "$shared" ] && [ "$(readlink "$link" || :)" = "$target" ]; then
	same "$path is linked already"
fi
if [ ! -d "$shared" ] && [ -d "$link" ] && [ ! -L "$link" ]; then
	seed=${shared%/*}/.${shared##*/}.seed
	discard "$seed"
	why=$(cp -a "$link" "$seed" 2>&1) || { discard "$seed"; fail "copying $link to $shared: $why"; }
	mv -T "$seed" "$shared"
fi
place "$shared"
`

const shPersistFile = `
[ ! -d "$shared" ] || fail "$shared is a directory"
if [ "$(readlink "$link" || :)" = "$target" ]; then
	same "$path is linked already"
fi
[ -L "$link" ] || [ ! -d "$link" ] || fail "$link is a directory"
`

const shPersistEnd = `
[ ! -e "$link" ] && [ ! -L "$link" ] || discard "$link"
ln -s "$target" "$link"
`
