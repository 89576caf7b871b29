package plan

// Reload reloads a proxy gracefully. An HAProxy with a state file takes over who is held out of rotation: right before the reload its
// servers' state is written there, and once the new process has read it, that nothing is kept. Otherwise a later reload by somebody
// else would hold out servers that are back by then.
type Reload struct {
	Command string `json:"command"`
	// Socket is HAProxy's runtime socket, as in HAProxy, where StateFile is written.
	Socket string `json:"socket,omitempty"`
	// StateFile is the absolute path of HAProxy's server-state-file; "": what is held out may be forgotten.
	StateFile string `json:"stateFile,omitempty"`
}

// reload is the op that reloads the proxy.
func (p Proxy) reload() Reload {
	r := Reload{Command: p.Reload}
	if h := p.Driver.HAProxy; h != nil && h.StateFile != "" {
		r.Socket, r.StateFile = h.Socket, h.StateFile
	}
	return r
}

// Kind is "reload".
func (Reload) Kind() string { return "reload" }

// Title says what is done.
func (r Reload) Title() string {
	if r.StateFile != "" {
		return oneLine("reload, with the servers' state in " + r.StateFile + ": " + r.Command)
	}
	return oneLine("reload: " + r.Command)
}

// Transport tells how the op reaches its host.
func (Reload) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (r Reload) Script() string {
	if r.StateFile != "" {
		return script(let("command", r.Command), let("socket", r.Socket), let("state", r.StateFile), shRuntime, shState, shReload, shTaken)
	}
	return script(let("command", r.Command), shReload)
}

func (Reload) op() {}
