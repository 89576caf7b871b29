package plan

import (
	"cmp"
	"strings"
)

// Prune removes the named releases and cache files. It refuses what is current and what is outside the app's root. Generated
// files of the releases that were edited by hand are copied aside before.
type Prune struct {
	Root     string   `json:"root"`
	Current  string   `json:"current"`
	Releases []string `json:"releases,omitempty"`
	Cached   []string `json:"cached,omitempty"`
	// Keep is the ID of the run: edits are kept in <root>/.trikk/kept/RELEASE/PATH.KEEP.
	Keep string `json:"keep,omitempty"`
}

// Kind is "prune".
func (Prune) Kind() string { return "prune" }

// Title says what is done.
func (p Prune) Title() string {
	var what []string
	if n := len(p.Releases); n > 0 {
		what = append(what, numbered("old release", n)+" "+strings.Join(p.Releases, ", "))
	}
	if n := len(p.Cached); n > 0 {
		names := make([]string, n)
		for i, file := range p.Cached {
			names[i] = archiveName(file)
		}
		what = append(what, "cached "+strings.Join(names, ", "))
	}
	return oneLine("prune " + strings.Join(what, " and "))
}

// Transport tells how the op reaches its host.
func (Prune) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (p Prune) Script() string {
	return script(
		letPath("root", p.Root), let("current", p.Current), let("run", cmp.Or(p.Keep, "edited")),
		shDiscard, shBecause, shKept, shNamed, shKeepEdits, shPruneStart,
		"\nset -- "+quoteAll(p.Releases)+"\n", shPruneReleases,
		"\nset -- "+quoteAll(p.Cached)+"\n", shPruneCached, shPruneEnd,
	)
}

func (Prune) op() {}

// quoteAll makes shell words of names.
func quoteAll(names []string) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = quote(n)
	}
	return strings.Join(words, " ")
}

// The last good release is the one whose mark sorts last: marks hold IDs, which are in the order of time.
const shPruneStart = `
releases=$root/releases
cache=$root/.trikk/cache
good=$root/.trikk/good
removed=
live=$(readlink -f "$root/$current" || :)
last=
if [ -d "$good" ]; then
	last=$(cd "$good" && grep -H . -- * 2>/dev/null | sed 's/^\([^:]*\):\(.*\)$/\2 \1/' | LC_ALL=C sort | tail -n 1)
fi
last=${last##* }

# plain NAME: a file name that is neither hidden nor a path
plain() {
	case $1 in
	'' | .* | */*) fail "refused to remove '$1': it is no plain name" ;;
	esac
}
`

const shPruneReleases = `
for name do
	plain "$name"
	if [ -n "$live" ] && [ "$(readlink -f "$releases/$name" || :)" = "$live" ]; then
		fail "refused to remove $name: it is $current"
	fi
	[ ! -e "$releases/$name" ] || [ -d "$releases/$name/.trikk" ] || fail "refused to remove $name: trikk did not make it"
	[ "$name" != "$last" ] || fail "refused to remove $name: it was proven good last"
done
for name do
	[ -e "$releases/$name" ] || [ -L "$releases/$name" ] || continue
	[ -L "$releases/$name" ] || keepedits "$releases/$name" "$name"
	mv -T "$releases/$name" "$releases/.$name.pruned.$$" || fail "$(id -un) can't remove $releases/$name"
	discard "$releases/.$name.pruned.$$"
	rm -f "$good/$name"
	removed=yes
done
`

const shPruneCached = `
for name do
	plain "$name"
done
for name do
	[ -e "$cache/$name" ] || continue
	rm -f "$cache/$name" || fail "$(id -un) can't remove $cache/$name"
	removed=yes
done
`

const shPruneEnd = `
for left in "$releases"/.*.unpack.* "$releases"/.*.old.* "$releases"/.*.pruned.* "$cache"/.*.part "$cache"/.*.part.from; do
	[ -e "$left" ] || [ -L "$left" ] || continue
	discard "$left"
	removed=yes
done
[ -n "$removed" ] || same "they are gone already"
`
