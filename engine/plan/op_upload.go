package plan

// Upload copies a local file into the login user's staging directory ~/.trikk-incoming on the host.
type Upload struct {
	Path   string `json:"path"` // on the controller, absolute; "" means the controller's cache entry named File
	File   string `json:"file"` // name in ~/.trikk-incoming, holds the digest: unique
	Digest string `json:"digest,omitempty"`
	Size   int64  `json:"size,omitempty"`
}

// Kind is "upload".
func (Upload) Kind() string { return "upload" }

// Title says what is done.
func (u Upload) Title() string {
	name := archiveName(u.File)
	if u.Size > 0 {
		name += " (" + BytesText(u.Size) + ")"
	}
	return oneLine("upload " + name)
}

// Transport tells how the op reaches its host.
func (Upload) Transport() Transport {
	return SFTP
}

// Script is the op's shell.
func (Upload) Script() string { return "" }

func (Upload) op() {}
