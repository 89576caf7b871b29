// Package batch deploys sixty apps in one run, under load: a config repository of small files, twelve servers with real sshds, two
// HAProxies. One new version never answers, one server is slow, one app waits for one that fails, another one for one that doesn't.
// `make batch` runs it and prints one line. All that the line says is counted on the machines, by the clients, and in the logs of the
// sshds; nothing is what trikk says of itself.
package batch
