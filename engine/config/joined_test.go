package config_test

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"trikk.dev/engine/config"
)

// opened are the ways in which people take the schema into an app; BASE is an app's own fields, MORE what doesn't belong there.
var opened = map[string]string{
	"joined":        "-- DIR/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tBASE\n\tMORE\n}\n",
	"embedded":      "-- DIR/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: {\n\tschema.#App\n\tBASE\n\tMORE\n}\n",
	"both":          "-- DIR/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tschema.#App\n\tBASE\n\tMORE\n}\n",
	"beside":        "-- DIR/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App\napp: {\n\tBASE\n}\napp: {\n\tMORE\n}\n",
	"shared":        "-- DIR/s/s.cue --\npackage s\n\nimport \"trikk.dev/schema\"\n\n#S: {\n\tschema.#App\n\tMORE\n}\n-- DIR/a/app.cue --\npackage a\n\nimport \"example.com/conf/DIR/s\"\n\napp: s.#S & {\n\tBASE\n}\n",
	"sharedToo":     "-- DIR/s/s.cue --\npackage s\n\nimport \"trikk.dev/schema\"\n\n#S: {\n\tschema.#App\n\t...\n}\n-- DIR/a/app.cue --\npackage a\n\nimport \"example.com/conf/DIR/s\"\n\napp: {\n\ts.#S\n\tBASE\n\tMORE\n}\n",
	"sharedRegular": "-- DIR/s/s.cue --\npackage s\n\nimport \"trikk.dev/schema\"\n\ns: {\n\tschema.#App\n\tMORE\n}\n-- DIR/a/app.cue --\npackage a\n\nimport \"example.com/conf/DIR/s\"\n\napp: s.s & {\n\tBASE\n}\n",
	"parent":        "-- DIR/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: {\n\tschema.#App\n\tMORE\n}\n-- DIR/a/app.cue --\npackage a\n\napp: {\n\tBASE\n}\n",
}

// foreign is what an app can't have, at all depths.
var foreign = []string{
	`bogus: 1`,
	`layout: bogus: 1`,
	`ports: "not a name!": 80`,
	`files: "x.json": {json: a: 1, bogus: 1}`,
	`rollout: rolling: bogus: 1`,
	`artifact: url: bogus: 1`,
	`artifact: bogus: 1`,
	`probes: ready: http: {port: 80, bogus: 1}`,
	`probes: "not a name!": http: port: 80`,
	`service: systemd: {unit: "a.service", bogus: 1}`,
	`service: bogus: 1`,
	`environments: "not a name!": servers: ["app01"]`,
	`environments: prod: bogus: 1`,
	`environments: prod: layout: bogus: 1`,
	`environments: prod: topology: shared: {proxies: ["lb01"], bogus: 1}`,
	`environments: prod: ports: "not a name!": 80`,
	`hooks: bogus: 1`,
	`modes: [{path: "x", mode: "0755", bogus: 1}]`,
}

// TestNothingOpensAnApp: an app has the fields of the schema and no others, however its package takes the schema in.
func TestNothingOpensAnApp(t *testing.T) {
	var archive strings.Builder
	dirs := map[string]string{}
	for way, text := range opened {
		for i, more := range foreign {
			if i%3 != 0 && os.Getenv("TRIKK_FULL") == "" {
				continue
			}
			dir := path.Join("apps", strings.ToLower(way), fmt.Sprint("x", i))
			dirs[dir] = way + " " + more
			base := fmt.Sprintf("name: %q, artifact: url: url: \"https://repo.example/a.tar.gz\", environments: prod: servers: [\"app01\"]", strings.ToLower(way)+fmt.Sprint(i))
			archive.WriteString(strings.NewReplacer("DIR", dir, "BASE", base, "MORE", more).Replace(text))
		}
	}
	_, err := load(t, archive.String())
	var wrong *config.Errors
	if !errors.As(err, &wrong) {
		t.Fatalf("error is %v, want mistakes", err)
	}
	for dir, what := range dirs {
		if !strings.Contains(wrong.Error(), dir+"/") {
			t.Errorf("accepted: %s", what)
		}
	}
	if strings.Contains(wrong.Error(), "trikk.dev-schema") {
		t.Errorf("a file is named that nobody wrote:\n%s", wrong)
	}
}
