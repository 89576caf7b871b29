package hosttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"trikk.dev/engine/host"
)

// File is a file to upload that is held in memory.
func File(name string, data []byte) host.File {
	sum := sha256.Sum256(data)
	return host.File{
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		Name:   name,
		Size:   int64(len(data)),
		Digest: "sha256:" + hex.EncodeToString(sum[:]),
	}
}
