package plan

// its own cache (transport local), for a later Upload.
type Fetch struct {
	URL        string `json:"url,omitempty"`
	Staged     string `json:"staged,omitempty"` // file name in ~/.trikk-incoming of the login user
	Controller bool   `json:"controller,omitempty"`
	User       string `json:"user,omitempty"` // app user that owns the cache when Staged and not the login user
	Root       string `json:"root"`
	File       string `json:"file"`             // name in <root>/.trikk/cache, holds the digest: unique
	Digest     string `json:"digest,omitempty"` // "sha256:…", "sha1:…"; "": not checked
	Size       int64  `json:"size,omitempty"`
	Auth       *Auth  `json:"auth,omitempty"`
}

// Kind is "fetch".
func (Fetch) Kind() string { return "fetch" }

// Title says what is done.
func (f Fetch) Title() string {
	name := f.File
	if f.URL != "" {
		name = baseName(f.URL)
	}
	if f.Size > 0 {
		name += " (" + bytesText(f.Size) + ")"
	}
	switch {
	case f.Controller:
		return oneLine("fetch " + name + " to the controller")
	case f.Staged != "":
		return oneLine("take " + f.File + " from the upload")
	}
	return oneLine("fetch " + name)
}

// Transport tells how the op reaches its host.
func (f Fetch) Transport() Transport {
	if f.Controller {
		return Local
	}
	return Script
}

// Script is the op's shell.
func (Fetch) Script() string { return "set -eu\n" }

func (Fetch) op() {}

// Shell variables that hold a fetch's secrets.
const (
	authPassword = "trikk_auth_password"
	authToken    = "trikk_auth_token"
)

// Secrets names the shell variables that the script expects, with what each holds. They are set in the script's shell
// and not exported; they never reach an argument list.
func (f Fetch) Secrets() map[string]Secret {
	switch {
	case f.Auth == nil || f.Staged != "" || f.Controller:
		return nil
	case f.Auth.Basic != nil:
		return map[string]Secret{authPassword: f.Auth.Basic.Password}
	case f.Auth.Token != nil:
		return map[string]Secret{authToken: *f.Auth.Token}
	}
	return nil
}
