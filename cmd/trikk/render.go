package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

func (c *cli) renderCommand() *cobra.Command {
	var out string
	var server string
	var proxies bool
	cmd := &cobra.Command{
		Use:   "render APP -e ENV",
		Short: "Print the generated files exactly as they would be written",
		Long: "Prints the app's generated files exactly as they would be written into a release, or writes them under a\n" +
			"folder with -o. Secrets are not read: {secret:NAME} stands for one. It needs no network.\n\n" +
			"With --proxies it prints what the proxies' own configuration needs instead, a file an app and proxy: HAProxy\n" +
			"backends, httpd balancers, nginx upstreams, Caddy handlers; without APP for all apps. Put them there once." + exitHelp(exitDone, exitFailed, exitConfig, exitUsage),
		Example: "  trikk render jmsadmin -e prod\n  trikk render jmsadmin -e prod -o /tmp/out\n  trikk render --proxies -e prod -o /tmp/out",
		Args: func(cmd *cobra.Command, names []string) error {
			if proxies {
				return nil
			}
			return args(1, 1)(cmd, names)
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case proxies && server != "":
				return usage("--proxies and --server don't go together")
			case proxies:
				return c.renderProxies(cmd.Context(), out, names)
			}
			ch, err := c.choose(cmd.Context(), selection{}, names)
			if err != nil {
				return err
			}
			app := ch.apps[0]
			if server != "" {
				if err := hasServer(app, server); err != nil {
					return err
				}
			}
			files, err := plan.Render(app)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			if out != "" {
				return writeFiles(c.absolute(out), files)
			}
			return c.printFiles(files)
		},
	}
	c.envFlag(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the files under this `DIR`")
	cmd.Flags().StringVar(&server, "server", "", "as on this `SERVER`; it must run the app")
	cmd.Flags().BoolVar(&proxies, "proxies", false, "the proxies' side of the apps, for their own configuration")
	return cmd
}

func hasServer(app plan.App, server string) error {
	for _, h := range app.Hosts() {
		if h == server {
			return nil
		}
	}
	return &exitError{exitConfig, fmt.Errorf("%s is not installed on server %q in %s (known: %s)", app.Name, server, app.Env, strings.Join(app.Hosts(), ", "))}
}

func (c *cli) printFiles(files []plan.Rendered) error {
	if c.flags.json {
		for _, f := range files {
			if err := c.event("file", map[string]string{"path": f.Path, "mode": f.Mode, "content": f.Content}); err != nil {
				return err
			}
		}
		return nil
	}
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(c.out)
		}
		if len(files) > 1 {
			fmt.Fprintf(c.out, "==> %s (%s) <==\n", f.Path, f.Mode)
		}
		fmt.Fprint(c.out, f.Content)
	}
	return nil
}

func writeFiles(dir string, files []plan.Rendered) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode, err := strconv.ParseUint(f.Mode, 8, 32)
		if err != nil {
			return fmt.Errorf("mode of %s: %w", f.Path, err)
		}
		if err := os.WriteFile(path, []byte(f.Content), os.FileMode(mode)); err != nil {
			return err
		}
		if err := os.Chmod(path, os.FileMode(mode)); err != nil {
			return err
		}
	}
	return nil
}
