package act_test

import (
	"slices"
	"strings"
	"testing"

	"trikk.dev/engine/act"
	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// generate makes a complete release with generated files, each recorded as trikk records it.
const generate = `generate() {
	release=$1
	shift
	mkdir -p "apps/web/releases/$release/.trikk" apps/web/.trikk
	(
		cd "apps/web/releases/$release"
		for name do
			mkdir -p "$(dirname -- "./$name")"
			printf 'a=1\n' >"./$name"
		done
		[ $# = 0 ] || sha256sum -- "$@" >.trikk/files
		printf '{"app":"web","release":"%s","version":"1.0","artifact":"a","digest":"b"}\n' "$release" >.trikk/manifest.json
	)
}
`

func TestEditedFiles(t *testing.T) {
	odd := `'-q uo"te  two' 'back\slash\n' 'new
line' '$(touch pwned)'`
	tests := []struct {
		name, then string
		edited     []string
	}{
		{"as they were written", "true", nil},
		{"edited", "echo b=2 >>$r/config/x.properties", []string{"config/x.properties"}},
		{"touched only", "touch $r/config/x.properties; chmod 600 $r/plain", nil},
		{"missing", "rm $r/plain", []string{"plain"}},
		{"a directory instead", "rm $r/plain; mkdir $r/plain", []string{"plain"}},
		{"a pipe instead", "rm $r/plain; mkfifo $r/plain", []string{"plain"}},
		{"all edited, odd names", `for f in plain config/x.properties ` + odd + `; do echo x >"$r/$f"; done`,
			[]string{"$(touch pwned)", `-q uo"te  two`, `back\slash\n`, "config/x.properties", "new\nline", "plain"}},
		{"a record that leaves the release", `echo x >"$HOME/secret"; echo "0000  ../../../../secret" >>$r/.trikk/files`, nil},
		{"an empty record", ": >$r/.trikk/files", nil},
		{"no record", "rm $r/.trikk/files; echo b=2 >>$r/plain", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, "app01")
			f.sh("app01", generate+"generate 0.9-z plain; generate 1.0-a plain config/x.properties "+odd+"\nr=apps/web/releases/1.0-a\n"+tt.then)
			got := f.look("app01")
			if len(got.Releases) != 2 || !got.Releases[1].Complete || len(got.Releases[0].Edited) > 0 {
				t.Fatalf("releases %+v", got.Releases)
			}
			if e := got.Releases[1].Edited; !slices.Equal(e, tt.edited) {
				t.Errorf("edited are %q, want %q", e, tt.edited)
			}
		})
	}
}

// TestLinkedFacts: with what the link op itself recorded.
func TestLinkedFacts(t *testing.T) {
	two := generate + "generate 1.0-a; generate 2.0-b\n"
	link := "ln -sfn releases/2.0-b apps/web/current; "
	tests := []struct{ name, then, current, linked string }{
		{"nothing recorded", link, "2.0-b", ""},
		{"as recorded", link + "echo 2.0-b >apps/web/.trikk/linked", "2.0-b", "2.0-b"},
		{"by hand", link + "echo 1.0-a >apps/web/.trikk/linked", "2.0-b", "1.0-a"},
		{"removed by hand", "echo 1.0-a >apps/web/.trikk/linked", "", "1.0-a"},
		{"died before the switch", link + `printf '1.0-a\n2.0-b\n' >apps/web/.trikk/linked`, "2.0-b", "2.0-b"},
		{"died after the switch", link + `printf '2.0-b\n1.0-a\n' >apps/web/.trikk/linked`, "2.0-b", "2.0-b"},
		{"died before the first switch", `printf '2.0-b\n\n' >apps/web/.trikk/linked`, "", ""},
		{"died, then by hand", link + `printf '3.0-c\n1.0-a\n' >apps/web/.trikk/linked`, "2.0-b", "3.0-c"},
		{"empty", link + `: >apps/web/.trikk/linked`, "2.0-b", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, "app01")
			f.sh("app01", two+tt.then)
			if got := f.look("app01"); got.Current != tt.current || got.Linked != tt.linked {
				t.Errorf("current %q, linked %q, want %q and %q", got.Current, got.Linked, tt.current, tt.linked)
			}
		})
	}
}

