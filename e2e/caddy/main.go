// Command caddy is Caddy with what the tests need of it: the admin API, HTTP and reverse_proxy. Debian's is too old for
// stream_close_delay. It is a module of its own, so that trikk does not depend on Caddy.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func main() { caddycmd.Main() }
