package plan

// Run runs a user's command: a hook on a server, or a build on the controller.
type Run struct {
	Command string `json:"command"`
	Phase   string `json:"phase"` // before, after, build
	App     string `json:"app"`
	Root    string `json:"root,omitempty"`
	Release string `json:"release,omitempty"` // the working directory
	Version string `json:"version,omitempty"`
	Dir     string `json:"dir,omitempty"` // build: the app's folder on the controller
}

// Kind is "run".
func (Run) Kind() string { return "run" }

// Title says what is done.
func (r Run) Title() string {
	if r.Phase == "build" {
		return oneLine("build: " + r.Command)
	}
	return oneLine("run hook " + r.Phase + ": " + r.Command)
}

// Transport tells how the op reaches its host.
func (r Run) Transport() Transport {
	if r.Phase == "build" {
		return Local
	}
	return Script
}

// Script is the op's shell.
func (r Run) Script() string {
	if r.Phase == "build" {
		return ""
	}
	return script(
		letPath("root", r.Root), let("release", r.Release), let("command", r.Command), let("phase", r.Phase),
		"TRIKK_APP="+quote(r.App)+" TRIKK_VERSION="+quote(r.Version)+"\n", shPlace, shHook,
	)
}

func (Run) op() {}

// A hook may leave a process behind; that must not hold the channel, so its output goes through a file. It may print secrets:
// the file is private.
const shHook = `
cd -P "$root/releases/$release" 2>/dev/null || fail "$root/releases/$release is not there"
TRIKK_RELEASE=$(pwd -P)
TRIKK_ROOT=$(cd -P "$root" && pwd -P)
export TRIKK_APP TRIKK_VERSION TRIKK_RELEASE TRIKK_ROOT
place "$root/.trikk"
out=$TRIKK_ROOT/.trikk/hook.$$.out
trap 'rm -f "$out"' EXIT
trap 'exit 129' HUP INT TERM
(umask 077 && : >"$out") || fail "$(id -un) can't write $out"
status=0
/bin/sh -c "$command" </dev/null >"$out" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- || status=$?
tail -n 200 "$out"
last=$(tail -n 1 "$out")
[ "$status" = 0 ] || fail "the hook $phase ended with status $status${last:+: $last}"
`
