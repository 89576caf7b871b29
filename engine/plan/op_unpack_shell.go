package plan

const shUnpackStart = `
archive=$root/.trikk/cache/$file
releases=$root/releases
dir=$releases/$release
if [ -f "$dir/.trikk/manifest.json" ]; then
	same "$release is complete already"
fi
umask 022
place "$releases"
[ -f "$archive" ] || fail "$archive is not there: fetch it first"
for left in "$releases/.$release.unpack".* "$releases/.$release.old".*; do
	[ ! -e "$left" ] || discard "$left"
done
stage=$(cd -P "$releases" && pwd -P)/.$release.unpack.$$
tree=$stage/0
trap 'discard "$stage"' EXIT
trap 'exit 129' HUP INT TERM
mkdir -p "$tree"
refuse() { fail "refused to unpack $file: $1"; }
`

const shZip = `
if command -v unzip >/dev/null; then
	names() { unzip -Z1 "$archive"; }
	declared() { LC_ALL=C unzip -Zt "$archive" 2>/dev/null | sed -n 's/.* \([0-9]*\) bytes uncompressed.*/\1/p'; }
	extract() { LC_ALL=C.UTF-8 unzip -qq -o "$archive" -d "$tree" || [ $? = 1 ]; }
elif command -v bsdtar >/dev/null; then
	names() { bsdtar -tf "$archive"; }
	declared() { :; }
	extract() { bsdtar -x --no-same-owner --no-same-permissions -f "$archive" -C "$tree"; }
else
	fail "unzip is not installed on this server: install it, or publish a tar.gz"
fi
`

const shTar = `
declared() { :; }
names() { tar -t -f - <"$archive"; }
extract() { tar -x --no-same-owner --no-same-permissions -f - -C "$tree" <"$archive"; }
`

// Each decompressor reads an archive on its input and writes a tar.
const shGzip = `
decompress() { gzip -dc; }
`

// An archive may ask xz for 4 GiB of memory: more than its largest preset takes, four times over, is refused. Options go through
// the environment, since there are several programs of that name. zstd refuses more than 128 MiB by itself.
const shXz = `
command -v xz >/dev/null || fail "xz is not installed on this server: install it (xz-utils on Debian and Ubuntu, else xz), or publish a tar.gz"
decompress() { XZ_DEFAULTS= XZ_OPT='-T1 -M256MiB' xz -dc; }
`

const shZstd = `
command -v zstd >/dev/null || fail "zstd is not installed on this server: install it, or publish a tar.gz"
decompress() { zstd -dcq; }
`

// What is decompressed is cut at the limit. How the decompressor ended is kept, since a pipe tells only how its last command did:
// 141 is that nobody reads on.
const shTarPacked = `
declared() { :; }
expand() {
	rm -f "$stage/ended"
	{ decompress <"$archive" || echo $? >"$stage/ended"; } | head -c "$limit"
}
whole() {
	[ -f "$stage/ended" ] || return 0
	[ "$(cat "$stage/ended")" -le 128 ] || echo "it is larger than $limit bytes"
	return 1
}
names() { expand | tar -t -f - && whole; }
extract() { expand | tar -x --no-same-owner --no-same-permissions -f - -C "$tree" && whole; }
`

// shLimit makes bytes of the limit. A file that grows beyond it ends the extraction, also where an archive lies about its sizes;
// the unit of ulimit is 512 bytes in some shells, 1 KiB in others.
const shLimit = `
size=$(wc -c <"$archive")
limit=$((limit * 1048576))
if [ "$limit" = 0 ]; then
	limit=$((size * 100))
	[ "$limit" -ge 1073741824 ] || limit=1073741824
fi
large() { refuse "it unpacks to more than $((limit / 1048576)) MiB: see unpackLimit of the artifact"; }
`

