//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// The users of every machine. They exist only in the sandbox's own /etc.
const (
	LoginUser = "e2edeploy" // logs in
	AppUser   = "e2eapp"    // owns and runs apps; the login user becomes it through sudo -n
	OtherUser = "e2eother"  // logs in; sudo wants its password
)

func users() []string { return []string{LoginUser, AppUser, OtherUser} }

// ids are a user's numbers.
type ids struct{ uid, gid int }

// idsOf looks a user up in the sandbox's /etc.
func idsOf(name string) (ids, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return ids{}, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return ids{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	return ids{uid, gid}, err
}

// sudoers are the rules that the login user needs, and no more: all as the app user, units, and the checks and reloads of httpd and nginx.
const sudoers = `Defaults:e2edeploy,e2eother !use_pty
e2edeploy ALL=(e2eapp) NOPASSWD: ALL
e2edeploy ALL=(root) NOPASSWD: /usr/local/bin/systemctl start *, /usr/local/bin/systemctl stop *
e2edeploy ALL=(root) NOPASSWD: /usr/sbin/apache2 -f /srv/httpd/httpd.conf -k graceful, /usr/sbin/apache2 -f /srv/httpd/httpd.conf -t
e2edeploy ALL=(root) NOPASSWD: /usr/sbin/nginx -c /srv/nginx/nginx.conf -t, /usr/sbin/nginx -c /srv/nginx/nginx.conf -s reload
e2eother ALL=(ALL) ALL
`

// addUsers makes the users, their sudo rules and the machines' names in the sandbox's /etc.
func addUsers() error {
	for _, user := range users() {
		// "*" is no password, but not a locked account: sshd refuses those.
		if err := command("useradd", "--no-create-home", "--no-log-init", "--shell", "/bin/bash", "--password", "*", user); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/etc/sudoers.d/trikk-e2e", []byte(sudoers), 0o440); err != nil {
		return err
	}
	if err := command("visudo", "-cq", "-f", "/etc/sudoers.d/trikk-e2e"); err != nil {
		return err
	}
	hosts := []string{"127.0.0.1 localhost"}
	for _, m := range inventory() {
		hosts = append(hosts, fmt.Sprintf("%s %s", m.address, m.name))
	}
	return os.WriteFile("/etc/hosts", []byte(strings.Join(hosts, "\n")+"\n"), 0o644)
}
