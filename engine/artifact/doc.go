// Package artifact finds out what an app's artifact is right now, its version, place, size and digest, and downloads it to
// the controller where a server can't. It speaks the Maven repository layout and plain HTTP, and reads local files.
//
// Credentials go to the host they were written for and nowhere else, and never into an error.
package artifact
