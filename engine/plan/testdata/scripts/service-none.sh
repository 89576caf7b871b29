set -eu
same 'hello has no process of its own'
