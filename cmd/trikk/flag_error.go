package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what is wrong with a flag, and what to write. Where the command itself is unknown, it says that instead: its flags
// can't be known then.
func flagError(cmd *cobra.Command, words []string, err error) error {
	if name := unknownCommand(cmd, words); name != "" {
		return usage("unknown command %q%s", name, hintOf(cmd.SuggestionsFor(name)))
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		if near := nearFlag(cmd.Flags(), unknown.GetSpecifiedName()); near != "" {
			return usage("%w (did you mean --%s? see %s --help)", err, near, cmd.CommandPath())
		}
	}
	return usage("%w (see %s --help)", flagValueError(err), cmd.CommandPath())
}

// flagValueError names the flag and what it takes, where its value is missing or another kind of thing.
func flagValueError(err error) error {
	var missing *pflag.ValueRequiredError
	var wrong *pflag.InvalidValueError
	switch {
	case errors.As(err, &missing):
		takes, _ := pflag.UnquoteUsage(missing.GetFlag())
		return fmt.Errorf("--%s needs a value: --%[1]s %s", missing.GetFlag().Name, takes)
	case errors.As(err, &wrong):
		return fmt.Errorf("--%s %q: %s", wrong.GetFlag().Name, wrong.GetValue(), wanted(wrong))
	}
	return err
}

// wanted says which values a flag takes.
func wanted(e *pflag.InvalidValueError) string {
	switch e.GetFlag().Value.Type() {
	case "duration":
		if _, err := time.ParseDuration(e.GetValue()); err == nil {
			return e.Unwrap().Error()
		}
		return "it is a duration, such as 500ms, 30s or 2m30s"
	case "int", "count":
		return "it is a whole number"
	case "bool":
		return "it is true or false"
	}
	return e.Unwrap().Error()
}

// unknownCommand is the first word that is no flag, if that is what made the root command read the line; "" otherwise.
func unknownCommand(cmd *cobra.Command, words []string) string {
	if cmd.HasParent() {
		return ""
	}
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.AddFlagSet(cmd.Flags())
	set.ParseErrorsAllowlist.UnknownFlags = true
	if set.Parse(words) != nil {
		return ""
	}
	return set.Arg(0)
}

// nearFlag is the flag that a misspelt name may mean; "".
func nearFlag(set *pflag.FlagSet, name string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	if near := names.SuggestionsFor(name); len(near) > 0 {
		return near[0]
	}
	return ""
}
