package plan_test

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// TestUnpackPacked: what depends on the decompressor of a tar.
func TestUnpackPacked(t *testing.T) {
	entries := []entry{file("hello/a", "1"), program("hello/bin/x", "2"), symlink("hello/link", "a"), file("hello/zeros", strings.Repeat("\x00", 3<<20))}
	onShells(t, func(t *testing.T, s *server) {
		for _, format := range []string{"tar.xz", "tar.zst"} {
			op := plan.Unpack{Root: s.root, File: "a.arc", Release: "1.0-" + format, Format: format, Strip: 1, Limit: 4}
			whole := makers[format](t, entries)
			s.cache(op.File, whole)
			s.changes(op)
			if s.read("releases/"+op.Release+"/link") != "1" || s.mode("releases/"+op.Release+"/bin/x") != 0o755 {
				t.Errorf("%s: something else was unpacked", format)
			}
			op.Release = "2.0-" + format
			op.Limit = 2
			s.fails(op, "refused to unpack a.arc: it unpacks to more than 2 MiB: see unpackLimit of the artifact")
			op.Limit = 4
			s.cache(op.File, whole[:len(whole)-20])
			s.fails(op, "refused to unpack a.arc: its list can't be read: ")
			s.cache(op.File, makers[format](t, []entry{file("hello/../../../pwned", "x")}))
			s.fails(op, "a name in it leaves the release: hello/../../../pwned")
			s.cache(op.File, makers[format](t, []entry{symlink("hello/up", "../.."), file("hello/up/pwned", "x")}))
			s.fails(op, "a.arc")
			s.nothingLeft()
			if s.exists("releases/"+op.Release) || exists(s.home+"/pwned") || s.exists("pwned") {
				t.Errorf("%s: a refused archive had an effect", format)
			}
		}
	})
}

// TestUnpackWithoutItsTool: what is missing is named before anything is unpacked.
func TestUnpackWithoutItsTool(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		s.only()
		for format, says := range map[string]string{
			"tar.xz":  "xz is not installed on this server: install it (xz-utils on Debian and Ubuntu, else xz), or publish a tar.gz",
			"tar.zst": "zstd is not installed on this server: install it, or publish a tar.gz",
		} {
			s.cache("a.arc", makers[format](t, []entry{file("a", "1")}))
			s.fails(plan.Unpack{Root: s.root, File: "a.arc", Release: "1.0-aa", Format: format}, says)
			s.nothingLeft()
		}
	})
}

// TestFault30MemoryBomb: an archive that wants gigabytes of memory to be decompressed is refused, however small it is.
func TestFault30MemoryBomb(t *testing.T) {
	onShells(t, func(t *testing.T, s *server) {
		entries := []entry{file("a", "1")}
		for format, bomb := range map[string]struct {
			archive []byte
			says    string
		}{
			"tar.xz":  {wideXz(t, makeTarXz(t, entries)), "emory usage limit"},
			"tar.zst": {wideZst(makeTar(t, entries)), "emory"},
		} {
			s.cache("bomb.arc", bomb.archive)
			s.fails(plan.Unpack{Root: s.root, File: "bomb.arc", Release: "1.0-aa", Format: format}, "refused to unpack bomb.arc: its list can't be read", bomb.says)
			s.nothingLeft()
		}
	})
}

// wideXz makes the first block of an xz file ask for a dictionary of 4 GiB.
func wideXz(t *testing.T, content []byte) []byte {
	t.Helper()
	const header, size = 12, 12 // of the stream, and of a block with one filter and no sizes
	block := content[header : header+size]
	if block[0] != 2 || block[1] != 0 || block[2] != 0x21 {
		t.Fatalf("the block begins with % x", block)
	}
	block[4] = 40
	binary.LittleEndian.PutUint32(block[8:], crc32.ChecksumIEEE(block[:8]))
	return content
}

// wideZst is a zstd file of one raw block whose window is 2 GiB.
func wideZst(content []byte) []byte {
	out := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3}
	size := len(content)<<3 | 1
	return append(append(out, byte(size), byte(size>>8), byte(size>>16)), content...)
}

func TestArchiveFormat(t *testing.T) {
	yes, no := true, false
	for name, want := range map[string][3]string{ // by default, with unpack: true, with unpack: false
		"a.zip": {"zip", "zip", "none"}, "a.tar": {"tar", "tar", "none"}, "a.tar.gz": {"tar.gz", "tar.gz", "none"}, "A.TGZ": {"tar.gz", "tar.gz", "none"},
		"a.tar.xz": {"tar.xz", "tar.xz", "none"}, "a.txz": {"tar.xz", "tar.xz", "none"}, "a.tar.zst": {"tar.zst", "tar.zst", "none"}, "a.tzst": {"tar.zst", "tar.zst", "none"},
		"a.jar": {"none", "zip", "none"}, "a.xz": {"none", "zip", "none"}, "tar.xz": {"none", "zip", "none"},
	} {
		for i, unpack := range []*bool{nil, &yes, &no} {
			if got := plan.ArchiveFormat(plan.ArtifactOptions{Unpack: unpack}, name); got != want[i] {
				t.Errorf("%s, case %d: %s, want %s", name, i, got, want[i])
			}
		}
	}
}
