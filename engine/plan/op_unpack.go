package plan

import (
	"cmp"
	"strconv"
)

// Unpack makes a release's directory out of a cached archive. The directory gets its name only when the whole archive was
// checked and extracted to the end. An incomplete directory of that name is replaced; generated files in it that were edited by
// hand are copied aside before.
type Unpack struct {
	Root    string `json:"root"`
	File    string `json:"file"`    // in <root>/.trikk/cache
	Release string `json:"release"` // name
	Format  string `json:"format"`  // zip, tar, tar.gz, tar.xz, tar.zst, none
	Strip   int    `json:"strip,omitempty"`
	As      string `json:"as,omitempty"` // file name for format none
	// Limit is how much the archive may unpack to, in MiB; 0 is 1 GiB, or 100 times the archive where that is more.
	Limit int `json:"limit,omitempty"`
	// Keep is the ID of the run: edits are kept in <root>/.trikk/kept/RELEASE/PATH.KEEP.
	Keep string `json:"keep,omitempty"`
}

// Kind is "unpack".
func (Unpack) Kind() string { return "unpack" }

// Title says what is done.
func (u Unpack) Title() string {
	if u.Format == "none" {
		return oneLine("copy " + u.name() + " into " + u.Release)
	}
	return oneLine("unpack " + archiveName(u.File) + " into " + u.Release)
}

// Transport tells how the op reaches its host.
func (Unpack) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (u Unpack) Script() string {
	parts := []string{
		letPath("root", u.Root), let("file", u.File), let("release", u.Release), let("run", cmp.Or(u.Keep, "edited")),
		shPlace, shDiscard, shBecause, shKept, shNamed, shKeepEdits, shUnpackStart,
	}
	if u.Format != "none" {
		parts = append(parts, let("limit", strconv.Itoa(u.Limit)), shLimit)
	}
	switch u.Format {
	case "zip":
		parts = append(parts, shZip, shExtract)
	case "tar":
		parts = append(parts, shTar, shExtract)
	case "tar.gz":
		parts = append(parts, shGzip, shTarPacked, shExtract)
	case "tar.xz":
		parts = append(parts, shXz, shTarPacked, shExtract)
	case "tar.zst":
		parts = append(parts, shZstd, shTarPacked, shExtract)
	case "none":
		parts = append(parts, let("as", u.name()), shExtractNone)
	default:
		parts = append(parts, "fail "+quote("archives of format "+u.Format+" can't be unpacked")+"\n")
	}
	if u.Strip > 0 && u.Format != "none" {
		parts = append(parts, let("strip", strconv.Itoa(u.Strip)), shStrip)
	}
	return script(append(parts, shUnpackCheck, shUnpackEnd)...)
}

func (Unpack) op() {}

// name is the artifact's file name inside the release when it is not unpacked.
func (u Unpack) name() string {
	if u.As != "" {
		return u.As
	}
	return u.File
}
