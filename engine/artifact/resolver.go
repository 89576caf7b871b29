package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"trikk.dev/engine/plan"
)

// Resolver resolves and downloads artifacts. Its zero value works for repositories without credentials. It may be used
// concurrently; its fields must not change, and it must not be copied, once it is in use.
type Resolver struct {
	// Client is used for all requests, with its redirects checked; nil is a client with timeouts for each phase.
	Client *http.Client
	// Cache is the absolute directory of downloads; "" is CacheDir().
	Cache string
	// Secrets reads a secret; nil refuses every artifact that needs one.
	Secrets func(context.Context, plan.Secret) (string, error)
	// Wait is waited before the first of three retries and doubles for each; 0 is 250 ms.
	Wait time.Duration
	// Idle is how long a download may stand still; 0 is 60 s.
	Idle time.Duration

	once sync.Once
	http *http.Client // made once, so that connections are used again

	mu   sync.Mutex
	busy map[string]chan struct{} // by path: closed when the download of it ends
}

// Resolve says what version of the app's artifact is now: place, size and digest. SNAPSHOT versions and the words latest and
// release are replaced by the version that they mean now. A failure is an *Error.
func (r *Resolver) Resolve(ctx context.Context, app plan.App, version string) (plan.Resolved, error) {
	a := app.Artifact
	switch {
	case a.Maven != nil:
		return r.maven(ctx, *a.Maven, version)
	case a.URL != nil:
		return r.plainURL(ctx, *a.URL, version)
	case a.File != nil:
		return local(app, version)
	}
	return plan.Resolved{}, &Error{Kind: Misconfigured, Doing: "resolving the artifact of " + app.Name, Err: errors.New("the app has no artifact")}
}

func (r *Resolver) plainURL(ctx context.Context, a plan.URLArtifact, version string) (plan.Resolved, error) {
	if strings.Contains(a.URL, "{version}") && version == "" {
		return plan.Resolved{}, &Error{Kind: Misconfigured, Doing: "resolving " + redact(a.URL), Err: errors.New("it needs a version"), Hint: "write version in the config, or APP@VERSION"}
	}
	full := strings.ReplaceAll(a.URL, "{version}", url.PathEscape(version))
	target, err := parse(full)
	if err != nil {
		return plan.Resolved{}, err
	}
	creds, err := r.credentials(ctx, a.Auth, target)
	if err != nil {
		return plan.Resolved{}, err
	}
	return r.remote(ctx, remote{target: target, creds: creds, file: fileName(target), version: version, digest: a.Digest})
}

// remote is a download whose address is known.
type remote struct {
	target  *url.URL
	creds   credentials
	file    string
	version string
	digest  string // from the config
}

// remote asks for the artifact's head and its checksum.
func (r *Resolver) remote(ctx context.Context, a remote) (plan.Resolved, error) {
	want, err := parseDigest(a.digest)
	if err != nil {
		return plan.Resolved{}, err
	}
	head, err := r.head(ctx, a.target, a.creds)
	if err != nil {
		return plan.Resolved{}, err
	}
	published, err := r.published(ctx, a, want)
	if err != nil {
		return plan.Resolved{}, err
	}
	res := plan.Resolved{Version: a.version, URL: a.target.String(), File: a.file, Size: max(head.size, 0)}
	switch {
	case want != "":
		res.Digest = string(want)
	case published != "":
		res.Digest = string(published)
	default:
		res.Identity = identity(a.target.String(), head)
	}
	return res, nil
}

// published gives the digest of a checksum file next to the artifact, or "". With a digest in the config, only the same
// algorithm's file is read, and must agree.
func (r *Resolver) published(ctx context.Context, a remote, want digest) (digest, error) {
	algorithms := []string{"sha256", "sha512", "sha1"}
	if want != "" {
		algorithms = []string{want.algorithm()}
	}
	for _, alg := range algorithms {
		got, err := r.sidecar(ctx, a, alg)
		if err != nil && want != "" {
			return "", nil // the config's digest is enough
		}
		if err != nil {
			return "", err
		}
		if got == "" {
			continue
		}
		if want != "" && got != want {
			return "", &Error{Kind: DigestMismatch, URL: a.target, Doing: "resolving " + redact(a.target.String()),
				Err: fmt.Errorf("the config says %s, the repository publishes %s", want, got), Hint: "correct the digest in the config, or find out who replaced the artifact"}
		}
		return got, nil
	}
	return "", nil
}

// identity stands in for a digest: it changes when the server says that the content did.
func identity(target string, h head) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s\n%s\n", target, h.size, h.etag, h.modified))
	return hex.EncodeToString(sum[:])
}

// fileName is the last element of a URL's path.
func fileName(u *url.URL) string {
	name := path.Base(u.Path)
	if name == "/" || name == "." {
		return "artifact"
	}
	return name
}
