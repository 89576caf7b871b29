package notify

import (
	"errors"
	"strings"
	"time"
)

// Error says in one line what could not be told, why, and what to do. It holds no secret.
type Error struct {
	Doing string // "jira: commenting on GIS-1"
	Err   error
	Hint  string
	// Final: sending the same again fails again, until somebody mends something.
	Final bool
	// After is how long the other side wants to be left alone; 0: it did not say.
	After  time.Duration
	Status int // of HTTP; 0: none
}

// Error gives one line.
func (e *Error) Error() string {
	text := e.Doing
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return strings.Join(strings.Fields(text), " ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// errNothing is what a notifier answers that has nothing to tell of a run, such as one that is about no issue.
var errNothing = errors.New("there is nothing to tell")

// final reports that sending again is of no use.
func final(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Final
}

// status is the HTTP status that an error comes from; 0: none.
func status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// after is how long the other side wants to be left alone; 0: it did not say.
func after(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}
