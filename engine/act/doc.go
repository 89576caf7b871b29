// Package act reads facts from servers and proxies, does the steps of a plan, holds the lock of a run, and
// carries the answers to runs that wait for approval.
//
// It never decides: what is done was decided by the compiler, what comes next by the reducer. Gatherer can only read, by
// type. Actor does one segment at a time and reports one result a step: that a step failed is data in its result, that the
// way to the host failed is a Go error.
package act
