package plan

import (
	"slices"
	"strings"
)

// archiveFormats are the formats by the end of a file's name.
func archiveFormats() []struct{ ending, format string } {
	return []struct{ ending, format string }{
		{".tar.gz", "tar.gz"}, {".tgz", "tar.gz"}, {".tar.xz", "tar.xz"}, {".txz", "tar.xz"}, {".tar.zst", "tar.zst"}, {".tzst", "tar.zst"},
		{".tar", "tar"}, {".zip", "zip"},
	}
}

// unpackable says what is unpacked.
const unpackable = "zip, tar, tar.gz, tar.xz and tar.zst"

// ArchiveFormat tells how an artifact of that file name is unpacked: zip, tar, tar.gz, tar.xz, tar.zst or none. What is no archive
// by its name is a zip where the options want it unpacked: jar, war and their kin.
func ArchiveFormat(o ArtifactOptions, file string) string {
	if o.Unpack != nil && !*o.Unpack {
		return "none"
	}
	name := strings.ToLower(file)
	for _, a := range archiveFormats() {
		if strings.HasSuffix(name, a.ending) {
			return a.format
		}
	}
	if o.Unpack != nil {
		return "zip"
	}
	return "none"
}

// foreignArchive tells whether a file is an archive by its name that is not among those that can be unpacked.
func foreignArchive(file string) bool {
	name := strings.ToLower(file)
	return slices.ContainsFunc([]string{".tar.bz2", ".tbz", ".tbz2", ".tar.lz", ".tar.lz4", ".tar.lzma", ".tar.z", ".tar.br", ".7z", ".rar", ".cpio"},
		func(ending string) bool { return strings.HasSuffix(name, ending) })
}
