package plan

import (
	"strconv"
	"strings"
)

// Fetch puts an artifact into the app's archive cache. With URL the host downloads it; with Staged it is taken
// from the login user's staging directory, where Upload left it; Controller means that the controller downloads it to
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
	name := archiveName(f.File)
	if f.URL != "" {
		name = baseName(f.URL)
	}
	if f.Size > 0 {
		name += " (" + BytesText(f.Size) + ")"
	}
	switch {
	case f.Controller:
		return oneLine("fetch " + name + " to the controller")
	case f.Staged != "":
		return oneLine("take " + name + " from the upload")
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

// Script is the op's shell. That of a download expects the variable that SecretsOf names.
func (f Fetch) Script() string {
	switch {
	case f.Controller:
		return ""
	case f.Staged != "":
		return f.takeStaged()
	}
	return f.download()
}

func (Fetch) op() {}

// secrets are the credentials of the repository.
func (f Fetch) secrets() []Needed {
	var s Secret
	switch {
	case f.Auth == nil || f.Staged != "":
		return nil
	case f.Auth.Basic != nil:
		s = f.Auth.Basic.Password
	case f.Auth.Token != nil:
		s = *f.Auth.Token
	default:
		return nil
	}
	if f.Controller {
		return []Needed{{Secret: s}}
	}
	return []Needed{{Secret: s, Variable: variable("auth", s, "")}}
}

func (f Fetch) download() string {
	parts := []string{letPath("root", f.Root), let("file", f.File), let("url", f.URL), f.promise(), shPlace, shBecause, f.intact(), f.credentials(), shDownload}
	if !f.wantsHTML() {
		parts = append(parts, shNoHTML)
	}
	return script(append(parts, shKeep)...)
}

// takeStaged runs as the login user, whose staging directory it is; what touches the cache runs as the app user.
func (f Fetch) takeStaged() string {
	owner := `/bin/sh -c "$1"`
	if f.User != "" {
		owner = "sudo -n -H -u " + quote(f.User) + " " + owner
	}
	data := []string{letPath("root", f.Root), let("file", f.File), f.promise(), f.intact()}
	return script(
		let("staged", f.Staged),
		`staged="$HOME"/.trikk-incoming/$staged`+"\n",
		"owner() { "+owner+"; }\n",
		letScript("check", append(data, `intact "$root/.trikk/cache/$file"`+"\n")...),
		letScript("put", append(data, shBecause, shPut)...),
		shStaged,
	)
}

// wantsHTML tells whether the artifact may be an HTML page.
func (f Fetch) wantsHTML() bool {
	for _, name := range []string{f.File, baseName(f.URL)} {
		name = strings.ToLower(name)
		if strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".htm") {
			return true
		}
	}
	return false
}

// promise assigns what the file must be: its digest, else its size.
func (f Fetch) promise() string {
	if _, hex, ok := strings.Cut(f.Digest, ":"); ok {
		return let("digest", strings.ToLower(hex))
	}
	if f.Size > 0 {
		return let("size", strconv.FormatInt(f.Size, 10))
	}
	return ""
}

// intact defines the shell function that checks the promise; what it found is left in $found.
func (f Fetch) intact() string {
	algorithm, _, _ := strings.Cut(f.Digest, ":")
	switch algorithm {
	case "sha256", "sha512", "sha1":
		return strings.ReplaceAll(shIntactDigest, "SUM", algorithm+"sum")
	case "":
	default:
		return "intact() { found=" + quote("not checked: "+algorithm+" digests are not known") + "; false; }\n"
	}
	if f.Size > 0 {
		return shIntactSize
	}
	return shIntactAny
}

const shIntactDigest = `
# intact FILE: it has the digest that the plan names
intact() {
	command -v SUM >/dev/null || { found="not known: SUM is not installed on this server"; return 1; }
	[ -f "$1" ] || { found="that of no file"; return 1; }
	found=$(SUM <"$1") || return 1
	found=${found%% *}
	[ "$found" = "$digest" ] || { found="$found, not $digest"; return 1; }
}
`

const shIntactSize = `
# intact FILE: it has the size that the plan names, in bytes; no digest is published
intact() {
	[ -f "$1" ] || { found="that of no file"; return 1; }
	found=$(wc -c <"$1") || return 1
	[ "$found" -eq "$size" ] || { found="$found bytes, not $size"; return 1; }
}
`

const shIntactAny = `
# intact FILE: it is there and not empty; neither digest nor size is published
intact() {
	[ -s "$1" ] || { found="that of an empty file"; return 1; }
}
`
