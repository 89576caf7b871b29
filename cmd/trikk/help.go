package main

import (
	"strings"

	"github.com/spf13/cobra"
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
		ValidArgsFunction: func(cmd *cobra.Command, names []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			found, rest, err := cmd.Root().Find(names)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var out []cobra.Completion
			for _, sub := range found.Commands() {
				if !sub.Hidden && strings.HasPrefix(sub.Name(), begun) {
					out = append(out, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
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
func (c *cli) strictCompletion(root *cobra.Command) {
	root.SetOut(c.out) // that is where it will write
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"}) // root.Commands() would sort them, also for suggestions
	if err != nil || cmd == root {
		return
	}
	var shells []string
	for _, s := range cmd.Commands() {
		shells = append(shells, s.Name())
		if s.Name() == "bash" {
			completionBash(s)
		}
		s.Args = args(0, 0)
		s.Long = strings.TrimRight(s.Long, "\n") + exitHelp(exitDone, exitFailed, exitUsage)
	}
	cmd.Short = "Write the script that completes commands, flags, apps, versions, servers and runs in a shell"
	cmd.Long = "Writes a script for a shell. It completes commands and flags, and names: apps and, behind APP@, the versions that the artifact\n" +
		"repository lists or this machine has deployed, environments, servers, labels, runs, saved plans, fields of the schema. It asks no\n" +
		"server, and changes nothing. The help of each shell says how the script is installed." + exitHelp(exitDone, exitFailed, exitUsage)
	cmd.Example = "  source <(trikk completion bash)\n  trikk completion fish > ~/.config/fish/completions/trikk.fish"
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(*cobra.Command, []string) error {
		return usage("name the shell, one of %s: trikk completion SHELL", strings.Join(shells, ", "))
	}
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What each exit code means", Long: "What each exit code means." + exitHelp(allExitCodes()...)}
}
