package proxy

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// includeChange replaces the files and reloads, or puts back what was there when the program does not like it. Another run that changes the
// same backend meanwhile is found out (75), and turns that are taken at once change it one after the other. The generation comes first: what
// is half done is told by a page that answers with another one.
//
// Backends that change at the same time share reloads: one waits for its turn to reload (9), and then may find that a reload which began after
// it had written both of its files (8) has ended well. Their generations are in the file .trikk-reloaded until the next reload.
const includeChange = `set -eu
dir=${file%/*} shared=
hold() { # FD WHAT
	flock -w 20 "$1" || fail "another change of $2 does not end"
}
if command -v flock >/dev/null; then
	shared="$dir/.trikk-reloaded" alone="$dir/.${file##*/}.lock"
	: >>"$alone" && : >>"$shared" || fail "files beside $file can't be written (is the disk full, and may $(id -un) write there?)"
	exec 7<"$alone" 8<"$dir" 9<"$shared"
	hold 7 "$file"
	hold 8 "the files in $dir"
fi
was=$(cat "$file"; echo .)
[ "$was" = "$old." ] || exit 75
IFS= read -r now <"$file.generation" || :
[ "$now" = "$after" ] || exit 75
before=$(cat "$file.generation")
put() {
	printf %s "$2" >"$1.new" && mv -fT "$1.new" "$1" || fail "$1 can't be written (is the disk full, and may $(id -un) write there?)"
}
back() {
	put "$file" "$old"
	put "$file.generation" "$before
"
}
put "$file.generation" "$generation"
put "$file" "$new"
seen=
if [ -n "$shared" ]; then
	flock -u 8
	flock -w 20 9 && flock -w 20 8 || fail "another reload by trikk does not end; $file is changed, and $program may have taken it or not"
	IFS= read -r now <"$file.generation"
	! grep -qxF -e "$now" "$shared" || exit 0
	seen=$(for one in "$dir"/*.generation; do IFS= read -r now <"$one" && printf '%s\n' "$now" || :; done)
	flock -u 8
fi
if ! why=$(sh -c "$test" 2>&1 7<&- 8<&- 9<&-); then
	back
	printf '%s\n' "$why"
	fail "$program does not take its configuration; nothing was changed"
fi
sh -c "$reload" 7<&- 8<&- 9<&- || fail "the reload ended with status $?"
[ -z "$shared" ] || printf '%s\n' "$seen" >"$shared" || :
`

// includeOvertaken is how includeChange ends when the servers are not those that it was made from.
const includeOvertaken = 75

// includeTries is how often a change is made anew because another one came first: turns that are taken at once all begin with it.
const includeTries = 50

// Out writes the server as out and reloads.
func (n include) Out(ctx context.Context, hs Hosts, p plan.Point) error {
	return n.set(ctx, hs, p, true)
}

// In takes that away and reloads.
func (n include) In(ctx context.Context, hs Hosts, p plan.Point) error {
	return n.set(ctx, hs, p, false)
}

func (n include) set(ctx context.Context, hs Hosts, p plan.Point, out bool) error {
	h, err := hs.Host(ctx, p.Proxy)
	if err != nil {
		return err
	}
	for range includeTries {
		r, err := n.try(ctx, h, p, out)
		switch {
		case err != nil:
			return err
		case r.Exit == 0:
			return nil
		case r.Exit != includeOvertaken:
			return fmt.Errorf("changing %s on %s: %s", n.file(p), p.Proxy, tail(r.Output))
		}
	}
	return fmt.Errorf("%s on %s was changed by others %d times while trikk changed it", n.file(p), p.Proxy, includeTries)
}

// try makes the change from what is there now.
func (n include) try(ctx context.Context, h host.Host, p plan.Point, out bool) (host.Record, error) {
	seen, err := n.read(ctx, h, p, "")
	if err != nil {
		return host.Record{}, err
	}
	s, err := n.member(p, seen)
	if err != nil {
		return host.Record{}, err
	}
	next, err := n.syntax.parse(seen.text).with(p.Member, out)
	if err != nil {
		return host.Record{}, stop(fmt.Errorf("%s on %s: %w", n.file(p), p.Proxy, err))
	}
	var b strings.Builder
	for _, v := range [][2]string{
		{"program", n.program}, {"file", n.file(p)}, {"old", seen.text}, {"new", next.String()},
		{"after", seen.generation}, {"generation", n.next(seen, rand.Text(), s.address)}, {"test", n.test}, {"reload", n.reload},
	} {
		b.WriteString(v[0] + "=" + shellescape.Quote(v[1]) + "\n")
	}
	return runStep(ctx, h, "", host.ScriptStep{ID: n.program, Text: b.String() + includeChange})
}
