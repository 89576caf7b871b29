package plan

// path of a release into <root>/shared (Persist set).
type Link struct {
	Root    string `json:"root"`
	Name    string `json:"name,omitempty"` // of the link in Root
	Release string `json:"release,omitempty"`
	// Persist is a path relative to the release that becomes a link to <root>/shared/<path>.
	Persist string `json:"persist,omitempty"`
	// File: the persisted path is a file that may be missing (the enable marker); else it is a directory.
	File bool `json:"file,omitempty"`
}

// Kind is "link".
func (Link) Kind() string { return "link" }

// Title says what is done.
func (l Link) Title() string {
	switch {
	case l.Persist != "":
		return oneLine("link " + l.Persist + " → shared/" + l.Persist)
	case l.Release == "":
		return oneLine("remove link " + l.Name)
	}
	return oneLine("link " + l.Name + " → " + l.Release)
}

// Transport tells how the op reaches its host.
func (Link) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (Link) Script() string { return "set -eu\n" }

func (Link) op() {}
