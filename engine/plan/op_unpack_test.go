package plan_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"trikk.dev/engine/plan"
)

// onArchives runs a test for each shell and each format of archive; without TRIKK_FULL=1 not for tar.xz and tar.zst, which differ
// from tar.gz in their decompressor only. What can go wrong with that is in TestUnpackPacked always.
func onArchives(t *testing.T, test func(t *testing.T, s *server, format string)) {
	t.Helper()
	onShells(t, func(t *testing.T, s *server) {
		for format := range makers {
			if os.Getenv("TRIKK_FULL") == "" && (format == "tar.xz" || format == "tar.zst") {
				continue
			}
			t.Run(format, func(t *testing.T) {
				fresh := newServer(t, s.shell)
				test(t, fresh, format)
			})
		}
	})
}

func TestUnpack(t *testing.T) {
	onArchives(t, func(t *testing.T, s *server, format string) {
		entries := []entry{
			folder("hello"), program("hello/bin/hello.sh", "#!/bin/sh\n"), file("hello/lib/a.jar", "jar"), symlink("hello/lib/b.jar", "a.jar"),
			symlink("hello/bin/up", "../lib/a.jar"), symlink("hello/dangling", "not/yet"), {name: "hello/secret", body: "s", mode: 0o600},
			{name: "hello/root", body: "r", mode: 0o4755}, {name: "hello/open", body: "w", mode: 0o666},
			folder("hello/..data"), file("hello/..data/a..b", "dots"),
		}
		for _, name := range nasty {
			if format == "zip" && strings.ContainsAny(name, "\\") {
				continue // unzip reads it as a path of Windows
			}
			entries = append(entries, file("hello/names/"+name, name))
		}
		s.cache("a-hello.arc", makers[format](t, entries))
		op := plan.Unpack{Root: "~/hello", File: "a-hello.arc", Release: "1.0-aa", Format: format, Strip: 1}
		s.changes(op)
		for path, want := range map[string]os.FileMode{"bin/hello.sh": 0o755, "lib/a.jar": 0o644, "secret": 0o600, "root": 0o755, "open": 0o644} {
			if got := s.mode("releases/1.0-aa/" + path); got != want {
				t.Errorf("%s has mode %o, want %o", path, got, want)
			}
		}
		if info, err := os.Stat(s.root + "/releases/1.0-aa/root"); err != nil || info.Mode()&os.ModeSetuid != 0 {
			t.Errorf("a setuid bit was unpacked: %v", err)
		}
		if info, err := os.Stat(s.root + "/releases/1.0-aa/lib/a.jar"); err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != os.Getuid() {
			t.Errorf("an owner was restored: %v", err)
		}
		if s.read("releases/1.0-aa/bin/up") != "jar" || s.read("releases/1.0-aa/lib/b.jar") != "jar" || s.read("releases/1.0-aa/..data/a..b") != "dots" {
			t.Error("links or dots are wrong")
		}
		for _, name := range nasty {
			if format == "zip" && strings.ContainsAny(name, "\\\n\t") {
				continue // unzip changes control characters
			}
			if got := s.read("releases/1.0-aa/names/" + name); got != name {
				t.Errorf("%q reads %q", name, got)
			}
		}
		s.nothingLeft()
		s.write("releases/1.0-aa/stray", "of an earlier try")
		s.changes(op)
		if s.exists("releases/1.0-aa/stray") {
			t.Error("an incomplete release was kept")
		}
		s.changes(plan.Record{What: "complete", Root: s.root, Release: "1.0-aa", Manifest: &plan.Manifest{}})
		s.write("releases/1.0-aa/kept", "")
		s.same(op)
		if !s.exists("releases/1.0-aa/kept") {
			t.Error("a complete release was replaced")
		}
		s.nothingLeft()
	})
}

