package main

import (
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/act"
)

// waitFlag adds --wait to a command that takes locks.
func (c *cli) waitFlag(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&c.flags.wait, "wait", 0, "wait for locks that other runs hold, at most `DURATION`")
	cmd.Flags().Lookup("wait").NoOptDefVal = "1h"
}

// apart refuses `--wait 10m`: the duration would be the name of an app.
func (c *cli) apart(names []string) error {
	for _, name := range names {
		if _, err := time.ParseDuration(name); err == nil && c.flags.wait > 0 {
			return usage("write --wait=%s, with an equals sign", name)
		}
	}
	return nil
}

// waits tells which run is waited for.
func (f *fleet) waits(held *act.LockedError, left time.Duration) {
	c := f.cli
	if c.flags.json {
		fields := map[string]any{"host": held.Host, "holder": held.Holder, "left": left.Seconds()}
		_ = writeEvent(c.out, eventLine{stamp(c.now()), f.run, "lock.waiting"}, fields) // nobody reads it any more
		return
	}
	c.say("%s: locked by %s; waiting at most %v", held.Host, held.Holder, left.Round(time.Second))
}
