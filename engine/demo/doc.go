// Package demo is a whole fleet in one process: SSH servers with real shells in temporary directories, proxies that obey a
// marker file, an artifact repository over HTTP, a small HTTP app, and a load generator that retries nothing. It is what
// `trikk demo` deploys to, and needs no privileges.
package demo
