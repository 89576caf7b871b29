package survey

// processScript reads all processes of one server in one round trip, with a handful of programs however many processes there are. It
// changes nothing. Lines of text come first, then the line "records", then records that end with NUL: no argument and no name of a
// program can hold one, so no process can pretend to be another. Processes that end while they are read are left out.
//
// Where a process works is told by its own user only: each user of an app is asked for its own, through sudo. One that may not be asked
// tells nothing.
//
// Arguments: the users of apps that are not the login user, separated by spaces; then four an app: its user ("": login), its number, its
// root, its name.
const processScript = `LC_ALL=C
export LC_ALL
inner='who=$1
shift
while [ $# -ge 4 ]; do
	if [ "$1" = "$who" ]; then
		case $3 in
		"~/"*) root=$HOME${3#"~"} ;;
		*) root=$3 ;;
		esac
		real=$(cd -P "$root" 2>/dev/null && pwd -P) || real=$root
		printf "root %s %s\n" "$2" "$real"
		pid=
		IFS= read -r pid 2>/dev/null <"$real/shared/$4.pid" || :
		case $pid in
		"" | 0 | 1 | *[!0-9]*) ;;
		*) printf "leader %s %s\n" "$2" "$pid" ;;
		esac
	fi
	shift 4
done
ls -lnb /proc/[0-9]*/cwd 2>/dev/null
exit 0'
users=$1
shift
/bin/sh -c "$inner" sh '' "$@"
for user in $users; do
	sudo -n -H -u "$user" /bin/sh -c "$inner" sh "$user" "$@" 2>/dev/null
done
IFS=' ' read -r up rest </proc/uptime
echo "uptime $up"
echo "ticks $(getconf CLK_TCK 2>/dev/null || echo 100)"
echo "self $$"
ids=$(sed -n 's/^Uid:[^0-9]*[0-9]*[^0-9]*\([0-9]*\).*/\1/p' /proc/[0-9]*/status 2>/dev/null | sort -u)
if command -v getent >/dev/null; then
	getent passwd $ids $users
else
	cat /etc/passwd
fi 2>/dev/null | sed 's/^/user /'
grep -aHE '^(Uid|VmRSS|VmSwap):' /proc/[0-9]*/status 2>/dev/null
grep -aHm 1 '\.service' /proc/[0-9]*/cgroup 2>/dev/null
echo records
grep -azH '' /proc/[0-9]*/stat /proc/[0-9]*/cmdline 2>/dev/null
printf 'end\000'
exit 0`
