package act

import (
	"strings"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/plan"
)

func quotePaths(roots []string) string {
	var words []string
	for _, r := range roots {
		words = append(words, plan.QuotePath(r))
	}
	return strings.Join(words, " ")
}

// holdScript locks all roots of one user on one server, or none, and holds them while heartbeats come.
func holdScript(info string, roots []string) string {
	return "info=" + shellescape.Quote(info) + "\nTRIKK_HOLD=" + shellescape.Quote(shHolder) + "\nset -- " + quotePaths(roots) + "\n" + shHold
}

// The status of shHolder says which root is locked by another: 100 + its index, at most 250.
const shHold = `set -u
umask 022
export TRIKK_HOLD
for tool in flock timeout head; do
	command -v "$tool" >/dev/null || fail "$tool is not installed on this server (install util-linux and coreutils)"
done
for root do
	why=$(mkdir -p "$root/.trikk" 2>&1) || case $why in
	*'No space left'*) fail "the disk of $root is full, or has no inodes left" ;;
	*) fail "$(id -un) can not create $root/.trikk: $why (create $root once and give it to $(id -un))" ;;
	esac
	[ -w "$root/.trikk" ] || fail "$(id -un) may not write to $root/.trikk (give it to $(id -un))"
done
code=0
sh -c "$TRIKK_HOLD" trikk-lock 0 "$info" "$@" || code=$?
[ "$code" != 0 ] || exit 0
if [ "$code" = 98 ]; then
	for root do
		for mark in lock.info cut; do
			[ ! -s "$root/.trikk/$mark" ] || fail "locked $(head -n 1 "$root/.trikk/$mark")"
		done
	done
	fail "a script of an earlier run still works here: wait for it to end"
fi
if [ "$code" -lt 100 ] || [ "$code" -gt 250 ]; then
	fail "the lock's holder ended with status $code"
fi
shift $((code - 100))
tries=0
while [ ! -s "$1/.trikk/lock.info" ] && [ "$tries" -lt 20 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
fail "locked $(head -n 1 "$1/.trikk/lock.info" 2>/dev/null)"
`

// shHolder locks root after root: each flock runs the shell that locks the next. Only the flocks have the locks open (-o), so
// nothing that is started later can keep them. What a holder that was killed left in lock.info is a run that was cut off. The locks
// are given only when no script of such a run works any more (98): the first look changes nothing where one does, and lock.info is
// replaced while none can begin. One that begins later finds itself refused by its guard.
const shHolder = `at=$1 info=$2
shift 2
if [ "$at" -lt "$#" ]; then
	code=$((100 + at))
	[ "$code" -le 250 ] || code=250
	eval "root=\${$((at + 1))}"
	exec flock -n -o -E "$code" "$root/.trikk/lock" sh -c "$TRIKK_HOLD" trikk-lock "$((at + 1))" "$info" "$@"
fi
for root do
	: >>"$root/.trikk/busy" || exit 99
	flock -x -w 3 "$root/.trikk/busy" true || exit 98
done
word=r
trap 'for root do
	dir=$root/.trikk
	[ "$(cat "$dir/lock.info" 2>/dev/null)" = "$info" ] || continue
	case $word in
	e)
		[ "$(cat "$dir/cut" 2>/dev/null)" != "$info" ] || rm -f "$dir/cut"
		rm -f "$dir/lock.info" ;;
	r) rm -f "$dir/lock.info" ;;
	*) mv -f "$dir/lock.info" "$dir/cut" ;;
	esac
done' EXIT
trap 'exit 129' HUP INT TERM
for root do
	flock -x -w 3 -E 98 "$root/.trikk/busy" sh -c '
		[ ! -s "$1/lock.info" ] || mv -f "$1/lock.info" "$1/cut"
		printf "%s\n" "$2" >"$1/lock.info.new" && mv -f "$1/lock.info.new" "$1/lock.info" || exit 99
	' trikk-lock "$root/.trikk" "$info" || exit
done
echo held
while word=$(timeout 45 head -c 1) && [ "$word" = . ]; do :; done
exit 0`

// Last words to a holder. Without one its run was cut off, and the holder leaves lock.info behind as the mark of that,
// <root>/.trikk/cut.
const (
	wordEnded    = "e" // the run ended, and nothing of it is left half done
	wordReleased = "r" // the run changed nothing, or what it left half done is known by its mark
)

// guardScript ends a script whose lock names another run, or none. owner is the user that owns the root when that is not the
// user of the script.
func guardScript(info, root, owner string) string {
	file := plan.QuotePath(root) + "/.trikk/lock.info"
	read := "{ IFS= read -r info <" + file + "; }"
	if owner != "" {
		read = "info=$(sudo -n -H -u " + shellescape.Quote(owner) + " /bin/sh -c " + shellescape.Quote("cat "+file) + ")"
	}
	return "mine=" + shellescape.Quote(info) + "\n" + read + " 2>/dev/null || info=\n" +
		`[ "$info" = "$mine" ] || fail "this run no longer has the lock of ` + "\"" + plan.QuotePath(root) + "\"" + `: ${info:-nobody holds it}"` + "\n"
}

// ownsScript asks for lock.info of the roots given as arguments, one line each.
const ownsScript = `for root do
	case $root in
	'~' | '~/'*) root=$HOME${root#'~'} ;;
	esac
	head -n 1 "$root/.trikk/lock.info" 2>/dev/null || echo
done
exit 0`
