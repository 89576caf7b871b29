package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: args(0, 0),
		Long: "Prints the version of trikk and of the plan documents it reads and writes." + exitHelp(exitDone, exitFailed, exitUsage),
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			if c.flags.json {
				return c.event("version", map[string]any{"version": v, "planFormat": plan.FormatVersion, "go": runtime.Version()})
			}
			fmt.Fprintf(c.out, "trikk %s (plan format %d, %s %s/%s)\n", v, plan.FormatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

// buildVersion is the module's version, or the commit that it was built from.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
