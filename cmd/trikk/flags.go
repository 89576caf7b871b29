package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flags are common to most commands. Every flag has an environment variable, TRIKK_NAME.
type flags struct {
	dir       string // -C
	env       string // -e
	yes       bool
	json      bool
	quiet     bool
	verbose   int
	color     string
	progress  string
	noInput   bool
	parallel  int
	timeout   time.Duration
	sshConfig string
	acceptNew bool
	state     string
	cueFile   int // KiB
	cueMemory int // MiB
	cueTime   time.Duration
	wait      time.Duration // for locks that other runs hold
	issues    []string      // that a run is about
}

func (f *flags) define(set *pflag.FlagSet) {
	set.StringVarP(&f.dir, "dir", "C", ".", "the config repository is in `DIR` or above it")
	set.BoolVar(&f.json, "json", false, "one JSON object a line; plan prints the plan document")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "only results and errors")
	set.CountVarP(&f.verbose, "verbose", "v", "also what remote steps print; -vv also their exact shell")
	set.StringVar(&f.color, "color", "auto", "colour: `WHEN` is auto, always or never")
	set.StringVar(&f.progress, "progress", progressAuto, "how a run is shown: `WHEN` is auto, plain (lines) or board (drawn in place)")
	set.BoolVar(&f.noInput, "no-input", false, "never ask; what would need an answer is refused")
	set.IntVar(&f.parallel, "parallel", 64, "open at most `N` connections at once")
	set.DurationVar(&f.timeout, "timeout", 15*time.Second, "give each connection `DURATION` to be ready")
	set.StringVar(&f.sshConfig, "ssh-config", "", "read this `FILE` as ssh_config, or none (default: the user's)")
	set.BoolVar(&f.acceptNew, "accept-new", false, "record unknown host keys, as OpenSSH's StrictHostKeyChecking=accept-new")
	set.IntVar(&f.cueFile, "cue-file", 32, "refuse CUE files of more than `KIB` KiB")
	set.IntVar(&f.cueMemory, "cue-memory", 1024, "end an evaluation of the config that needs more than `MIB` MiB")
	set.DurationVar(&f.cueTime, "cue-time", 10*time.Second, "end the evaluation of a package that takes more than `DURATION` of CPU time")
	set.StringVar(&f.state, "state", "", "keep runs in `DIR` (default: trikk in the XDG state directory)")
}

// settle completes the flags from the environment and refuses values that mean nothing.
func (c *cli) settle(set *pflag.FlagSet) error {
	if err := c.fromEnvironment(set); err != nil {
		return err
	}
	if !slices.Contains([]string{"auto", "always", "never"}, c.flags.color) {
		return usage("--color %s: it is auto, always or never", c.flags.color)
	}
	if !slices.Contains([]string{progressAuto, progressPlain, progressBoard}, c.flags.progress) {
		return usage("--progress %s: it is auto, plain or board", c.flags.progress)
	}
	if c.flags.parallel < 1 {
		return usage("--parallel %d: it is at least 1", c.flags.parallel)
	}
	if c.flags.cueFile < 1 || c.flags.cueMemory < 1 || c.flags.cueTime <= 0 {
		return usage("--cue-file, --cue-memory and --cue-time are more than nothing")
	}
	if c.flags.timeout <= 0 {
		return usage("--timeout %s: it is more than nothing", c.flags.timeout)
	}
	if c.flags.wait < 0 {
		return usage("--wait=%s: it is not less than nothing", c.flags.wait)
	}
	return nil
}

// fromEnvironment sets every flag that was not given from TRIKK_NAME. --json and --format say the same thing: where one of them
// is given, the other's variable does not count.
func (c *cli) fromEnvironment(set *pflag.FlagSet) error {
	var wrong error
	said := set.Changed("json") || set.Changed("format")
	set.VisitAll(func(f *pflag.Flag) {
		if f.Changed || !fromVariable(f) || wrong != nil {
			return
		}
		if said && (f.Name == "json" || f.Name == "format") {
			return
		}
		name := variable(f)
		if v := c.world.env(name); v != "" {
			if err := set.Set(f.Name, v); err != nil {
				wrong = usage("%s: %w", name, flagValueError(err))
			}
		}
	})
	return wrong
}

// fromVariable tells whether a flag has an environment variable.
func fromVariable(f *pflag.Flag) bool { return f.Name != "help" && f.Name != "version" }

// variable is the environment variable of a flag.
func variable(f *pflag.Flag) string {
	return "TRIKK_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// choice is the value of a flag that chooses what a command is about. Where it is given it says something: an empty one, such as that of a
// variable that a pipeline did not set, must not choose all.
type choice string

func (v *choice) Set(text string) error {
	if text == "" {
		return errors.New("it is empty (give it a value, or leave the flag out)")
	}
	*v = choice(text)
	return nil
}

func (v *choice) String() string { return string(*v) }

// Type is the name of the kind of value.
func (v *choice) Type() string { return "string" }

// envFlag adds -e to a command that needs an environment.
func (c *cli) envFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&c.flags.env, "env", "e", "", "of this `ENV` (required)")
}

func (c *cli) needEnv() error {
	if c.flags.env == "" {
		return usage("name the environment: -e ENV")
	}
	return nil
}
