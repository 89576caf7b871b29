package sign

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const (
	armorBegin = "-----BEGIN SSH SIGNATURE-----"
	armorEnd   = "-----END SSH SIGNATURE-----"
	// armorWidth is the length of a line of base64, as ssh-keygen writes it.
	armorWidth = 70
)

// MaxFile bounds a signature file, in bytes. A signature has less than 2 KiB.
const MaxFile = 256 << 10

// errCut is a signature whose end is missing.
var errCut = errors.New("it is cut off: its last signature has no end")

// armored writes a signature's blob as text.
func armored(blob []byte) []byte {
	var b bytes.Buffer
	b.WriteString(armorBegin + "\n")
	text := base64.StdEncoding.EncodeToString(blob)
	for len(text) > armorWidth {
		b.WriteString(text[:armorWidth] + "\n")
		text = text[armorWidth:]
	}
	b.WriteString(text + "\n" + armorEnd + "\n")
	return b.Bytes()
}

// blobs takes the signatures out of a file: one or more blocks, one after another, with nothing but white space between them.
func blobs(file []byte) ([][]byte, error) {
	if len(file) > MaxFile {
		return nil, fmt.Errorf("it has more than %d KiB: it is no signature file", MaxFile>>10)
	}
	var out [][]byte
	rest := strings.TrimSpace(string(file))
	for rest != "" {
		body, found := strings.CutPrefix(rest, armorBegin)
		if !found && strings.HasPrefix(armorBegin, rest) {
			return nil, errCut
		}
		if !found {
			return nil, errors.New("it holds something that is no signature of SSH")
		}
		body, rest, found = strings.Cut(body, armorEnd)
		if !found || strings.Contains(body, armorBegin) {
			return nil, errCut
		}
		blob, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			return nil, fmt.Errorf("a signature in it is damaged: %w", err)
		}
		out = append(out, blob)
		rest = strings.TrimSpace(rest)
	}
	if len(out) == 0 {
		return nil, errors.New("it holds no signature")
	}
	return out, nil
}
