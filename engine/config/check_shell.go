package config

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
	"trikk.dev/engine/plan"
)

// shells checks that every command of an app is POSIX shell.
func (c *checker) shells(a plan.App) {
	texts := map[string]string{}
	lists := map[string][]string{"build": a.Build, "hooks.before": a.Hooks.Before, "hooks.after": a.Hooks.After}
	for name, l := range lists {
		for i, t := range l {
			texts[fmt.Sprintf("%s.%d", name, i)] = t
		}
	}
	if s := a.Service.Commands; s != nil {
		texts["service.commands.start"], texts["service.commands.stop"] = s.Start, s.Stop
		texts["service.commands.status"] = s.Status
	}
	if s := a.Service.Process; s != nil {
		texts["service.process.command"] = s.Command
	}
	for name, p := range a.Probes {
		if p.Exec != nil {
			texts["probes."+name+".exec.command"] = p.Exec.Command
		}
	}
	if p := a.Topology.Pairs; p != nil {
		for name, t := range commandsOf(p.Outer.Command) {
			texts["topology.pairs.outer.command."+name] = t
		}
	}
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		if err := shellError(texts[path]); err != "" {
			c.diags = append(c.diags, Diagnostic{Pos: at(a, path), Path: "environments." + a.Env + "." + path, Message: err})
		}
	}
}

// commandsOf lists the commands of a driver by their fields.
func commandsOf(d *plan.Command) map[string]string {
	if d == nil {
		return nil
	}
	return map[string]string{"drain": d.Drain, "isDrained": d.IsDrained, "admit": d.Admit, "isAdmitted": d.IsAdmitted}
}

// shellError says why a text is not POSIX shell; "" if it is.
func shellError(text string) string {
	_, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	if err == nil {
		return ""
	}
	words, pos := err.Error(), syntax.Pos{}
	var parse syntax.ParseError
	var lang syntax.LangError
	switch {
	case errors.As(err, &parse):
		words, pos = parse.Text, parse.Pos
	case errors.As(err, &lang):
		pos = lang.Pos
		if _, rest, ok := strings.Cut(words, ": "); ok {
			words = rest
		}
	}
	return fmt.Sprintf("is not POSIX shell, at %d:%d of the text: %s", pos.Line(), pos.Col(), words)
}

// globs checks the patterns of an app.
func (c *checker) globs(a plan.App) {
	for i, m := range a.Modes {
		if _, err := path.Match(m.Glob, ""); err != nil {
			c.add(a, fmt.Sprintf("modes.%d.glob", i), fmt.Sprintf("%q is not a glob", m.Glob), "a [ needs its ]")
		}
	}
}