// What the ops write is what the facts read.
func TestFactsReadWhatOpsRecord(t *testing.T) {
	f := newFleet(t, "app01")
	root, home := "~/apps/web", f.servers["app01"].Home()
	f.sh("app01", "mkdir -p apps/web/releases/1.0-a apps/web/.trikk")
	for _, op := range []plan.Op{
		plan.Write{Root: root, Release: "1.0-a", Path: "c/x y", Content: "ours", Mode: "0644", Keep: "R"},
		plan.Record{What: "complete", Root: root, Release: "1.0-a", Manifest: &plan.Manifest{App: "web", Release: "1.0-a", Version: "1.0"}},
		plan.Record{What: "trial", Root: root, Release: "1.0-a"},
		plan.Link{Root: root, Name: "current", Release: "1.0-a"},
	} {
		f.sh("app01", "HOME="+home+"\nsame() { exit 0; }; fail() { echo \"$*\" >&2; exit 1; }\n"+op.Script())
	}
	if got := f.look("app01"); got.Linked != "1.0-a" || got.Trial != "1.0-a" || len(got.Releases) != 1 || len(got.Releases[0].Edited) > 0 {
		t.Fatalf("facts %+v", got)
	}
	f.sh("app01", "echo theirs >'apps/web/releases/1.0-a/c/x y'")
	if got := f.look("app01"); !slices.Equal(got.Releases[0].Edited, []string{"c/x y"}) {
		t.Errorf("edited %q", got.Releases[0].Edited)
	}
}

// TestDiffs: what an edit changed is read where something is edited, and shown where that can be done safely.
func TestDiffs(t *testing.T) {
	pristine := "mkdir -p $r/.trikk/generated; cp $r/plain $r/.trikk/generated/plain\n"
	tests := []struct{ name, then, want string }{
		{"edited", pristine + "echo b=2 >>$r/plain", "--- plain as trikk wrote it\n+++ plain on app01\n@@ -1 +1,2 @@\n a=1\n+b=2\n"},
		{"missing", pristine + "rm $r/plain", "the file is missing"},
		{"no copy, as of files with secrets", "echo password=x >>$r/plain", "what it holds is not shown: trikk keeps no copy of what it wrote, as of files with secrets"},
		{"binary", pristine + `printf 'a\000b' >$r/plain`, "what it holds is not shown: it is large, no text, or may not be read"},
		{"not UTF-8", pristine + `printf 'a\377b' >$r/plain`, "what it holds is not shown: it is large, no text, or may not be read"},
		{"large", pristine + `head -c 70000 /dev/zero | tr '\0' a >$r/plain`, "what it holds is not shown: it is large, no text, or may not be read"},
		{"a terminal's codes", pristine + `printf '\033[2Jx\r\n' >$r/plain`, "--- plain as trikk wrote it\n+++ plain on app01\n@@ -1 +1 @@\n-a=1\n+�[2Jx�\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, "app01")
			f.sh("app01", generate+"generate 1.0-a plain\nr=apps/web/releases/1.0-a\n"+tt.then)
			if got := f.look("app01").Releases[0].Diffs["plain"]; got != tt.want {
				t.Errorf("the diff is %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("many lines", func(t *testing.T) {
		f := newFleet(t, "app01")
		f.sh("app01", generate+"generate 1.0-a plain\nr=apps/web/releases/1.0-a\n"+pristine+"for i in 0 1 2 3 4 5 6 7 8 9; do for j in 0 1 2 3 4 5 6 7 8 9; do echo $i$j; done; done >$r/plain")
		got := f.look("app01").Releases[0].Diffs["plain"]
		if strings.Count(got, "\n") != 61 || !strings.HasSuffix(got, "\n… 44 more lines\n") {
			t.Errorf("the diff is\n%s", got)
		}
	})
}

// Where nothing is edited, nothing more is asked; where something is, only then.
func TestDiffsAreAskedForEdits(t *testing.T) {
	app := plan.App{Name: "web", Servers: []string{"app01"}, Layout: plan.Layout{Root: "/srv/web", Current: "current"}}
	h := hosttest.New(t, "app01")
	h.OnQuery("/srv/web").Reply(host.Output{Stdout: []byte("user deploy 1000\nhome /h\napp web\nroot /srv/web /srv/web\nrelease 1.0-a\nmanifest " + manifest("1.0-a", "1.0") + "\nedited c/x\nend\n")})
	h.OnQuery(".trikk/generated").Reply(host.Output{Stdout: []byte("text 613d310a\ntext 613d320a\nend\n")})
	g := act.Gatherer{Readers: proxy.ReadersOf(fakes{"app01": h})}
	v, err := g.Look(t.Context(), plan.Environment{}, []plan.App{app})
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Facts.Apps["web"]["app01"].Releases[0].Diffs["c/x"]; !strings.Contains(got, "-a=1\n+a=2\n") {
		t.Errorf("the diff is %q", got)
	}
}
