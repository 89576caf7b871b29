set -eu
command='sudo -n apachectl graceful'

status=0
/bin/sh -c "$command" </dev/null || status=$?
[ "$status" = 0 ] || fail "the proxy's reload ended with status $status: $command"
