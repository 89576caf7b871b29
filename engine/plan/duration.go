package plan

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a time.Duration that is written as a Go duration string ("30s", "2m30s") in JSON and CUE.
type Duration time.Duration

// D gives the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String writes the duration as time.Duration does.
func (d Duration) String() string { return time.Duration(d).String() }

// Short writes the duration for people, without the zeroes at its end: 30m, not 30m0s.
func (d Duration) Short() string { return durationText(d.D()) }

// MarshalJSON writes the duration as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads a duration string; a negative duration is an error.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	if v < 0 {
		return fmt.Errorf("duration %q is negative", s)
	}
	*d = Duration(v)
	return nil
}
