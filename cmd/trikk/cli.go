package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// world is what a command may touch of the process it runs in; tests give their own.
type world struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	now      func() time.Time
	dir      string // working directory
	terminal bool   // a person can be asked on in
	signals  <-chan os.Signal
	// capture makes signals arrive on signals, until the function it gives is called. Before and after that a signal ends
	// the process, as people expect of a command that changes nothing.
	capture func() func()
}

// system is the real world.
func system() world {
	signals := make(chan os.Signal, 4)
	capture := func() func() {
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		return func() { signal.Stop(signals) }
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return world{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, now: time.Now, dir: dir,
		terminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())), signals: signals, capture: capture,
	}
}

// cli is one call of trikk: the world and the common flags.
type cli struct {
	world
	flags flags
}

// flags are common to most commands. Every flag has an environment variable, TRIKK_NAME.
type flags struct {
	dir       string // -C
	env       string // -e
	yes       bool
	json      bool
	quiet     bool
	verbose   int
	color     string
	noInput   bool
	parallel  int
	timeout   time.Duration
	sshConfig string
	acceptNew bool
	state     string
}

// Main runs one command line and gives its exit code. Only it maps errors to codes.
func Main(args []string, w world) int {
	c := &cli{world: w}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(w.in)
	root.SetOut(w.out)
	root.SetErr(w.err)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitDone
	}
	var known *exitError
	if errors.As(err, &known) && known.err == nil {
		return known.code
	}
	for _, line := range strings.Split(strings.TrimRight(err.Error(), "\n"), "\n") {
		fmt.Fprintf(w.err, "trikk: %s\n", line)
	}
	return exitOf(err)
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "trikk",
		Short:         "Deploy apps to Linux servers behind reverse proxies",
		Long:          "trikk deploys applications to ordinary Linux servers behind reverse proxies, without downtime,\nwithout agents on the servers and without Kubernetes.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usage("unknown command %q%s", args[0], hintOf(cmd.SuggestionsFor(args[0])))
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.fromEnvironment(cmd.Flags()) },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w (see %s --help)", err, cmd.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVarP(&c.flags.dir, "dir", "C", ".", "config repository")
	f.BoolVar(&c.flags.json, "json", false, "one JSON object a line; plan prints the plan document")
	f.BoolVarP(&c.flags.quiet, "quiet", "q", false, "only results and errors")
	f.CountVarP(&c.flags.verbose, "verbose", "v", "more output; -vv shows what remote steps print")
	f.StringVar(&c.flags.color, "color", "auto", "auto, always or never")
	f.BoolVar(&c.flags.noInput, "no-input", false, "never ask; what would need an answer is refused")
	f.IntVar(&c.flags.parallel, "parallel", 64, "connections that are opened at once, and segments in flight")
	f.DurationVar(&c.flags.timeout, "timeout", 15*time.Second, "for one connection to be ready")
	f.StringVar(&c.flags.sshConfig, "ssh-config", "", "ssh_config file, or none (default: the user's)")
	f.BoolVar(&c.flags.acceptNew, "accept-new", false, "record unknown host keys, as OpenSSH's StrictHostKeyChecking=accept-new")
	f.StringVar(&c.flags.state, "state", "", "folder of runs (default: trikk in the XDG state directory)")
	root.AddCommand(c.vetCommand(), c.renderCommand(), c.planCommand(), c.applyCommand(), c.rollbackCommand(), c.statusCommand(),
		c.initCommand(), c.demoCommand(), c.demoAppCommand(), c.versionCommand(), exitCodesTopic())
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

func hintOf(names []string) string {
	if len(names) == 0 {
		return " (see trikk --help)"
	}
	return fmt.Sprintf(" (did you mean %q?)", names[0])
}

// fromEnvironment sets every flag that was not given from TRIKK_NAME.
func (c *cli) fromEnvironment(set *pflag.FlagSet) error {
	var wrong error
	set.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || wrong != nil {
			return
		}
		name := "TRIKK_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := c.world.env(name); v != "" {
			if err := set.Set(f.Name, v); err != nil {
				wrong = usage("%s: %w", name, err)
			}
		}
	})
	return wrong
}

// envFlag adds -e to a command that needs an environment.
func (c *cli) envFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&c.flags.env, "env", "e", "", "environment (required)")
}

func (c *cli) needEnv() error {
	if c.flags.env == "" {
		return usage("name the environment: -e ENV")
	}
	return nil
}

// say tells a person something on standard error.
func (c *cli) say(format string, args ...any) {
	if !c.flags.quiet && !c.flags.json {
		fmt.Fprintf(c.world.err, format+"\n", args...)
	}
}

// atMost is cobra's argument check with our exit code.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, a []string) error {
		if err := check(cmd, a); err != nil {
			return usage("%w (usage: %s)", err, cmd.UseLine())
		}
		return nil
	}
}

func exitCodesTopic() *cobra.Command {
	all := make([]int, 0, len(exitMeanings()))
	for _, m := range exitMeanings() {
		all = append(all, m.code)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What each exit code means", Long: "What each exit code means." + exitHelp(all...)}
}
