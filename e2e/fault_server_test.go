//go:build linux

package e2e_test

import (
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// A server reboots while its new release is watched: sshd, the app and every connection are gone, and come back without the app. The
// run is no success, and says which server; the next one mends it.
func TestFault15Reboot(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	app1 := s.on[0]
	c := s.config(t, parts{rollout: `	rollout: {rolling: {}, minReadySeconds: 10, drainDeadline: "8s", admitDeadline: "8s"}`})
	p := s.f.StartTrikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes", "--timeout", "2s")
	p.Prints("done     admit app1")
	app1.KillSSHD(t)
	app1.Run(t, "pkill -9 -f 'bin/[t]estapp'; rm -f "+root+"/shared/run/*")
	app1.RestartSSHD(t)
	r := p.Wait()
	t.Logf("%s\n%s", r.Stdout, r.Stderr)
	if r.Code == 0 {
		t.Error("it is reported as a success")
	}
	r.Says(t, "app1", "app2: not touched, on 1.0-").Lacks(t, "panic", "hello runs 2.0-")
	s.f.Trikk(t, c, "status", "hello", "-e", "test").Exit(t, 0).Says(t, "app1", "app2")
	s.apply(t, s.config(t, parts{}), "hello@2.0").Exit(t, 0)
	for _, m := range s.on {
		installed(t, m, root+"/hello-app", "2.0")
		serves(t, m, "2.0")
	}
	s.h.AllUp(t, "hello")
}

// A release that an earlier crash left half unpacked has no manifest: it is unpacked again, over what is there.
func TestFault16PartialRelease(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	c := s.config(t, parts{})
	s.apply(t, c, "hello@2.0").Exit(t, 0)
	s.apply(t, c, "hello@1.0").Exit(t, 0)
	for _, m := range s.on {
		m.Run(t, `for dir in `+root+`/releases/2.0-*; do rm -r "$dir/.trikk/manifest.json" "$dir/bin/itas"; echo broken >"$dir/bin/testapp"; done`)
	}
	s.f.Trikk(t, c, "plan", "hello@2.0", "-e", "test").Exit(t, 0).Says(t, "unpack")
	s.apply(t, c, "hello@2.0").Exit(t, 0)
	for _, m := range s.on {
		serves(t, m, "2.0")
	}
	s.apply(t, c, "hello@1.0").Exit(t, 0)
	s.clean(t)
}

// Uploads that are cut, and a proxy whose new configuration is broken, on the local route.
func TestFault03CutUpload(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	app1 := s.on[0]
	c := s.localBuild(t, 48<<20, `driver: haproxy: {}`)
	// As soon as bytes have arrived, every connection of app1 is cut.
	app1.Run(t, `setsid sh -c 'n=0
until [ -n "$(find /home/`+e2e.LoginUser+`/.trikk-incoming -name "*.part-*" -size +0 2>/dev/null)" ] || [ $n -gt 3000 ]; do n=$((n+1)); sleep 0.01; done
`+e2e.CutConnections+`' </dev/null >/dev/null 2>&1 &`)
	r := s.f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes")
	t.Logf("%s\n%s", r.Stdout, r.Stderr)
	r.Exit(t, 1).Says(t, "nothing was changed", "app1")
	if got := app1.Run(t, "ls /home/"+e2e.LoginUser+"/.trikk-incoming"); !strings.Contains(got, ".part-") || strings.Contains("\n"+got+"\n", "\nhello.zip\n") {
		t.Errorf("a cut upload left %q", got)
	}
	s.works(t)
	s.f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes").Exit(t, 0)
	for _, m := range s.on {
		installed(t, m, root+"/hello-app", "local")
		serves(t, m, "2.0")
	}
	s.h.AllUp(t, "hello")
}

// A proxy's reload that finds a broken configuration: the old one goes on to serve, the error is shown, and the run says what is not
// done.
func TestFault09ReloadError(t *testing.T) {
	e2e.Long(t)
	s := newScene(t)
	c := s.localBuild(t, 0, `driver: haproxy: {}, reload: "/usr/sbin/haproxy -c -f /srv/haproxy/haproxy.cfg && touch /tmp/reloaded"`)
	s.f.LB[0].Run(t, "echo '  bogus keyword' >>/srv/haproxy/haproxy.cfg")
	r := s.f.Trikk(t, c, "apply", "hello", "-e", "test", "--yes")
	t.Logf("%s\n%s", r.Stdout, r.Stderr)
	r.Exit(t, 6).Says(t, "FAILED   reload: /usr/sbin/haproxy -c", "unknown keyword 'bogus'", "not done: ")
	if s.f.LB[0].Exists("/tmp/reloaded") {
		t.Error("it was reloaded all the same")
	}
	for _, m := range s.on {
		serves(t, m, "2.0")
	}
	s.h.AllUp(t, "hello")
	load := s.f.Load(t, s.h.URL("hello"))
	load.Saw("2.0")
	if count := load.Stop(); count.Failed > 0 {
		t.Errorf("%d of %d requests failed: %v", count.Failed, count.Requests, count.Errors)
	}
}
