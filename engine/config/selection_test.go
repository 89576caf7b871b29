package config_test

import (
	"fmt"
	"strings"
	"testing"

	"trikk.dev/engine/config"
)

// fleet has apps with labels, given as "name key=value key=value".
func fleet(t *testing.T, apps ...string) config.Workspace {
	t.Helper()
	var b strings.Builder
	for _, a := range apps {
		words := strings.Fields(a)
		fmt.Fprintf(&b, "-- apps/%s/app.cue --\npackage p\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: %q\n", words[0], words[0])
		for _, w := range words[1:] {
			k, v, _ := strings.Cut(w, "=")
			fmt.Fprintf(&b, "\tlabels: %q: %q\n", k, v)
		}
		b.WriteString("\tartifact: url: url: \"https://repo.example/x.zip\"\n\tenvironments: prod: servers: [\"app01\"]\n}\n")
	}
	w, err := load(t, b.String())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSelect(t *testing.T) {
	w := fleet(t, "map team=gis tier=web", "roads team=gis tier=batch", "mail team=it tier=web", "old")
	for _, tc := range []struct {
		env  string
		sel  config.Selection
		want string // names, or "error: …"
	}{
		{"prod", config.Selection{All: true}, "mail map old roads"},
		{"prod", config.Selection{Names: []string{"roads", "map", "map"}}, "map roads"},
		{"prod", config.Selection{Labels: "team=gis"}, "map roads"},
		{"prod", config.Selection{Labels: "team==gis,tier!=batch"}, "map"},
		{"prod", config.Selection{Labels: "tier!=batch"}, "mail map old"},
		{"prod", config.Selection{Labels: "team in (gis, it), tier"}, "mail map roads"},
		{"prod", config.Selection{Labels: "team in(gis)"}, "map roads"},
		{"prod", config.Selection{Labels: "team notin (gis)"}, "mail old"},
		{"prod", config.Selection{Labels: "team"}, "mail map roads"},
		{"prod", config.Selection{Labels: "!team"}, "old"},
		{"prod", config.Selection{Labels: " tier = web "}, "mail map"},
		{"prod", config.Selection{Names: []string{"map", "mail"}, Labels: "team=it"}, "mail"},
		{"prod", config.Selection{Labels: "team=giss"}, `error: no app in environment "prod" matches "team=giss" (its labels: team=gis, team=it, tier=batch, tier=web)`},
		{"prod", config.Selection{Names: []string{"map", "roads"}, Labels: "team=it"}, `error: none of map, roads matches "team=it" (their labels: team=gis, tier=batch, tier=web)`},
		{"prod", config.Selection{Names: []string{"map"}, Labels: "team=it"}, `error: map does not match "team=it" (its labels: team=gis, tier=web)`},
		{"prod", config.Selection{Labels: "taem=gis"}, `error: no app in environment "prod" matches "taem=gis": no app has label "taem" (did you mean "team"?)`},
		{"prod", config.Selection{Names: []string{"mpa"}}, `error: unknown app "mpa" (did you mean "map"?)`},
		{"prod", config.Selection{}, "error: no app is selected (name apps, or select by label, or all)"},
		{"dev", config.Selection{All: true}, `error: environment "dev" has no apps`},
		{"dev", config.Selection{Names: []string{"map"}}, `error: app "map" is not deployed in environment "dev", only in prod`},
		{"prdo", config.Selection{All: true}, `error: unknown environment "prdo" (did you mean "prod"? known: dev, prod)`},
		{"prod", config.Selection{Labels: "team=gis,"}, `error: label selector "team=gis,": a term has no key`},
		{"prod", config.Selection{Labels: "team in gis"}, `error: label selector "team in gis": "team" needs values in parentheses, such as (a,b)`},
		{"prod", config.Selection{Labels: "team is gis"}, `error: label selector "team is gis": can't read "team is gis" (forms are key=value, key!=value, key in (a,b), key notin (a,b), key, !key)`},
		{"prod", config.Selection{Labels: "a=b=c"}, `error: label selector "a=b=c": can't read "b=c"`},
		{"prod", config.Selection{Labels: "team inside (gis)"}, `error: label selector "team inside (gis)": "team" needs values in parentheses, such as (a,b)`},
	} {
		apps, err := w.Select(tc.env, tc.sel)
		var names []string
		for _, a := range apps {
			names = append(names, a.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tc.want {
			t.Errorf("%s %+v:\ngot  %s\nwant %s", tc.env, tc.sel, got, tc.want)
		}
	}
}

func TestUnknownDeployment(t *testing.T) {
	w := fleet(t, "map")
	for _, tc := range []struct{ app, env, want string }{
		{"mapp", "prod", `unknown app "mapp" (did you mean "map"?)`},
		{"zzzzzz", "prod", `unknown app "zzzzzz" (known: map)`},
		{"map", "dev", `app "map" is not deployed in environment "dev", only in prod`},
		{"map", "staging", `unknown environment "staging" (known: dev, prod)`},
	} {
		if _, err := w.Deployment(tc.app, tc.env); err == nil || err.Error() != tc.want {
			t.Errorf("%s in %s: %v, want %s", tc.app, tc.env, err, tc.want)
		}
	}
}
