package main

import (
	"bytes"
	_ "embed"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// bashWords is shell that stands in for what cobra's script takes of the package bash-completion.
//
//go:embed completion.bash
var bashWords string

// completionBash makes `trikk completion bash` write a script that needs no package bash-completion, and that takes APP@VERSION for one word. cobra's
// script would need the package, and lets readline split words at @.
func completionBash(cmd *cobra.Command) {
	cmd.Long = "Writes the completion script for bash. It needs nothing but bash. For this shell:\n\n" +
		"\tsource <(trikk completion bash)\n\n" +
		"For each new one, put that line into ~/.bashrc. Or, with the package bash-completion, write the file that it loads when it is needed:\n\n" +
		"\ttrikk completion bash > ~/.local/share/bash-completion/completions/trikk"
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		bare, err := cmd.Flags().GetBool("no-descriptions")
		if err != nil {
			return err
		}
		var made bytes.Buffer
		if err := cmd.Root().GenBashCompletionV2(&made, !bare); err != nil {
			return err
		}
		text, err := withBashWords(made.String())
		if err != nil {
			return err
		}
		_, err = io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
}

// withBashWords is cobra's script with bashWords.
func withBashWords(script string) (string, error) {
	const (
		first   = "__trikk_debug()\n"
		special = "    __trikk_handle_special_char \"$cur\" =\n"
		start   = "    # Call _init_completion from the bash-completion package\n"
		end     = "\n    fi\n"
	)
	script = strings.ReplaceAll(script, "_filedir", "__trikk_filedir")
	before, rest, found := strings.Cut(script, start)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed || !strings.Contains(before, special) || !strings.Contains(before, first) {
		return "", errors.New("cobra's script for bash is not the one that trikk changes")
	}
	before = strings.Replace(before, first, bashWords+first, 1)
	before = strings.Replace(before, special, "    __trikk_unquote\n"+special+"    __trikk_after_at\n", 1)
	return before + "    __trikk_words || return\n" + after, nil
}
