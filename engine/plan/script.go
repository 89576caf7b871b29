package plan

import "strings"

// The scripts of ops are data first, then constant text: what comes from a plan is assigned to shell variables at the
// top, each one quoted word, and nothing below them is put together from data.
//
// A script runs under /bin/sh (POSIX, also dash) as `( SCRIPT ) </dev/null 2>&1`. Two functions are there: `same WORDS`
// ends the step as one that had nothing to do, `fail WORDS` ends it as failed. Both end only the shell that they are
// called in, so they are never called in a pipe or a command substitution.

// script joins the parts of a script: assignments and constant text.
func script(parts ...string) string {
	return "set -eu\n" + strings.Join(parts, "")
}

// let assigns a value to a shell variable.
func let(name, value string) string { return name + "=" + quote(value) + "\n" }

// letPath assigns a path that may start with ~/.
func letPath(name, path string) string { return name + "=" + QuotePath(path) + "\n" }

// letScript assigns a script that another shell runs.
func letScript(name string, parts ...string) string { return let(name, script(parts...)) }

// shPlace makes a directory of the app. It needs $root.
const shPlace = `
# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}
`

// shDiscard removes a directory tree, read-only directories included, and follows no link.
const shDiscard = `
# discard DIR: removes a tree; a link is removed, not followed
discard() {
	[ -L "$1" ] || [ ! -d "$1" ] || chmod -R u+rwX "$1" 2>/dev/null || :
	rm -rf "${1:?}"
}
`

// shBecause turns what a tool printed into a reason. Some say nothing of a full disk, so df is asked too. It needs $root.
const shBecause = `
# because WORDS: the reason in what a tool printed, in one line, a full disk above all; $5 is what df calls available, in kB
because() {
	set -- "$1" $(df -Pk "$root" 2>/dev/null | tail -n 1)
	if [ "${5:-64}" -lt 64 ] 2>/dev/null; then
		echo "the disk of $root is full"
		return
	fi
	case $1 in
	*'No space left'* | *'disk full'* | *'quota exceeded'*) echo "the disk of $root is full, or has no inodes left" ;;
	*'signature not found'*) echo "it is no zip archive, or a part of it is missing" ;;
	*) printf '%s\n' "$1" | grep -v -e '^tar: Exiting with failure' -e '^tar: Error is not recoverable' | tail -n 3 | tr -s ' \n' ' ' | sed 's/ $//' ;;
	esac
}
`

// shInside keeps paths in one directory.
const shInside = `
# inside PATH DIR: PATH, with all links resolved, is DIR or below it
inside() {
	case $(readlink -m "$1")/ in
	"$(readlink -m "$2")"/*) return 0 ;;
	esac
	return 1
}
`
