package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"trikk.dev/engine/demo"
)

// keepDemo runs a small fleet in a new folder until a signal comes; then nothing of it is left.
func (c *cli) keepDemo(ctx context.Context, dir string) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	ctx, stop := c.interruptible(ctx)
	defer stop()
	f, err := demo.Start(demo.Options{Program: program, Servers: 2, Proxies: 1, Dir: c.absolute(dir)})
	if err != nil {
		return err
	}
	err = c.kept(f)
	if err == nil {
		<-ctx.Done()
	}
	if serr := f.Stop(); err == nil {
		err = serr
	}
	if err == nil {
		err = &exitError{code: exitInterrupted}
	}
	return err
}

// kept says how the fleet is reached. The address that clients use is also in the file url.
func (c *cli) kept(f *demo.Fleet) error {
	url := f.URLs()[0]
	if err := os.WriteFile(filepath.Join(f.Dir, "url"), []byte(url+"\n"), 0o600); err != nil {
		return fmt.Errorf("keeping the demo's fleet: %w", err)
	}
	if c.flags.json {
		return c.event("demo.kept", struct {
			Config    string `json:"config"`
			SSHConfig string `json:"sshConfig"`
			State     string `json:"state"`
			URL       string `json:"url"`
		}{f.Config, f.SSHConfig, f.State, url})
	}
	_, err := fmt.Fprintf(c.out, `%s run in this process, behind %s. Clients reach hello at %s
There are 1.0, 2.0 and a 3.0 that never gets healthy. In another terminal:

  export TRIKK_SSH_CONFIG=%s TRIKK_STATE=%s
  trikk -C %s apply hello@1.0 -e demo

Ctrl-C ends the fleet and removes %s.
`, strings.Join(f.Servers(), " and "), strings.Join(f.Proxies(), " and "), url, f.SSHConfig, f.State, f.Config, f.Dir)
	return err
}
