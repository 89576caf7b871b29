package plan

// archive was checked and extracted to the end. An incomplete directory of that name is replaced.
type Unpack struct {
	Root    string `json:"root"`
	File    string `json:"file"`    // in <root>/.trikk/cache
	Release string `json:"release"` // name
	Format  string `json:"format"`  // zip, tar, tar.gz, none
	Strip   int    `json:"strip,omitempty"`
	As      string `json:"as,omitempty"` // file name for format none
}

// Kind is "unpack".
func (Unpack) Kind() string { return "unpack" }

// Title says what is done.
func (u Unpack) Title() string {
	if u.Format == "none" {
		return oneLine("copy " + u.name() + " into " + u.Release)
	}
	return oneLine("unpack " + u.File + " into " + u.Release)
}

// Transport tells how the op reaches its host.
func (Unpack) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (Unpack) Script() string { return "set -eu\n" }

func (Unpack) op() {}

// name is the artifact's file name inside the release when it is not unpacked.
func (u Unpack) name() string {
	if u.As != "" {
		return u.As
	}
	return u.File
}
