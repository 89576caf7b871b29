package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// world is what a command may touch of the process it runs in; tests give their own.
type world struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	now      func() time.Time
	dir      string               // working directory
	terminal bool                 // a person can be asked on in
	colours  func(io.Writer) bool // a terminal that shows colour
	size     func() (size, bool)  // of the terminal that err is; false: it is none. nil: nothing is known
	signals  <-chan os.Signal
	program  string        // this program, to evaluate a config repository in a process of its own; "": in this one
	patience time.Duration // how long completing a word may take; 0: completionPatience
	// capture makes signals arrive on signals, until as many functions as it gave are called. Before and after that a signal
	// ends the process, as people expect of a command that changes nothing.
	capture func() func()
}

// system is the real world.
func system() world {
	catcher := newCatcher()
	program, err := os.Executable()
	if err != nil {
		program = ""
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	colours := func(w io.Writer) bool {
		f, ok := w.(*os.File)
		return ok && term.IsTerminal(int(f.Fd()))
	}
	return world{
		colours: colours, size: sizeOf(os.Stderr), program: program,
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, now: time.Now, dir: dir,
		terminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())), signals: catcher.to, capture: catcher.capture,
	}
}

// sizeOf tells how large the terminal is that a file is, whenever it is asked.
func sizeOf(f *os.File) func() (size, bool) {
	return func() (size, bool) {
		width, height, err := term.GetSize(int(f.Fd()))
		return size{width, height}, err == nil && width > 0 && height > 0
	}
}

// cli is one call of trikk: the world and the common flags.
type cli struct {
	world
	flags   flags
	screen  *screen   // err, with what is shown below it
	caught  os.Signal // that asked to stop
	changed bool      // a run changed something
	words   []string  // the command line
}

// Main runs one command line and gives its exit code. Only it maps errors to codes.
func Main(args []string, w world) int {
	out := &printed{to: w.out}
	w.out = out
	c := &cli{world: w, words: args, screen: &screen{to: w.err}}
	c.world.err = c.screen
	root := c.root()
	if completes(args) {
		c.completable(root)
	}
	root.SetArgs(args)
	root.SetIn(w.in)
	root.SetOut(w.out)
	root.SetErr(w.err)
	err := root.ExecuteContext(context.Background())
	if !toldAlready(err) {
		complain(w.err, err)
	}
	if lost := out.lost(); lost != nil {
		complain(w.err, lost)
		return c.exitWithoutOutput(exitOf(err))
	}
	return exitOf(err)
}

// toldAlready: the command said all that there is to say about its error.
func toldAlready(err error) bool {
	var known *exitError
	return err == nil || errors.As(err, &known) && known.err == nil
}

// complain prints an error: each line that is not part of the one before begins with the program's name.
func complain(w io.Writer, err error) {
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		if !strings.HasPrefix(line, " ") && line != "" {
			line = "trikk: " + line
		}
		fmt.Fprintln(visible{w}, line) // it may quote what a server said
	}
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "trikk",
		Short: "Deploy apps to Linux servers behind reverse proxies",
		Long: "trikk deploys applications to ordinary Linux servers behind reverse proxies, without downtime,\n" +
			"without agents on the servers and without Kubernetes.",
		Example:                    "  trikk init deploy\n  trikk plan hello@1.2.0 -e test\n  trikk apply hello@1.2.0 -e test",
		Version:                    buildVersion(),
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usage("unknown command %q%s", args[0], hintOf(cmd.SuggestionsFor(args[0])))
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Name() == cobra.ShellCompRequestCmd {
				return nil // a wrong variable is told when a command is run
			}
			return c.settle(cmd.Flags())
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return flagError(cmd, c.words, err)
	})
	root.SetVersionTemplate("trikk {{.Version}}\n")
	c.flags.define(root.PersistentFlags())
	root.AddGroup(&cobra.Group{ID: "config", Title: "The config repository:"}, &cobra.Group{ID: "deploy", Title: "Deployments:"},
		&cobra.Group{ID: "servers", Title: "Servers:"})
	for _, cmd := range []*cobra.Command{c.initCommand(), c.vetCommand(), c.testCommand(), c.renderCommand(), c.diffCommand(), c.schemaCommand()} {
		cmd.GroupID = "config"
		root.AddCommand(cmd)
	}
	for _, cmd := range []*cobra.Command{c.planCommand(), c.rehearseCommand(), c.signCommand(), c.applyCommand(), c.approveCommand(), c.resumeCommand(), c.rollbackCommand(), c.statusCommand(), c.historyCommand(), c.showCommand(), c.unlockCommand(), c.notifyCommand()} {
		cmd.GroupID = "deploy"
		root.AddCommand(cmd)
	}
	for _, cmd := range []*cobra.Command{c.psCommand(), c.execCommand(), c.logsCommand(), c.hostsCommand()} {
		cmd.GroupID = "servers"
		root.AddCommand(cmd)
	}
	root.AddCommand(c.demoCommand(), c.demoAppCommand(), c.evaluateCommand(), c.versionCommand(), c.manCommand(), exitCodesTopic())
	root.SetHelpCommand(helpCommand())
	c.strictCompletion(root)
	return root
}

func hintOf(names []string) string {
	if len(names) == 0 {
		return " (see trikk --help)"
	}
	return fmt.Sprintf(" (did you mean %q?)", names[0])
}

// say tells a person something on standard error.
func (c *cli) say(format string, args ...any) {
	if !c.flags.quiet && !c.flags.json {
		fmt.Fprintf(c.world.err, format+"\n", args...)
	}
}
