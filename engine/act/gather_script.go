package act

// The facts script reads all apps of one user on one server in one round trip. It changes nothing: no redirection but to
// /dev/null, no command that writes. It prints lines of a key and fields; in a field spaces, line breaks and percent signs are
// percent-encoded, so no name can break a line. A manifest is the rest of its line, as it is. The last line is "end".
//
// It starts as few processes as it can: on a server with many apps they are what takes time.
//
// Arguments: six an app: name, root, name of the current link, marker relative to <root>/shared, kind of service
// (systemd, commands, process or none), systemd unit.
const factsScript = `LC_ALL=C
export LC_ALL
newline='
'
` + shLocked + `
# put KEY FIELD...: prints a line
put() {
	line=$1
	shift
	for field do
		case $field in
		'') field=% ;;
		*[%\ "$newline"]*)
			replace % %25
			replace ' ' %20
			replace "$newline" %0a ;;
		esac
		line="$line $field"
	done
	printf '%s\n' "$line"
}

# replace A B: each A in $field becomes B
replace() {
	rest=$field field=
	while :; do
		case $rest in
		*"$1"*) field=$field${rest%%"$1"*}$2 rest=${rest#*"$1"} ;;
		*) field=$field$rest; return ;;
		esac
	done
}

# first FILE: its first line, in $text
first() {
	text=
	IFS= read -r text 2>/dev/null <"$1" || :
}

# where the app could be installed
place() {
	if [ -e "$root" ] || [ -L "$root" ]; then
		[ -d "$root" ] || { put problem "$root is not a directory (move it away)"; return; }
		[ -w "$root" ] && [ -x "$root" ] || put problem "$user may not write to $root (give it to $user)"
		return
	fi
	up=$root
	while [ ! -e "$up" ]; do
		up=${up%/*}
		[ -n "$up" ] || up=/
	done
	[ -d "$up" ] && [ -w "$up" ] || put problem "$user can not create $root: $up is not writable (create $root once and give it to $user)"
}

link() {
	if [ -L "$root/$current" ]; then
		put current "$(readlink "$root/$current")" "$(cd -P "$root/$current" 2>/dev/null && pwd -P)"
	elif [ -d "$root/$current" ]; then
		put problem "$root/$current is a directory, not a link (move it away: mv $root/$current $root/$current.old)"
	elif [ -e "$root/$current" ]; then
		put problem "$root/$current is a file, not a link (move it away)"
	fi
}

# edited: the generated files of $dir that are not as trikk wrote them. All are read at once; where that does not tell that
# all is well, one by one.
edited() {
	set --
	same=yes wrote=
	while IFS= read -r text; do
		named "$text"
		[ -f "$dir/$path" ] || same=
		wrote=$wrote${wrote:+$newline}$text
		set -- "$@" "$path"
	done <"$dir/.trikk/files"
	[ $# -gt 0 ] || return
	[ -z "$same" ] || [ "$(cd "$dir" && exec sha256sum -- "$@" 2>/dev/null)" != "$wrote" ] || return
	while IFS= read -r text; do
		named "$text"
		[ -f "$dir/$path" ] && [ "$(cd "$dir" && sha256sum -- "$path" 2>/dev/null)" = "$text" ] || put edited "$path"
	done <"$dir/.trikk/files"
}

# named LINE: the path in a line of sha256sum, in $path
named() {
	path=${1#*  }
	case $1 in
	\\*) path=$(printf '%b.' "$path"); path=${path%.} ;;
	esac
}

# what trikk linked, and while it switched what was linked before
linked() {
	[ -f "$root/.trikk/linked" ] || return
	{
		IFS= read -r now
		if IFS= read -r was; then put linked "$now" "$was"; else put linked "$now"; fi
	} 2>/dev/null <"$root/.trikk/linked"
}

releases() {
	for dir in "$root"/releases/*; do
		[ -d "$dir" ] && [ ! -L "$dir" ] || continue
		if [ -d "$dir/.trikk" ]; then
			put release "${dir##*/}"
		else
			put release "${dir##*/}" foreign
		fi
		[ -f "$dir/.trikk/manifest.json" ] || continue
		printf 'manifest '
		while IFS= read -r text || [ -n "$text" ]; do
			printf %s "$text"
		done <"$dir/.trikk/manifest.json"
		printf '\n'
		[ ! -f "$dir/.trikk/files" ] || edited
	done
}

state() {
	for file in "$root"/.trikk/good/*; do
		[ -f "$file" ] || continue
		first "$file"
		put good "${file##*/}" "$text"
	done
	for file in "$root"/.trikk/cache/*; do
		[ ! -f "$file" ] || put cached "${file##*/}"
	done
	for file in "$root"/.trikk/plans/*; do
		[ ! -f "$file" ] || put used "${file##*/}"
	done
	if [ -n "$marker" ] && { [ -e "$root/shared/$marker" ] || [ -L "$root/shared/$marker" ]; }; then
		put marked
	fi
	if [ -f "$root/.trikk/trial" ]; then
		first "$root/.trikk/trial"
		put trial "$text"
	fi
	if [ -f "$root/.trikk/approval" ]; then
		first "$root/.trikk/approval"
		put approval "$text"
	fi
	if [ -f "$root/.trikk/lock.info" ]; then
		first "$root/.trikk/lock.info"
		held=free
		locked "$root/.trikk/lock" && held=held
		put lock "$held" "$text"
	fi
	if [ -f "$root/.trikk/cut" ]; then
		first "$root/.trikk/cut"
		put cut "$text"
	fi
	[ ! -f "$root/.trikk/log" ] || put logged "$(tail -n 1 "$root/.trikk/log" 2>/dev/null)"
}

# works PID: where a process works, in $cwd
works() {
	cwd=$(readlink "/proc/$1/cwd" 2>/dev/null)
}

# runs PID: where a process works; where that is in no release, a word of its command line that is in one
runs() {
	put cwd "$cwd"
	case $cwd in
	"$real/releases/".*) ;;
	"$real/releases/"*) return ;;
	esac
	put argument "$(tr '\000' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -F "$real/releases/" | head -n 1)"
}

systemd() {
	command -v systemctl >/dev/null || { put problem "systemctl is not installed (use another service, or another server)"; return; }
	case $(systemctl show -p LoadState "$unit" 2>/dev/null) in
	*not-found*) put problem "there is no systemd unit $unit (install it, then systemctl daemon-reload)" ;;
	esac
	put service "$(systemctl is-active "$unit" 2>/dev/null)"
	pid=$(systemctl show -p MainPID "$unit" 2>/dev/null)
	pid=${pid##*=}
	case $pid in
	'' | 0 | *[!0-9]*) ;;
	*) works "$pid"; runs "$pid" ;;
	esac
}

# ours PID: the process is the app's: by its directory, or by its environment
ours() {
	works "$1"
	case $cwd in
	"$real/releases"/*) return 0 ;;
	esac
	tr '\000' '\n' 2>/dev/null <"/proc/$1/environ" | grep -qxF "TRIKK_ROOT=$real"
}

# The pid file's process leads a group; any living member of it that is ours tells.
process() {
	first "$root/shared/$name.pid"
	case $text in
	'' | 0 | 1 | *[!0-9]*) put service inactive; return ;;
	esac
	for pid in "$text" $(sed -n "s/^\([0-9]*\) (.*) [^ZX] [0-9]* $text [^)]*$/\1/p" /proc/[0-9]*/stat 2>/dev/null); do
		if ours "$pid"; then
			put service active
			runs "$pid"
			return
		fi
	done
	put service inactive
}

# Processes without a terminal whose directory or program is in a release.
found() {
	[ -n "${listed:-}" ] || listed=$(ls -l /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null)
	IFS= read -r own </proc/$$/stat
	own=$(set -- ${own##*) } && echo "$3")
	printf '%s\n' "$listed" | grep -F " -> $real/releases/" | sed 's|.*/proc/\([0-9]*\)/[a-z]* -> \(/.*\)|\1 \2|' | while read -r pid path; do
		IFS= read -r stat 2>/dev/null <"/proc/$pid/stat" || continue
		(set -- ${stat##*) } && [ "$1" != Z ] && [ "$3" != "$own" ] && [ "$5" = 0 ]) && put found "$path"
	done
}

who=$(id)
who=${who%% gid=*}
who=${who#uid=}
user=${who#*'('}
user=${user%')'}
put user "$user" "${who%%'('*}"
put home "$HOME"
for tool in unzip bsdtar tar gzip xz zstd curl wget sha256sum sha512sum sha1sum flock timeout setsid base64 readlink stat; do
	command -v "$tool" >/dev/null && put tool "$tool"
done
while [ $# -ge 6 ]; do
	name=$1 root=$2 current=$3 marker=$4 kind=$5 unit=$6
	shift 6
	case $root in
	'~' | '~/'*) root=$HOME${root#'~'} ;;
	esac
	real=$(cd -P "$root" 2>/dev/null && pwd -P) || real=$root
	put app "$name"
	put root "$root" "$real"
	place
	link
	linked
	releases
	state
	case $kind in
	systemd) systemd ;;
	process) process ;;
	commands) found ;;
	esac
done
echo end
exit 0`

// sudoScript asks, as the login user, whether units could be controlled without a password. Arguments: units.
const sudoScript = `[ "$(id -u)" != 0 ] || { echo end; exit 0; }
for unit do
	for verb in start stop; do
		sudo -n -l systemctl "$verb" "$unit" >/dev/null 2>&1 || echo "$unit"
	done
done
echo end
exit 0`
