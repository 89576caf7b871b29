package plan

// What trikk wrote into a release is known by <release>/.trikk/files: a line a generated file, as sha256sum prints it. A
// pristine copy of each file without secrets is below <release>/.trikk/generated.

// shKept keeps edits: copies of generated files that were changed by hand, in <root>/.trikk/kept/RELEASE/PATH.RUN. It needs
// $root, $run and because.
const shKept = `
# kept RELEASE/PATH: the edit of that file that this run kept last, in $kept; fails where it kept none
kept() {
	kept=$root/.trikk/kept/$1.$run
	[ -f "$kept" ] || return 1
	n=2
	while [ -f "$root/.trikk/kept/$1.$run.$n" ]; do
		kept=$root/.trikk/kept/$1.$run.$n
		n=$((n + 1))
	done
}

# aside FILE RELEASE/PATH: copies an edited file to where edits are kept
aside() {
	now=$(sha256sum <"$1") || fail "$1 was edited by hand and $(id -un) can't read it to keep the edit (give it to $(id -un))"
	n=1
	to=$root/.trikk/kept/$2.$run
	while [ -f "$to" ]; do
		[ "$(sha256sum <"$to")" != "$now" ] || return 0
		n=$((n + 1))
		to=$root/.trikk/kept/$2.$run.$n
	done
	why=$( { umask 077 && mkdir -p "${to%/*}" && cp -pL "$1" "$to.part" && mv -fT "$to.part" "$to"; } 2>&1) || fail "$(id -un) can't keep the edit of $1: $(because "$why")"
	printf '%s\n' "$2 was edited by hand: the edit is kept in $to"
}
`

// shNamed reads what trikk wrote.
const shNamed = `
# named LINE: the path in a line of sha256sum, in $path
named() {
	path=${1#*  }
	case $1 in
	\\*) path=$(printf '%b.' "$path") && path=${path%.} ;;
	esac
}
`

// shKeepEdits looks through a whole release that is about to go. It needs named and what shKept defines.
const shKeepEdits = `
# keepedits DIR RELEASE: keeps all edits of generated files in DIR
keepedits() {
	[ -f "$1/.trikk/files" ] || return 0
	while IFS= read -r line; do
		named "$line"
		case /$path/ in
		*/../*) continue ;;
		esac
		[ -f "$1/$path" ] || continue
		now=$(cd "$1" && sha256sum -- "$path" 2>/dev/null) || now=unread
		[ "$now" = "$line" ] || aside "$1/$path" "$2/$path"
	done <"$1/.trikk/files"
}
`
