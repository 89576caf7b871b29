package plan

// Reload reloads a proxy gracefully.
type Reload struct {
	Command string `json:"command"`
}

// Kind is "reload".
func (Reload) Kind() string { return "reload" }

// Title says what is done.
func (r Reload) Title() string {
	return oneLine("reload: " + r.Command)
}

// Transport tells how the op reaches its host.
func (Reload) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (r Reload) Script() string {
	return script(let("command", r.Command), shReload)
}

func (Reload) op() {}

const shReload = `
status=0
/bin/sh -c "$command" </dev/null || status=$?
[ "$status" = 0 ] || fail "the proxy's reload ended with status $status: $command"
`
