// Package configtest makes config repositories of any size, for tests and benchmarks. They are valid, and written as people write them: a
// team's folder and imported packages carry the defaults, and an app says what is its own.
package configtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// perTeam is how many apps a team has. A team has two servers of its own in test and in prod, and one in dev.
const perTeam = 10

// Write makes a config repository of so many apps in a folder, which is made where it is missing. Files that are there are replaced.
func Write(dir string, apps int) error {
	for name, text := range Repository(apps) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making a folder of the config repository: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing a file of the config repository: %w", err)
		}
	}
	return nil
}

// Repository gives the files of a config repository by their paths, with slashes: so many apps, each in dev, test and prod, of every shape in
// turn. The same number gives the same files.
func Repository(apps int) map[string]string {
	files := map[string]string{
		"cue.mod/module.cue":            moduleFile,
		"environments/environments.cue": inventoryFile,
		"policy/policy.cue":             policyFile,
		"shared/service/service.cue":    serviceFile,
	}
	if apps > 3 { // a package that nobody imports would be taken for an app
		files["shared/job/job.cue"] = jobFile
	}
	teams := (apps + perTeam - 1) / perTeam
	for _, env := range []string{"dev", "test", "prod"} {
		files["environments/"+env+".cue"] = inventory(env, 2*teams+1) // the last one has standbys only
	}
	for team := range teams {
		files[folder(team)+"/defaults.cue"] = named(team).Replace(teamFile)
	}
	for i := range apps {
		s := shapeOf(i)
		files[folder(i/perTeam)+"/"+s.app(i)+"/app.cue"] = s.text(i)
	}
	return files
}

// folder is that of a team's apps.
func folder(team int) string { return fmt.Sprintf("apps/team%03d", team) }

// named fills in the names of a team and of its servers.
func named(team int) *strings.Replacer {
	return strings.NewReplacer("TEAM", fmt.Sprintf("team%03d", team), "FIRST", number(2*team), "SECOND", number(2*team+1), "SPARE", number(2*team+2))
}

// number ends the name of a server.
func number(server int) string { return fmt.Sprintf("%03d", server) }

// inventory is the file of one environment.
func inventory(env string, servers int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "package environments\n\nenvironments: %s: {\n\tprotected: %t\n\tservers: {\n", env, env == "prod")
	for s := range servers {
		fmt.Fprintf(&out, "\t\t%s%s: {}\n", env, number(s))
	}
	return out.String() + "\t}\n" + proxiesPart + "}\n"
}
