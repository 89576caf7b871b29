// Package survey asks many servers at once, beside deployments: which processes run, what an app logs, what one command says, whether
// trikk could work there. It reads through host.Query alone; only Execute changes something. It holds no state.
package survey
