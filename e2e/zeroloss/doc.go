// Package zeroloss deploys under load behind each kind of proxy that trikk drives, and counts what the load lost. Real proxies, three
// servers that die at once on SIGTERM and take a second to listen, a client that retries nothing: kept and closed
// connections, slow answers, slow uploads, streams, websockets.
//
// A cell is one driver in one operation. `make zeroloss` runs all of them and prints the table of docs/zero-downtime.md;
// `go test` alone takes one cell a driver.
package zeroloss
