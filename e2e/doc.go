// Package e2e runs the real trikk binary against real parts: OpenSSH servers, sudo, HAProxy, Apache httpd, a Maven layout
// repository, and an app that dies at once on SIGTERM, under load that retries nothing. docs/testing.md says what is real
// and what stands in.
//
// Everything happens in namespaces of the test's own (mount, PID, network), with a private copy of /etc: users, processes,
// mounts and addresses are gone when the test process is, however it ended. Each machine of the fleet is a set of namespaces
// of its own in there: another root view, other homes, other processes, another address.
//
// A test asks for what it needs of the one fleet, which is shared and reset between tests, so tests don't run in parallel:
//
//	f := e2e.Start(t)                     // the fleet, as new
//	f.HAProxy(t, f.LB[0], e2e.Backend{…}) // a proxy on a machine, stopped when the test ends
//	f.Repository(t)                       // artifacts over HTTP
//	c := f.Config(t, e2e.Proxies{…})      // a config repository
//	c.App("hello", `…CUE…`)
//	load := f.Load(t, urls…)              // load.Stop() says what failed
//	f.Trikk(t, c, "apply", …).Exit(t, 0)
package e2e
