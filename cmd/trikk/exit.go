package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"trikk.dev/engine/act"
	"trikk.dev/engine/config"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// Exit codes. Scripts and CI depend on them; each command's help lists its own.
const (
	exitDone        = 0
	exitFailed      = 1
	exitChanges     = 2
	exitConfig      = 3
	exitAuth        = 4
	exitRefused     = 5
	exitPartly      = 6
	exitReverted    = 7
	exitBroken      = 8
	exitUsage       = 64
	exitInterrupted = 130
)

type exitMeaning struct {
	code    int
	meaning string
}

func exitMeanings() []exitMeaning {
	return []exitMeaning{
		{exitDone, "done, or nothing to do"},
		{exitFailed, "failed, and nothing was changed"},
		{exitChanges, "plan --detailed-exitcode: there are changes"},
		{exitConfig, "invalid configuration, or a name that is not in it"},
		{exitAuth, "authentication, host key, or a sudo that wants a password"},
		{exitRefused, "refused: locked, frozen, stale or used plan, protected, declined"},
		{exitPartly, "partly done: some apps or servers failed; the output says exactly which"},
		{exitReverted, "failed after changing something, rolled back, healthy"},
		{exitBroken, "rolling back failed too: a person is needed; the output names the state and the command"},
		{exitUsage, "usage"},
		{exitInterrupted, "interrupted, safe state reached"},
	}
}

// exitHeading is before the exit codes in a command's help.
const exitHeading = "\n\nExit codes:\n"

// exitHelp is the part of a command's help that lists its exit codes.
func exitHelp(codes ...int) string { return exitHeading + exitLines(codes) }

func allExitCodes() (out []int) {
	for _, m := range exitMeanings() {
		out = append(out, m.code)
	}
	return out
}

// exitLines are exit codes with their meanings.
func exitLines(codes []int) string {
	var b strings.Builder
	for _, m := range exitMeanings() {
		for _, c := range codes {
			if c == m.code {
				fmt.Fprintf(&b, "  %3d  %s\n", m.code, m.meaning)
			}
		}
	}
	return b.String()
}

// exitError is an error that knows its exit code.
type exitError struct {
	code int
	err  error // nil: everything was said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func refused(format string, args ...any) error {
	return &exitError{exitRefused, fmt.Errorf(format, args...)}
}

// exitOf gives the exit code of an error that ended a command before a run started; a run has its outcome's code.
func exitOf(err error) int {
	var known *exitError
	var wrongConfig *config.Errors
	var locked *act.LockedError
	var refusal *plan.Refusal
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &known):
		return known.code
	case errors.As(err, &wrongConfig):
		return exitConfig
	case errors.As(err, &locked), errors.As(err, &refusal):
		return exitRefused
	case hasKind(err, host.Auth, host.HostKey, host.Sudo):
		return exitAuth
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// hasKind looks for a transport error of one of the kinds in all branches of err.
func hasKind(err error, kinds ...host.Kind) bool {
	var h *host.Error
	if errors.As(err, &h) {
		for _, k := range kinds {
			if h.Kind == k {
				return true
			}
		}
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if hasKind(inner, kinds...) {
				return true
			}
		}
	case interface{ Unwrap() error }:
		return hasKind(e.Unwrap(), kinds...)
	}
	return false
}

// exitOfOutcome gives the exit code of a run.
func exitOfOutcome(status string) int {
	switch status {
	case plan.Done:
		return exitDone
	case plan.FailedClean:
		return exitFailed
	case plan.Partly:
		return exitPartly
	case plan.Reverted:
		return exitReverted
	case plan.Broken:
		return exitBroken
	case plan.Interrupted:
		return exitInterrupted
	}
	return exitFailed
}

// unrecorded is the error of a run that could not be saved. Its exit code says no less than what was done: a run that changed
// something is never "failed, and nothing was changed".
func unrecorded(o plan.Outcome, err error) error {
	switch o.Status {
	case plan.Broken, plan.Reverted, plan.Partly:
		return &exitError{exitOfOutcome(o.Status), err}
	}
	if changes(o) {
		return &exitError{exitPartly, err}
	}
	return err
}

// changes tells whether a run changed something somewhere.
func changes(o plan.Outcome) bool {
	return slices.ContainsFunc(o.Lanes, func(l plan.LaneOutcome) bool { return l.Changed })
}

// exitWithoutOutput is the exit code of a command whose output could not be written. A failure keeps its code, and a run that
// changed something is never "failed, and nothing was changed".
func (c *cli) exitWithoutOutput(code int) int {
	switch {
	case code != exitDone && code != exitChanges:
		return code
	case c.changed:
		return exitPartly
	}
	return exitFailed
}
