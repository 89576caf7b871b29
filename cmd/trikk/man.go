package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *cli) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages", Args: args(1, 1),
		Long: "Writes one manual page a command into a folder, for section 1. trikk(1) also tells of environment variables, files and\n" +
			"exit codes. SOURCE_DATE_EPOCH sets their date." + exitHelp(exitDone, exitFailed, exitUsage),
		Example: "  trikk man ~/.local/share/man/man1\n  man trikk-apply",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := c.writeManual(cmd.Root(), c.absolute(dirs[0])); err != nil {
				return fmt.Errorf("writing the manual pages: %w", err)
			}
			return nil
		},
	}
}

// writeManual writes the page of each command that people call.
func (c *cli) writeManual(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	date, err := c.manualDate()
	if err != nil {
		return err
	}
	eachCommand(root, func(cmd *cobra.Command) {
		if err == nil && paged(cmd) {
			err = os.WriteFile(filepath.Join(dir, pageName(cmd)+".1"), manualPage(cmd, date), 0o644)
		}
	})
	return err
}

// manualDate is what the pages are dated: now, or as packagers say.
func (c *cli) manualDate() (time.Time, error) {
	epoch := c.world.env("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return c.now(), nil
	}
	var seconds int64
	if _, err := fmt.Sscanf(epoch, "%d", &seconds); err != nil {
		return time.Time{}, usage("SOURCE_DATE_EPOCH %q is no number of seconds", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// paged tells whether a command has a page; topics are told by trikk(1).
func paged(cmd *cobra.Command) bool {
	return !cmd.HasParent() || cmd.IsAvailableCommand() && !cmd.IsAdditionalHelpTopicCommand()
}

// pageName is that of a command's page: trikk-hosts-check.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manualPage is the page of a command, in roff that is plain ASCII: not each formatter reads more.
func manualPage(cmd *cobra.Command, date time.Time) []byte {
	cmd.InitDefaultHelpFlag()
	about, codes, _ := strings.Cut(cmd.Long, exitHeading)
	if !cmd.HasParent() {
		about, codes = cmd.Long, exitLines(allExitCodes())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%% %q %q %q %q %q\n", strings.ToUpper(pageName(cmd)), "1", date.Format(time.DateOnly), "trikk", "trikk")
	fmt.Fprintf(&b, "# NAME\n%s \\- %s\n\n", pageName(cmd), cmd.Short)
	fmt.Fprintf(&b, "# SYNOPSIS\n**%s**\n\n", escaped(cmd.UseLine()))
	fmt.Fprintf(&b, "# DESCRIPTION\n%s\n\n", escaped(about))
	manualOptions(&b, "OPTIONS", cmd.NonInheritedFlags())
	manualOptions(&b, "GLOBAL OPTIONS", cmd.InheritedFlags())
	b.WriteString("# EXIT STATUS\n")
	for line := range strings.Lines(codes) {
		code, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
		manualItem(&b, "**"+code+"**", escaped(strings.TrimSpace(meaning)))
	}
	manualVariables(&b, cmd)
	if cmd.Example != "" {
		fmt.Fprintf(&b, "# EXAMPLES\n```\n%s\n```\n\n", cmd.Example)
	}
	fmt.Fprintf(&b, "# SEE ALSO\n%s\n", strings.Join(neighbours(cmd), ", "))
	return ascii(md2man.Render([]byte(b.String())))
}

// manualItem is a term and what it means.
func manualItem(b *strings.Builder, term, meaning string) {
	fmt.Fprintf(b, "%s\n: %s\n\n", term, meaning)
}

func manualOptions(b *strings.Builder, heading string, set *pflag.FlagSet) {
	if set.HasAvailableFlags() {
		fmt.Fprintf(b, "# %s\n", heading)
	}
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, meaning := pflag.UnquoteUsage(f)
		term := "**--" + f.Name + "**"
		if f.Shorthand != "" {
			term = "**-" + f.Shorthand + "**, " + term
		}
		switch {
		case !takesValue(f):
		case f.NoOptDefVal != "":
			term += "[=*" + value + "*]"
		default:
			term += " *" + value + "*"
		}
		if d := f.DefValue; takesValue(f) && d != "" && d != "0s" && d != "[]" {
			meaning += " (default " + d + ")"
		}
		manualItem(b, term, escaped(meaning))
	})
}

// manualVariables are the environment variables of a command's own flags; trikk(1) has all others, and the files.
func manualVariables(b *strings.Builder, cmd *cobra.Command) {
	b.WriteString("# ENVIRONMENT\n")
	b.WriteString("A variable stands for an option where that is not given.\n\n")
	cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && fromVariable(f) {
			manualItem(b, "**"+escaped(variable(f))+"**", "**--"+f.Name+"**")
		}
	})
	if cmd.HasParent() {
		b.WriteString("Those of all commands, and the files, are in **trikk(1)**.\n\n")
		return
	}
	for _, v := range variables() {
		manualItem(b, "**"+escaped(v[0])+"**", v[1])
	}
	b.WriteString("# FILES\n")
	for _, f := range manualFiles() {
		manualItem(b, "*"+escaped(f[0])+"*", f[1])
	}
}

// variables are the environment variables that stand for no option.
func variables() [][2]string {
	return [][2]string{
		{"NO_COLOR, TERM", "no colour where NO_COLOR is set or TERM is dumb; nor a board where TERM is dumb or not set"},
		{"SSH_AUTH_SOCK", "the agent that has the keys for SSH and for signatures"},
		{"TRIKK_AGE_IDENTITY, SOPS_AGE_KEY_FILE", "the file that opens secrets that age encrypted, where the config names none; the first that is set"},
		{"XDG_STATE_HOME, XDG_CACHE_HOME", "where runs and downloads are kept, below trikk"},
		{"HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "the way from this machine to artifact repositories"},
		{"SOURCE_DATE_EPOCH", "the date of manual pages that trikk man writes, in seconds"},
	}
}

// manualFiles are the files that commands read and write.
func manualFiles() [][2]string {
	return [][2]string{
		{"cue.mod/module.cue", "makes a folder a config repository; it is looked for in --dir and above"},
		{"~/.local/state/trikk/runs", "the plan, the journal and the outcome of each run of this machine"},
		{"~/.cache/trikk/artifacts", "what was downloaded to this machine"},
		{"~/.ssh/config, ~/.ssh/known_hosts", "how servers are reached, and their host keys, as ssh has them"},
	}
}

// neighbours are the pages of the command above and of those below.
func neighbours(cmd *cobra.Command) (out []string) {
	if cmd.HasParent() {
		out = append(out, "**"+pageName(cmd.Parent())+"(1)**")
	}
	for _, sub := range cmd.Commands() {
		if paged(sub) {
			out = append(out, "**"+pageName(sub)+"(1)**")
		}
	}
	return out
}

// escaped is text that Markdown shows as it is. Lines that begin with a tab are examples.
func escaped(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "\t") {
			line = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "<", `\<`, "`", "\\`", "[", `\[`).Replace(line)
		}
		b.WriteString(line)
	}
	return b.String()
}

// ascii writes other characters as roff's escapes.
func ascii(roff []byte) []byte {
	var b strings.Builder
	for _, r := range string(roff) {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\[u%04X]`, r)
	}
	return []byte(b.String())
}
