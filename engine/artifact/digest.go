package artifact

import (
	"crypto/sha1" //nolint:gosec // old repositories publish nothing else
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"strings"
)

// digest is "sha256:hex", "sha512:hex" or "sha1:hex", hex in lower case; "" is none.
type digest string

var (
	hexOnly   = regexp.MustCompile(`^[0-9a-fA-F]+$`)
	bsdFormat = regexp.MustCompile(`^[A-Za-z0-9-]+ ?\((.*)\) ?= ?([0-9a-fA-F]+)$`)
)

func (d digest) algorithm() string {
	alg, _, _ := strings.Cut(string(d), ":")
	return alg
}

// size of a hex digest by algorithm.
func hexLen(alg string) int {
	switch alg {
	case "sha256":
		return 64
	case "sha512":
		return 128
	case "sha1":
		return 40
	}
	return 0
}

func newHash(alg string) hash.Hash {
	switch alg {
	case "sha512":
		return sha512.New()
	case "sha1":
		return sha1.New() //nolint:gosec // see above
	}
	return sha256.New()
}

func sum(alg string, h hash.Hash) digest {
	return digest(alg + ":" + hex.EncodeToString(h.Sum(nil)))
}

// parseDigest reads a digest of the config; "" is none.
func parseDigest(s string) (digest, error) {
	if s == "" {
		return "", nil
	}
	alg, h, ok := strings.Cut(s, ":")
	if !ok || hexLen(alg) == 0 || len(h) != hexLen(alg) || !hexOnly.MatchString(h) {
		return "", &Error{Kind: Misconfigured, Doing: fmt.Sprintf("reading digest %q", s), Err: fmt.Errorf("it is not sha256:HEX, sha512:HEX or sha1:HEX")}
	}
	return digest(alg + ":" + strings.ToLower(h)), nil
}

// parseChecksum reads a checksum file of file: bare hex, `hex  name` or `SHA256(name)= hex`, one line or several.
func parseChecksum(content, alg, file string) (digest, error) {
	content = strings.TrimSpace(strings.TrimPrefix(content, "\ufeff"))
	if content == "" {
		return "", fmt.Errorf("it is empty")
	}
	if strings.HasPrefix(content, "<") {
		return "", fmt.Errorf("it is an HTML page, not a checksum")
	}
	var found []string
	for line := range strings.Lines(content) {
		h, name := checksumLine(strings.TrimSpace(line))
		if len(h) != hexLen(alg) || !hexOnly.MatchString(h) {
			continue
		}
		if name == file {
			return digest(alg + ":" + strings.ToLower(h)), nil
		}
		found = append(found, h)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("it holds %d %s checksums, none of them for %s", len(found), alg, file)
	}
	return digest(alg + ":" + strings.ToLower(found[0])), nil
}

func checksumLine(line string) (sum, name string) {
	if m := bsdFormat.FindStringSubmatch(line); m != nil {
		return m[2], m[1]
	}
	sum, name, _ = strings.Cut(line, " ")
	name = strings.TrimPrefix(strings.TrimSpace(name), "*")
	return sum, name[strings.LastIndex(name, "/")+1:]
}
