set -eu
root=/srv/hello
plan=20260101-1

# place DIR: makes a directory of the app
place() {
	why=$(mkdir -p "$1" 2>&1) || fail "$(id -un) can't create $1: $why (create $root once and give it to $(id -un))"
	[ -w "$1" ] || fail "$(id -un) may not write to $1 (give $root to $(id -un))"
}

umask 022
place "$root/.trikk/plans"
mark=$root/.trikk/plans/$plan
if ! (set -C && printf '%s\n' "$plan" >"$mark") 2>/dev/null; then
	[ ! -e "$mark" ] || fail "plan $plan was applied here already: a plan is applied once, make a new one"
	fail "$(id -un) can't write $mark"
fi
