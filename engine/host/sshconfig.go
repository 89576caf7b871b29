package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	sshconfig "github.com/kevinburke/ssh_config"
)

// config is what ssh_config says about one server: lower-case keywords and their values.
type config map[string][]string

func (c config) one(key string) string {
	if len(c[key]) == 0 {
		return ""
	}
	return c[key][0]
}

func (c config) words(key string) []string { return strings.Fields(c.one(key)) }

// readConfig asks OpenSSH, which knows best what its files mean; without it the files are read strictly.
func readConfig(ctx context.Context, t Target, o Options) (config, error) {
	if o.ConfigFile == none {
		return config{}, nil
	}
	if t.Address == "" || strings.HasPrefix(t.Address, "-") {
		return nil, fmt.Errorf("%q is no address", t.Address)
	}
	ssh, err := exec.LookPath("ssh")
	if errors.Is(err, exec.ErrNotFound) {
		return parseFiles(t.Address, configFiles(o))
	}
	if err != nil {
		return nil, fmt.Errorf("looking for ssh: %w", err)
	}
	return askOpenSSH(ctx, ssh, t, o)
}

// askOpenSSH runs ssh -G, with the target's own fields as command line, so that Match and tokens see them.
func askOpenSSH(ctx context.Context, ssh string, t Target, o Options) (config, error) {
	args := []string{"-G", "-T"}
	if o.ConfigFile != "" {
		args = append(args, "-F", o.ConfigFile)
	}
	if t.User != "" {
		args = append(args, "-l", t.User)
	}
	if t.Port != 0 {
		args = append(args, "-p", strconv.Itoa(t.Port))
	}
	cmd := exec.CommandContext(ctx, ssh, append(args, "--", t.Address)...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); ctx.Err() != nil {
		return nil, fmt.Errorf("running ssh -G: %w", cause(ctx, err))
	} else if err != nil {
		return nil, fmt.Errorf("running ssh -G: %s: %w", firstLine(stderr.String(), "no message"), err)
	}
	conf := config{}
	for line := range strings.Lines(out.String()) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		conf[key] = append(conf[key], value)
	}
	return conf, nil
}

func configFiles(o Options) []string {
	if o.ConfigFile != "" {
		return []string{o.ConfigFile}
	}
	files := []string{"/etc/ssh/ssh_config"}
	if home, err := os.UserHomeDir(); err == nil {
		files = slices.Insert(files, 0, filepath.Join(home, ".ssh", "config"))
	}
	return files
}

// understood are the keywords that matter to a connection of ours.
var understood = []string{
	"HostName", "User", "Port", "HostKeyAlias", "ProxyJump", "ProxyCommand", "IdentityFile", "IdentitiesOnly", "IdentityAgent",
	"UserKnownHostsFile", "GlobalKnownHostsFile", "StrictHostKeyChecking",
}

var matchLine = regexp.MustCompile(`(?im)^[ \t]*match[ \t=]`)

// parseFiles reads ssh_config files without OpenSSH. The first value of a keyword counts. Match blocks, which only OpenSSH
// can decide, are refused.
func parseFiles(address string, files []string) (config, error) {
	conf := config{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading ssh_config: %w", err)
		}
		if matchLine.Match(text) {
			return nil, fmt.Errorf("%s has a Match block, which only OpenSSH's client can decide: install it, or name another file", file)
		}
		parsed, err := sshconfig.DecodeBytes(text)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		if err := conf.merge(parsed, address); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return conf, nil
}

func (c config) merge(parsed *sshconfig.Config, address string) error {
	for _, key := range understood {
		values, err := parsed.GetAll(address, key)
		if err != nil {
			return err
		}
		lower := strings.ToLower(key)
		if len(values) > 0 && (len(c[lower]) == 0 || lower == "identityfile") {
			c[lower] = append(c[lower], values...)
		}
	}
	return nil
}
