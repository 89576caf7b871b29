package run

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// NewID names a run that starts now, in UTC to the second, with four random hex digits: 20261123T061900-3f2a. IDs sort by
// time. If rand fails, the digits come from now's nanoseconds.
func NewID(now time.Time, rand io.Reader) string {
	now = now.UTC()
	digits := make([]byte, 2)
	if _, err := io.ReadFull(rand, digits); err != nil {
		digits = []byte{byte(now.Nanosecond() >> 8), byte(now.Nanosecond())}
	}
	return now.Format("20060102T150405") + "-" + hex.EncodeToString(digits)
}

// ErrNotID is in the error for a text that can't be the ID of a run.
var ErrNotID = errors.New("is not the ID of a run")

// checkID refuses what can't be a run's ID, so that no ID leaves the directory of the runs.
func checkID(id string) error {
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return fmt.Errorf("%q %w", id, ErrNotID)
		}
	}
	if id == "" {
		return fmt.Errorf("the ID of a run is missing")
	}
	return nil
}
