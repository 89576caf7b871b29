package proxy

import (
	"fmt"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// httpdInclude drives Apache httpd by the file of a balancer's members. It reloads gracefully: processes of earlier generations answer what
// they have, by their own members.
func httpdInclude(conf plan.HTTPDInclude) include {
	return include{
		servers: conf.Members, generation: conf.Generation, pid: conf.PidFile, test: conf.Test, reload: conf.Reload,
		dialect: dialect{
			program: "httpd", out: "disabled", syntax: httpdSyntax(), quotes: [2]string{`ErrorDocument 200 "`, `"`},
			look: func(file, address, pid string) host.Query {
				return host.NewQuery("", lookFiles+httpdOld+lookServers, file, address, pid)
			},
			hazards: []host.Query{host.NewQuery("", httpdPersists, "/etc/apache2", "/etc/httpd", "/usr/local/apache2/conf")},
			backend: plan.BalancerName,
			wants: func(backend, file, page string) string {
				return fmt.Sprintf("write `Include %s` into `<Proxy balancer://%s>` and, for the server that %s asks, `Redirect 200 %s` and `Include %s.generation` into `<Location %s>`",
					file, backend, page, pathOf(page), file, pathOf(page))
			},
		},
	}
}

// httpdOld counts the children of httpd's first process that were started before it last read its configuration. It writes its PidFile anew
// each time, between reading and the first child. Processes' times are told in ticks, of 10 ms, since a boot whose time is not sure in a
// container, so they are compared to those of a process that starts now. A child that looks up to 10 ms too old is a new one. All of it starts
// few processes, because it is asked often.
const httpdOld = `startedBefore() { # TICK NAME PARENT: how many processes were
	tick=$1 kin=" ($2) [!Z] $3 " n=0
	for f in /proc/[0-9]*/stat; do
		{ read -r line <"$f"; } 2>/dev/null || continue
		case $line in
		*$kin*)
			set -- ${line##*) }
			[ "${20}" -ge "$tick" ] || n=$((n + 1))
			;;
		esac
	done
	echo "$n"
}
unseen="unseen which of httpd's processes are old can't be told:"
name='' read='' now=$(date +%s%3N)
self=$(cut -d ' ' -f 22 /proc/self/stat)
{ read -r master <"$3" && read -r name <"/proc/$master/comm" && read=$(date -r "$3" +%s%3N); } 2>/dev/null
case $name,$now,$read in
*,*[!0-9]*,*) echo "$unseen date tells no milliseconds, as that of GNU coreutils does" ;;
apache2,*|httpd,*) old=$(startedBefore $((self - (now - read + 19) / 10)) "$name" "$master") ;;
*) echo "$unseen $3 names no process of httpd, or the login user can't read it: write httpd's PidFile into driver.httpd.include.pidFile, and let the login user read it" ;;
esac`

// httpdPersists looks for BalancerPersist in the folders $@: with it httpd keeps what its members were before, whatever its files say.
const httpdPersists = `file=$(grep -Rils --include='*.conf' --exclude-dir='*-available' '^[[:space:]]*BalancerPersist[[:space:]][[:space:]]*on' "$@" | head -n 1)
[ -z "$file" ] || echo "with BalancerPersist On, in $file, httpd does not follow its members' file: write BalancerPersist Off"`