// Names are judged before anything is extracted.
const shExtract = `
why=$(names 2>&1 >"$stage/names") || {
	[ "$(cat "$stage/ended" 2>/dev/null || echo 0)" -le 128 ] || large
	refuse "its list can't be read: $(because "$why")"
}
[ "$(wc -l <"$stage/names")" -le 500000 ] || refuse "it has more than 500000 entries"
declared=$(declared)
[ "${declared:-0}" -le "$limit" ] || large
bad=$(LC_ALL=C grep -a -E '^[/\\]|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)' "$stage/names" | head -n 1)
[ -z "$bad" ] || refuse "a name in it leaves the release: $bad"
why=$( (ulimit -f $((limit / 512 + 1)) && extract) 2>&1) || {
	status=$?
	[ "$status" != 153 ] || large
	fail "unpacking $file: $(because "$why")"
}
used=$(du -s -B 1048576 "$tree" 2>/dev/null | cut -f 1) || used=
[ "${used:-0}" -le $((limit / 1048576 + 1)) ] || large
`

const shExtractNone = `
case /$as/ in
*/../*) refuse "$as leaves the release" ;;
esac
target=$tree/$as
why=$( { mkdir -p "${target%/*}" && cp "$archive" "$target" && chmod 644 "$target"; } 2>&1) || fail "copying $file: $(because "$why")"
`

// Each leading path element that goes makes a new tree; files above it go, as tar --strip-components has it.
const shStrip = `
chmod -R u+rwX "$tree"
level=0
while [ "$level" -lt "$strip" ]; do
	level=$((level + 1))
	next=$stage/$level
	mkdir "$next"
	why=$(find "$tree" -mindepth 2 -maxdepth 2 -exec /bin/sh -c '
		next=$1
		shift
		for path do
			to=$next/${path##*/}
			if [ -e "$to" ] || [ -L "$to" ]; then
				echo "two folders hold the same name: ${path##*/}"
			else
				mv -T "$path" "$to"
			fi
		done' sh "$next" {} + 2>&1)
	[ -z "$why" ] || refuse "strip $strip: $why"
	tree=$next
done
`

const shUnpackCheck = `
[ -n "$(ls -A "$tree")" ] || refuse "nothing is left of it"
[ ! -e "$tree/.trikk" ] && [ ! -L "$tree/.trikk" ] || refuse "it holds the name .trikk"
chmod -R u+rwX,go-w "$tree"
bad=$(find "$tree" ! -type f ! -type d ! -type l | head -n 1)
[ -z "$bad" ] || refuse "it holds a device, a pipe or a socket: ${bad#"$tree"/}"
bad=$(find "$tree" -type l -exec /bin/sh -c '
	tree=$1
	shift
	for link do
		case $(readlink "$link") in
		/*) ;;
		*)
			case $(readlink -m "$link")/ in
			"$tree"/*) continue ;;
			esac
			;;
		esac
		echo "${link#"$tree"/} -> $(readlink "$link")"
	done' sh "$tree" {} + | head -n 1)
[ -z "$bad" ] || refuse "a link in it leaves the release: $bad"
bad=$(find "$tree" -type f -links +1 -exec stat -c '%i %h' {} + | sort | uniq -c | while read -r seen _ links; do
	[ "$seen" = "$links" ] || echo "$links"
done)
[ -z "$bad" ] || refuse "a hard link in it leaves the release"
find "$tree" -type f \( -perm -4000 -o -perm -2000 \) -exec chmod ug-s {} +
`

// The empty folder .trikk says that trikk made the release; what else lies in releases is nobody's to replace or to prune.
const shUnpackEnd = `
[ ! -d "$dir" ] || [ -L "$dir" ] || [ -d "$dir/.trikk" ] || fail "$dir is there already, and trikk did not make it: move it away"
mkdir "$tree/.trikk"
if [ -e "$dir" ] || [ -L "$dir" ]; then
	[ -L "$dir" ] || keepedits "$dir" "$release"
	mv -T "$dir" "$releases/.$release.old.$$"
fi
mv -T "$tree" "$dir"
[ ! -e "$releases/.$release.old.$$" ] || discard "$releases/.$release.old.$$"
`