// nothingLeft asserts that no staging directory is left.
func (s *server) nothingLeft() {
	s.t.Helper()
	left, err := filepath.Glob(s.root + "/releases/.*")
	if err != nil || len(left) > 0 {
		s.t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestUnpackStrip(t *testing.T) {
	onArchives(t, func(t *testing.T, s *server, format string) {
		s.cache("a.arc", makers[format](t, []entry{
			file("README", "goes"), file("a/b/one", "1"), file("a/b/deep/x", "x"), file("a/c/two", "2"), file("d/e/three", "3"), file("a/.hidden/four", "4"), file("a/goes", ""),
			{name: "a/closed", mode: 0o555, kind: tar.TypeDir},
		}))
		op := plan.Unpack{Root: s.root, File: "a.arc", Release: "1.0-aa", Format: format, Strip: 2}
		s.changes(op)
		for path, want := range map[string]string{"one": "1", "deep/x": "x", "two": "2", "three": "3", "four": "4"} {
			if got := s.read("releases/1.0-aa/" + path); got != want {
				t.Errorf("%s reads %q", path, got)
			}
		}
		if s.exists("releases/1.0-aa/goes") || s.exists("releases/1.0-aa/README") {
			t.Error("what is above the stripped elements was kept")
		}
		op.Release, op.Strip = "2.0-bb", 9
		s.fails(op, "nothing is left of it")
		s.cache("b.arc", makers[format](t, []entry{file("a/x", "1"), file("b/x", "2")}))
		s.fails(plan.Unpack{Root: s.root, File: "b.arc", Release: "2.0-bb", Format: format, Strip: 1}, "two folders hold the same name: x")
		s.cache("c.arc", makers[format](t, []entry{file("a/x", "1"), symlink("a/up", "../out"), file("out", "2")}))
		s.fails(plan.Unpack{Root: s.root, File: "c.arc", Release: "2.0-bb", Format: format, Strip: 1}, "a link in it leaves the release: up -> ../out")
		s.nothingLeft()
		if s.exists("releases/2.0-bb") {
			t.Error("a refused archive left a release")
		}
	})
}

func TestFault30UnpackRefuses(t *testing.T) {
	outside := "outside"
	evil := map[string][]entry{
		"zip slip":             {file("ok", ""), file("../../../"+outside+"/pwned", "x")},
		"slip in the middle":   {file("a/../../../../"+outside+"/pwned", "x")},
		"slip at the end":      {file("a/x", ""), folder("a/..")},
		"backslash":            {file(`..\..\..\`+outside+`\pwned`, "x")},
		"absolute":             {file("HOME/"+outside+"/pwned", "x")},
		"absolute link":        {symlink("etc", "/etc"), file("ok", "")},
		"escaping link":        {symlink("up", "../../.."), file("ok", "")},
		"link through a link":  {symlink("a", "."), symlink("b", "a/../.."), file("ok", "")},
		"file through a link":  {symlink("x", "HOME/"+outside), file("x/pwned", "x")},
		"file through a chain": {symlink("d", "../../.."), symlink("e", "d/"+outside), file("e/pwned", "x")},
		"marker of ours":       {file(".trikk/manifest.json", "{}"), file("ok", "")},
		"marker as a link":     {symlink(".trikk", "ok"), file("ok", "")},
		"nothing":              {},
		"link with a line end": {symlink("a\nb", "../../.."), file("ok", "")},
	}
	tars := map[string][]entry{
		"hard link outside":   {hardlink("h", "HOME/"+outside+"/theirs"), file("ok", "")},
		"hard link upwards":   {hardlink("h", "../../../"+outside+"/theirs"), file("ok", "")},
		"write a hard link":   {symlink("s", "HOME/"+outside+"/theirs"), hardlink("h", "s"), file("h", "pwned")},
		"pipe":                {{name: "p", kind: tar.TypeFifo, mode: 0o644}, file("ok", "")},
		"character device":    {{name: "c", kind: tar.TypeChar, mode: 0o644}, file("ok", "")},
		"block device":        {{name: "b", kind: tar.TypeBlock, mode: 0o644}, file("ok", "")},
		"hard link to a link": {symlink("s", "../../../"+outside), hardlink("h", "s"), file("h/pwned", "x")},
	}
	onArchives(t, func(t *testing.T, s *server, format string) {
		run := func(name string, entries []entry) {
			t.Run(name, func(t *testing.T) {
				s := newServer(t, s.shell)
				check(t, os.Mkdir(filepath.Join(s.home, outside), 0o755))
				theirs := filepath.Join(s.home, outside, "theirs")
				check(t, os.WriteFile(theirs, []byte("theirs"), 0o644))
				var crafted []entry
				for _, e := range entries {
					e.name = strings.ReplaceAll(e.name, "HOME", s.home)
					e.link = strings.ReplaceAll(e.link, "HOME", s.home)
					crafted = append(crafted, e)
				}
				s.cache("evil.arc", makers[format](t, crafted))
				s.fails(plan.Unpack{Root: s.root, File: "evil.arc", Release: "1.0-aa", Format: format}, "evil.arc")
				s.nothingLeft()
				if s.exists("releases/1.0-aa") || exists(filepath.Join(s.home, outside, "pwned")) {
					t.Error("the archive had an effect")
				}
				if b, err := os.ReadFile(theirs); err != nil || string(b) != "theirs" {
					t.Errorf("a file outside reads %q, %v", b, err)
				}
			})
		}
		for name, entries := range evil {
			run(name, entries)
		}
		if format != "zip" {
			for name, entries := range tars {
				run(name, entries)
			}
		}
	})
}

// TestFault30ZipBomb: an archive that unpacks to more than it may is refused, and nothing of it is left.
func TestFault30ZipBomb(t *testing.T) {
	zeros := strings.Repeat("\x00", 3<<20)
	onArchives(t, func(t *testing.T, s *server, format string) {
		if format == "tar" {
			return // it is as large as what is in it
		}
		s.complete("0.9-aa")
		s.changes(plan.Link{Root: s.root, Name: "current", Release: "0.9-aa"})
		for name, entries := range map[string][]entry{
			"one file": {file("zeros", zeros)}, "many files": {file("a", zeros[:1<<20]), file("b", zeros[:1<<20]), file("c", zeros[:1<<20])},
		} {
			s.cache("bomb.arc", makers[format](t, entries))
			op := plan.Unpack{Root: s.root, File: "bomb.arc", Release: "1.0-aa", Format: format, Limit: 2}
			s.fails(op, "refused to unpack bomb.arc: it unpacks to more than 2 MiB: see unpackLimit of the artifact")
			s.nothingLeft()
			if s.exists("releases/1.0-aa") || s.target("current") != "releases/0.9-aa" {
				t.Errorf("%s: the bomb left something", name)
			}
			op.Limit, op.Release = 4, "2.0-aa"
			s.changes(op)
			op.Limit, op.Release = 0, "3.0-aa"
			s.changes(op)
		}
		s.cache("bomb.arc", makers[format](t, []entry{file("a", strings.Repeat("0123456789abcdef", 1000)), file("b", zeros)}))
		whole := s.read(".trikk/cache/bomb.arc")
		s.cache("bomb.arc", []byte(whole[:len(whole)-20]))
		s.fails(plan.Unpack{Root: s.root, File: "bomb.arc", Release: "4.0-aa", Format: format, Limit: 9}, "bomb.arc")
		s.nothingLeft()
	})
}

// A zip that says less than it holds is cut off where the limit is.
func TestFault30LyingZip(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		whole := makeZip(t, []entry{file("zeros", strings.Repeat("\x00", 6<<20))})
		size := []byte{0, 0, 0x60, 0} // 6 MiB, little endian
		if bytes.Count(whole, size) == 0 {
			t.Fatal("the size is not found")
		}
		s.cache("bomb.arc", bytes.ReplaceAll(whole, size, []byte{0, 1, 0, 0}))
		s.fails(plan.Unpack{Root: s.root, File: "bomb.arc", Release: "1.0-aa", Format: "zip", Limit: 1}, "bomb.arc")
		s.nothingLeft()
		if s.exists("releases/1.0-aa") {
			t.Error("the bomb left something")
		}
	})
}

// A file in place of a link of the same archive may be unpacked or refused; it is never written through the link.
func TestUnpackFileOverLink(t *testing.T) {
	onArchives(t, func(t *testing.T, s *server, format string) {
		pwned := filepath.Join(s.home, "pwned")
		s.cache("evil.arc", makers[format](t, []entry{symlink("x", pwned), file("x", "x")}))
		s.do(plan.Unpack{Root: s.root, File: "evil.arc", Release: "1.0-aa", Format: format})
		s.nothingLeft()
		if info, err := os.Lstat(s.root + "/releases/1.0-aa/x"); err == nil && !info.Mode().IsRegular() {
			t.Error("the link was unpacked")
		}
		if exists(pwned) {
			t.Error("the file was written through the link")
		}
	})
}

func TestUnpackFails(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		op := plan.Unpack{Root: s.root, File: "a.zip", Release: "1.0-aa", Format: "zip"}
		s.fails(op, "a.zip is not there: fetch it first")
		for format := range makers {
			s.cache("a.zip", []byte("this is no archive"))
			op.Format = format
			if said := s.fails(op, "refused to unpack a.zip: its list can't be read"); strings.Count(strings.TrimSpace(said), "\n") > 0 {
				t.Errorf("%s: the reason is not one line:\n%s", format, said)
			}
			whole := makers[format](t, []entry{file("a", strings.Repeat("0123456789", 1000)), file("b", strings.Repeat("x", 5000))})
			s.cache("a.zip", whole[:len(whole)/3])
			s.fails(op, "a.zip")
			s.nothingLeft()
		}
		op.Format = "rar"
		s.fails(op, "format rar")
		s.only()
		op.Format = "zip"
		s.cache("a.zip", makeZip(t, []entry{file("a", "1")}))
		s.fails(op, "unzip is not installed on this server")
		s.nothingLeft()
		if s.exists("releases/1.0-aa") {
			t.Error("a failed unpack left a release")
		}
		s.write("releases/1.0-aa/precious", "somebody's")
		s.cache("a.jar", []byte("jar"))
		s.fails(plan.Unpack{Root: s.root, File: "a.jar", Release: "1.0-aa", Format: "none"}, "releases/1.0-aa is there already, and trikk did not make it: move it away")
		if !s.exists("releases/1.0-aa/precious") {
			t.Error("a folder that trikk did not make was replaced")
		}
	})
}

func TestUnpackWithBsdtar(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		// The fake answers as bsdtar does; a zip is unpacked by the real unzip behind it.
		s.only("unzip", "bsdtar")
		check(t, os.Remove(s.home+"/bin/unzip"))
		if !exists(s.home + "/bin/bsdtar") {
			check(t, os.WriteFile(s.home+"/bin/bsdtar", []byte("#!/bin/sh\ncase $1 in -tf) exec "+lookUnzip(t)+" -Z1 \"$2\";; esac\nexec "+lookUnzip(t)+" -qq \"$5\" -d \"$7\"\n"), 0o755))
		}
		s.cache("a.zip", makeZip(t, []entry{program("bin/x", "1"), symlink("y", "bin/x")}))
		s.changes(plan.Unpack{Root: s.root, File: "a.zip", Release: "1.0-aa", Format: "zip"})
		if s.read("releases/1.0-aa/y") != "1" || s.mode("releases/1.0-aa/bin/x") != 0o755 {
			t.Error("bsdtar unpacked something else")
		}
	})
}

func lookUnzip(t *testing.T) string {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if exists(filepath.Join(dir, "unzip")) {
			return filepath.Join(dir, "unzip")
		}
	}
	t.Fatal("unzip is not installed")
	return ""
}

func TestUnpackNone(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.cache("aa-app.jar", []byte("jar"))
		s.changes(plan.Unpack{Root: "~/hello", File: "aa-app.jar", Release: "1.0-aa", Format: "none", As: "lib/app.jar"})
		if s.read("releases/1.0-aa/lib/app.jar") != "jar" || s.mode("releases/1.0-aa/lib/app.jar") != 0o644 {
			t.Error("the file was copied wrong")
		}
		for _, name := range nasty {
			s.changes(plan.Unpack{Root: "~/hello", File: "aa-app.jar", Release: "2.0-bb", Format: "none", As: name})
			if s.read("releases/2.0-bb/"+name) != "jar" {
				t.Errorf("%q was copied wrong", name)
			}
		}
		s.fails(plan.Unpack{Root: s.root, File: "aa-app.jar", Release: "3.0-cc", Format: "none", As: "../x"}, "leaves the release")
		s.nothingLeft()
	})
}

func TestFault06FullDisk(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.fake("tar", "#!/bin/sh\ncase \" $* \" in *' -t '*) cat >/dev/null; echo a; exit;; esac\necho 'tar: a: Cannot write: No space left on device' >&2\nexit 2\n")
		s.cache("a.tar", makeTar(t, []entry{file("a", "1")}))
		s.fails(plan.Unpack{Root: s.root, File: "a.tar", Release: "1.0-aa", Format: "tar"}, "the disk of ", " is full")
		s.nothingLeft()
	})
}
