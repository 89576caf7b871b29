package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completionPatience is how long completing one word may take: a person waits for it.
const completionPatience = 2 * time.Second

// spot is a place of a command line that is completed.
type spot struct {
	ctx   context.Context // ends when a person would wait no longer
	cmd   *cobra.Command
	args  []string // arguments before it; flags are parsed
	begun string   // what is typed of it
}

// candidates gives what may stand at a spot, and what the shell does beside that. It only reads, on this machine and in artifact repositories, and
// says nothing: what it can't know is missing.
type candidates func(at spot) ([]cobra.Completion, cobra.ShellCompDirective)

// completes tells whether a command line is a shell's question about another one.
func completes(words []string) bool {
	return len(words) > 0 && (words[0] == cobra.ShellCompRequestCmd || words[0] == cobra.ShellCompNoDescRequestCmd)
}

// completable tells cobra what completes the arguments and the values of flags of each command. It is kept from command lines that are no
// question: cobra would keep what is registered for ever.
func (c *cli) completable(root *cobra.Command) {
	arguments, values := c.argumentCandidates(), c.valueCandidates()
	eachCommand(root, func(cmd *cobra.Command) {
		path := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
		if cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = c.completion(firstOf(arguments[path], nothing))
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if takesValue(f) {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, c.completion(firstOf(values[path+" --"+f.Name], values["--"+f.Name], nothing)))
			}
		})
	})
}

// eachCommand visits a command and all below it.
func eachCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		eachCommand(sub, visit)
	}
}

// takesValue tells whether something may stand after a flag.
func takesValue(f *pflag.Flag) bool { return f.Value.Type() != "bool" && f.Value.Type() != "count" }

func firstOf(all ...candidates) candidates {
	return all[slices.IndexFunc(all, func(of candidates) bool { return of != nil })]
}

// completion is candidates as cobra calls them: in time, of the environment's flags too, and only those that go on as it is begun.
func (c *cli) completion(of candidates) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		_ = c.fromEnvironment(cmd.Flags()) // a wrong one is told when the command is run
		ctx, cancel := context.WithTimeout(cmd.Context(), cmp.Or(c.world.patience, completionPatience))
		defer cancel()
		list, directive := of(spot{ctx, cmd, args, begun})
		if directive&(cobra.ShellCompDirectiveFilterFileExt|cobra.ShellCompDirectiveFilterDirs) != 0 {
			return list, directive
		}
		return slices.DeleteFunc(list, func(s string) bool { return !strings.HasPrefix(s, begun) }), directive
	}
}

// argumentCandidates are those of arguments, by command. Elsewhere there are none.
func (c *cli) argumentCandidates() map[string]candidates {
	app, versions := onlyFirst(c.appNames), c.orVersions(c.appNames)
	return map[string]candidates{
		"plan": versions, "apply": c.applied(versions), "rehearse": orFiles(versions), "status": c.appNames, "exec": c.beforeDash(c.appNames),
		"rollback": app, "unlock": app, "logs": app, "diff": app, "history": app, "render": c.rendered,
		"resume": onlyFirst(c.cutRuns), "approve": onlyFirst(c.allRuns), "show": onlyFirst(orFiles(c.allRuns)), "sign": onlyFirst(plans),
		"vet": folders, "test": folders, "init": initialised, "man": onlyFirst(folders), "demo": nothing,
		"notify test": nothing, "notify show": nothing, "notify retry": c.allRuns, "schema": onlyFirst(schemaPaths),
	}
}

// valueCandidates are those of the values of flags, by flag, or by command and flag. Elsewhere, as for numbers and durations, there are none.
func (c *cli) valueCandidates() map[string]candidates {
	return map[string]candidates{
		"--dir": folders, "--state": folders, "--ssh-config": files, "--color": oneOf("auto", "always", "never"),
		"--progress": oneOf(progressAuto, progressPlain, progressBoard),
		"--env":      c.environmentNames, "init --env": nothing, "--confirm": c.confirmed, "diff --from": c.environmentNames, "diff --to": c.environmentNames,
		"--selector": c.labels, "ps --app": c.appNames, "exec --server": listed(c.serverNames), "render --server": c.serverNames,
		"rollback --to": c.pastReleases, "unlock --run": c.lockingRuns,
		"--keep": folders, "--golden": folders, "--plan": plans, "--artifact": files, "--key": files, "--sign": files, "--output": files, "render --output": folders,
		"--as": nothing, "--match": nothing, "--changed-since": nothing, "--override-freeze": nothing, "--override-promotion": nothing, "--issue": nothing,
		"--release": files, "approve --reject": nothing, "--failed": c.failedRuns,
		"--sort": oneOf("swap", "rss", "cpu"), "init --from": oneOf("ansible"),
		"vet --format": oneOf(formats()...), "plan --format": oneOf(formatText, formatMarkdown, formatMermaid), "schema --format": oneOf(formatText, formatJSONSchema),
	}
}

// nothing is where a person alone knows.
func nothing(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// files is where the shell knows.
func files(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func folders(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// plans are files whose names end as those of saved plans do.
func plans(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"plan", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

func oneOf(words ...string) candidates {
	return func(spot) ([]cobra.Completion, cobra.ShellCompDirective) {
		return slices.Clone(words), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// onlyFirst completes one argument and no second.
func onlyFirst(of candidates) candidates {
	return func(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(at.args) > 0 {
			return nothing(at)
		}
		return of(at)
	}
}

// orFiles lets the first argument be a file too, where nothing else goes on as it is begun.
func orFiles(of candidates) candidates {
	return func(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
		list, directive := of(at)
		if len(at.args) == 0 {
			directive &^= cobra.ShellCompDirectiveNoFileComp
		}
		return list, directive
	}
}

// listed completes the last one of a list with commas, each of which is there once. There are no words about them: cobra's script for bash would look
// for the list with its commas quoted.
func listed(of candidates) candidates {
	return func(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
		n := strings.LastIndex(at.begun, ",") + 1
		head := at.begun[:n]
		at.begun = at.begun[n:]
		list, directive := of(at)
		var out []cobra.Completion
		for _, s := range list {
			name, _, _ := strings.Cut(s, "\t")
			if !slices.Contains(strings.Split(head, ","), name) {
				out = append(out, head+name)
			}
		}
		return out, directive
	}
}

// beforeDash completes nothing of the command that is run elsewhere but files, which may be there too.
func (c *cli) beforeDash(of candidates) candidates {
	return func(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
		if at.cmd.ArgsLenAtDash() >= 0 {
			return files(at)
		}
		return of(at)
	}
}

// applied: a saved plan and a run name their apps themselves.
func (c *cli) applied(of candidates) candidates {
	return func(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
		if at.cmd.Flags().Changed("plan") || at.cmd.Flags().Changed("failed") {
			return nothing(at)
		}
		return of(at)
	}
}

// rendered is one app, or with --proxies several.
func (c *cli) rendered(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	if at.cmd.Flags().Changed("proxies") {
		return c.appNames(at)
	}
	return onlyFirst(c.appNames)(at)
}

// initialised is a folder; with --from an inventory, which is a file or a folder, goes before it.
func initialised(at spot) ([]cobra.Completion, cobra.ShellCompDirective) {
	if at.cmd.Flags().Changed("from") && len(at.args) == 0 {
		return files(at)
	}
	return folders(at)
}
