// Package plan is trikk's vocabulary and its decisions: the types that say what should run where, the
// facts that were read, the compiler that turns both into a plan, and the reducer that walks it.
//
// The package is pure. It imports only the standard library's data packages; it opens no file, no
// connection and no clock. The same input gives the same bytes, on every machine and at any time.
package plan
