//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/e2e"
)

// What trikk writes can be written by nobody but its owner, even where the users' own umask lets all in; uploads on their way, runs
// and caches of the controller can't be read by others either.
func TestModes(t *testing.T) {
	e2e.Long(t)
	f := e2e.Start(t)
	repo := f.Repository(t)
	publish(t, f, repo, map[string]string{"1.0": e2e.Healthy, "2.0": e2e.Healthy})
	c := f.Config(t, e2e.Proxies{})
	on := f.App[:2]
	for _, m := range on {
		m.Run(t, "for u in "+e2e.LoginUser+" "+e2e.AppUser+"; do printf 'umask 000\\n' | cat - /home/$u/.bashrc >/home/$u/.new && cat /home/$u/.new >/home/$u/.bashrc && rm /home/$u/.new; done")
	}
	app := func(artifact string) string {
		return itasApp(repo.URL, ready, `	rollout: rolling: {}`, artifact, `	environments: test: servers: `+quoted(on...))
	}
	c.App("hello", app(""))
	f.Trikk(t, c, "apply", "hello@1.0", "-e", "test", "--yes").Exit(t, 0)
	c.App("hello", app(`	artifact: maven: fetch: "controller"`))
	f.Trikk(t, c, "apply", "hello@2.0", "-e", "test", "--yes").Exit(t, 0)

	for _, m := range on {
		open := m.Run(t, "find "+root+"/.trikk "+root+"/releases/*/.trikk "+root+"/releases/*/config /home/"+e2e.LoginUser+"/.trikk-incoming ! -type l -perm /022 -printf '%m %p\\n'")
		if open != "" {
			t.Errorf("%s: others may write to\n%s", m.Name, open)
		}
		if staging := m.Run(t, "stat -c %a /home/"+e2e.LoginUser+"/.trikk-incoming"); staging != "700" {
			t.Errorf("%s: the staging directory has mode %s", m.Name, staging)
		}
	}
	err := filepath.WalkDir(filepath.Join(c.State(), "runs"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", strings.TrimPrefix(path, c.State()), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
