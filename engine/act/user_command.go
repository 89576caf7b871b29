package act

import (
	"strconv"
	"time"

	"trikk.dev/engine/host"
)

// userCommand is a command of the app's config that only reads: a service's status, an exec probe.
type userCommand struct {
	app, version string
	dir          string // of the release, or a link to it
	command      string
	timeout      time.Duration // 0: a minute
}

// insideRelease runs the command in its release with the variables that every command of an app gets, and ends it in time.
const insideRelease = `cd -P . || exit 125
TRIKK_RELEASE=$(pwd -P)
TRIKK_ROOT=${TRIKK_RELEASE%/releases/*}
export TRIKK_RELEASE TRIKK_ROOT
seconds=$TRIKK_SECONDS command=$TRIKK_COMMAND
unset TRIKK_SECONDS TRIKK_COMMAND
exec timeout -k 5 "$seconds" /bin/sh -c "$command"`

// exitTimeout is what timeout ends with when time was up; exitNoDir is host.UserQuery's for a missing directory.
const (
	exitTimeout = 124
	exitNoDir   = 125
)

func userQuery(as string, c userCommand) host.Query {
	timeout := c.timeout
	if timeout <= 0 {
		timeout = time.Minute
	}
	return host.UserQuery(as, c.dir, insideRelease, map[string]string{
		"TRIKK_APP": c.app, "TRIKK_VERSION": c.version,
		"TRIKK_COMMAND": c.command, "TRIKK_SECONDS": strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64),
	})
}
