package act

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	udiff "github.com/aymanbagabas/go-udiff"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// diffScript prints, for each edited file, two lines: what trikk wrote, and what is there now. A line is none, large or
// text and the content in hexadecimal. It changes nothing. Arguments: the root, then two a file: release and path.
const diffScript = `root=$1
shift
case $root in
'~' | '~/'*) root=$HOME${root#'~'} ;;
esac
show() {
	if [ ! -f "$1" ]; then
		echo none
	elif [ ! -r "$1" ] || [ "$(wc -c <"$1")" -gt 65536 ]; then
		echo large
	else
		echo "text $(head -c 65536 "$1" | od -An -v -tx1 | tr -d ' \n')"
	fi
}
while [ $# -ge 2 ]; do
	show "$root/releases/$1/.trikk/generated/$2"
	show "$root/releases/$1/$2"
	shift 2
done
echo end
exit 0`

const (
	diffFiles = 32   // of one app on one host: enough to see what is going on
	diffLines = 60   // of one diff
	diffBytes = 8192 // of one diff
)

// diffs reads what the edits of an app changed. Where nothing is edited nothing is asked.
func (w *looker) diffs(ctx context.Context, r host.Reader, v visit, app plan.App, s *seen) {
	args := []string{app.Layout.Root}
	for _, rel := range s.Releases {
		for _, path := range rel.Edited {
			if len(args) < 2*diffFiles {
				args = append(args, rel.Name, path)
			}
		}
	}
	if len(args) == 1 {
		return
	}
	out, err := r.Query(ctx, host.NewQuery(v.as, diffScript, args...))
	if err != nil {
		w.problems.addFor(v.host, app.Name, err)
		return
	}
	lines := strings.Split(strings.TrimSpace(string(out.Stdout)), "\n")
	if len(lines) != len(args) || lines[len(lines)-1] != "end" {
		w.problems.addFor(v.host, app.Name, fmt.Errorf("%s: reading edits of %s: %w", v.host, app.Name, errFacts))
		return
	}
	for i := 1; i < len(args); i += 2 {
		s.differ(args[i], args[i+1], diffOf(args[i+1], v.host, lines[i-1], lines[i]))
	}
}

// differ adds a diff to a release.
func (s *seen) differ(release, path, diff string) {
	for i := range s.Releases {
		if r := &s.Releases[i]; r.Name == release {
			if r.Diffs == nil {
				r.Diffs = map[string]string{}
			}
			r.Diffs[path] = diff
		}
	}
}

// diffOf is the unified diff of two lines of diffScript, or why there is none to show.
func diffOf(path, hostName, wrote, now string) string {
	old, shown := shownText(wrote)
	text, readable := shownText(now)
	switch {
	case now == "none":
		return "the file is missing"
	case wrote == "none":
		return "what it holds is not shown: trikk keeps no copy of what it wrote, as of files with secrets"
	case !shown || !readable:
		return "what it holds is not shown: it is large, no text, or may not be read"
	case old == text:
		return "it is as trikk wrote it again"
	}
	return cut(udiff.Unified(path+" as trikk wrote it", path+" on "+hostName, old, text))
}

// shownText is a file's content, if it is text.
func shownText(line string) (string, bool) {
	digits, ok := strings.CutPrefix(line, "text ")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || !utf8.Valid(b) || strings.ContainsRune(string(b), 0) {
		return "", false
	}
	return string(b), true
}

// cut keeps the beginning of a diff, and shows no control characters: a file's content must not drive a terminal.
func cut(diff string) string {
	lines := strings.Split(strings.TrimRight(diff, "\n"), "\n")
	size := 0
	for i, line := range lines {
		if size += len(line) + 1; i == diffLines || size > diffBytes {
			lines = append(lines[:i:i], fmt.Sprintf("… %d more lines", len(lines)-i))
			break
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '�'
		}
		return r
	}, strings.Join(lines, "\n")) + "\n"
}
