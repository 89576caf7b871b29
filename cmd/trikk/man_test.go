package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// macros are those of man(7) that the pages may use: each formatter knows them.
var macros = []string{".nh", ".TH", ".SH", ".SS", ".PP", ".TP", ".EX", ".EE", ".RS", ".RE", ".IP", ".br"}

// TestManual: each command has a page that any formatter reads, with all that people look for.
func TestManual(t *testing.T) {
	count := 0
	escapes := regexp.MustCompile(`\\(f[BIPR]|\[u[0-9A-F]{4,6}\]|&|-|\\|e)`)
	eachCommand(tree(), func(cmd *cobra.Command) {
		if !paged(cmd) {
			return
		}
		count++
		page := string(manualPage(cmd, time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)))
		name := pageName(cmd)
		for n, line := range strings.Split(page, "\n") {
			macro, _, _ := strings.Cut(line, " ")
			if strings.HasPrefix(line, ".") && !slices.Contains(macros, macro) || strings.HasPrefix(line, "'") {
				t.Errorf("%s.1:%d: no macro of man(7): %q", name, n+1, line)
			}
			if i := strings.IndexFunc(line, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }); i >= 0 {
				t.Errorf("%s.1:%d: not ASCII: %q", name, n+1, line)
			}
			if strings.Contains(escapes.ReplaceAllString(line, ""), `\`) {
				t.Errorf("%s.1:%d: an escape that is not meant: %q", name, n+1, line)
			}
		}
		wants := []string{`.TH "` + strings.ToUpper(name) + `" "1" "2026-11-26" "trikk" "trikk"`, ".SH NAME\n" + name + " - ", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n",
			".SH OPTIONS\n", ".SH EXIT STATUS\n.TP\n\\fB0\\fP\ndone, or nothing to do\n", ".SH ENVIRONMENT\n", ".SH SEE ALSO\n"}
		if cmd.HasParent() {
			wants = append(wants, ".SH GLOBAL OPTIONS\n", `\fBtrikk(1)\fP`)
		}
		if cmd.Example != "" {
			wants = append(wants, ".SH EXAMPLES\n")
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) { wants = append(wants, `\fB--`+f.Name+`\fP`) })
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if fromVariable(f) {
				wants = append(wants, `\fB`+variable(f)+`\fP`)
			}
		})
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s.1 lacks %q", name, want)
			}
		}
		if cmd.Example == "" && cmd.HasParent() && cmd.Parent().Name() != "completion" && !slices.Contains([]string{"demo", "version", "hosts", "notify"}, cmd.Name()) {
			t.Errorf("%s.1 has no example", name)
		}
	})
	if count < 25 {
		t.Errorf("only %d pages", count)
	}
	root := string(manualPage(tree(), time.Now()))
	for _, m := range exitMeanings() {
		if !strings.Contains(root, m.meaning) {
			t.Errorf("trikk.1 lacks the exit code %d", m.code)
		}
	}
	for _, list := range [][][2]string{variables(), manualFiles()} {
		for _, v := range list {
			if !strings.Contains(root, v[1]) {
				t.Errorf("trikk.1 lacks %s", v[0])
			}
		}
	}
}
