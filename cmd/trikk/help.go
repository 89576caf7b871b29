package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// args refuses fewer than least and more than most arguments.
func args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, a []string) error {
		if least <= len(a) && len(a) <= most {
			return nil
		}
		wants := "no arguments"
		switch {
		case least == most && most > 0:
			wants = plural(most, "argument")
		case most > 0:
			wants = "at most " + plural(most, "argument")
		}
		return usage("%s takes %s, not %d (usage: %s %s)", cmd.CommandPath(), wants, len(a), cmd.Root().Name(), cmd.Use)
	}
}

// helpCommand is `trikk help [COMMAND | TOPIC]`.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about a command or a topic",
		PersistentPreRun: func(*cobra.Command, []string) {}, // help is given in every environment
		ValidArgsFunction: func(cmd *cobra.Command, a []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, sub := range cmd.Root().Commands() {
				if len(a) == 0 && !sub.Hidden {
					names = append(names, sub.Name()+"\t"+sub.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			root := cmd.Root()
			found, rest, err := root.Find(names)
			if err != nil || found == root && len(names) > 0 || len(rest) > 0 {
				return usage("no help about %q%s", names[0], hintOf(root.SuggestionsFor(names[0])))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// strictCompletion adds cobra's completion command, and refuses shells that it does not know: it would show its help, and succeed.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"}) // root.Commands() would sort them, also for suggestions
	if err != nil || cmd == root {
		return
	}
	var shells []string
	for _, s := range cmd.Commands() {
		shells = append(shells, s.Name())
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(*cobra.Command, []string) error {
		return usage("name the shell, one of %s: trikk completion SHELL", strings.Join(shells, ", "))
	}
}

func exitCodesTopic() *cobra.Command {
	all := make([]int, 0, len(exitMeanings()))
	for _, m := range exitMeanings() {
		all = append(all, m.code)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What each exit code means", Long: "What each exit code means." + exitHelp(all...)}
}

func (c *cli) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages", Args: args(1, 1),
		Long:    "Writes one manual page a command into a folder, for section 1." + exitHelp(exitDone, exitFailed, exitUsage),
		Example: "  trikk man ~/.local/share/man/man1",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			dir := c.absolute(dirs[0])
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("writing the manual pages: %w", err)
			}
			cmd.Root().DisableAutoGenTag = true
			return doc.GenManTree(cmd.Root(), &doc.GenManHeader{Title: "TRIKK", Section: "1", Source: "trikk", Manual: "trikk"}, dir)
		},
	}
}
