package artifact

import (
	"fmt"
	"net/url"
	"strings"
)

// Kind classes an Error.
type Kind string

// Kinds.
const (
	Denied         Kind = "denied"        // 401 or 403
	NotFound       Kind = "notfound"      // no such artifact, version or local file
	DigestMismatch Kind = "digest"        // the content is not what was promised
	Page           Kind = "page"          // an HTML page instead of an artifact
	BadChecksum    Kind = "checksum"      // a checksum file that holds none
	BadMetadata    Kind = "metadata"      // a maven-metadata.xml that can't be read
	Unreachable    Kind = "unreachable"   // no answer, or answers with 5xx to the last retry
	Misconfigured  Kind = "misconfigured" // the config asks for what can't be
)

// Error says in one line what was done, why it failed and what to do. It holds no credentials.
type Error struct {
	Kind  Kind
	URL   *url.URL // nil for local files
	Doing string   // "resolving https://repo/…"
	Hint  string   // what to do next
	Err   error
}

// Error gives one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Doing)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// redact shows a URL without its user part and without its query, which may hold signatures. What isn't a URL is shown up to
// its first @ replaced.
func redact(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		scheme, rest, _ := strings.Cut(s, "://")
		if i := strings.LastIndex(rest, "@"); i >= 0 {
			return scheme + "://" + rest[i+1:]
		}
		return s
	}
	return redactURL(u)
}

func redactURL(u *url.URL) string {
	c := *u
	c.User, c.RawQuery, c.Fragment = nil, "", ""
	if u.RawQuery != "" {
		c.RawQuery = "…"
	}
	return c.String()
}
