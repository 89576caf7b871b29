package plan

// Op is what a step does: one of a closed set, one file each. An op is data; its methods are pure.
type Op interface {
	// Kind is the op's name in JSON, messages and docs.
	Kind() string
	// Title says what the op does, in an imperative phrase without a host.
	Title() string
	// Transport is how the op reaches its host.
	Transport() Transport
	// Script is the exact shell of a script op, and "" for others. It runs under /bin/sh as `( SCRIPT ) </dev/null` after
	// the preamble of host.Script, which defines same and fail (see script.go).
	Script() string
	op()
}
