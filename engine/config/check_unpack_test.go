package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestNoEffect: options of artifacts that do nothing, and an app whose folder is not the one that it is written in.
func TestNoEffect(t *testing.T) {
	arts := []string{
		`url: {url: "https://r.example/a-{version}.tar.gz", as: "x", strip: 1, unpackLimit: 9}`,
		`url: {url: "https://r.example/a-{version}.jar", as: "x", strip: 1, unpackLimit: 9}`,
		`url: {url: "https://r.example/a/{version}", as: "x", strip: 1}`,
		`url: {url: "https://r.example/a/{version}", as: "x", strip: 1, unpack: true}`,
		`maven: {repository: "https://r.example", group: "g", artifact: "a", extension: "war", classifier: "dist", strip: 1, unpack: true}`,
		`maven: {repository: "https://r.example", group: "g", artifact: "a", extension: "zip", classifier: "dist", unpack: false, strip: 1}`,
		`file: {path: "dist/a.tgz", as: "x"}`,
	}
	archive := "-- apps/moved/app.cue --\npackage moved\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"moved\"\n\tartifact: url: url: \"https://r.example/{version}.zip\"\n\tenvironments: prod: servers: [\"app01\"]\n}\n" +
		"-- apps/moved/below/values.cue --\npackage moved\n\n_level: \"info\"\n"
	for i, art := range arts {
		archive += fmt.Sprintf("-- apps/a%d/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"a%d\"\n\tartifact: %s\n\tenvironments: prod: servers: [\"app01\"]\n}\n", i, i, art)
	}
	w, err := load(t, archive)
	if err != nil {
		t.Fatal(err)
	}
	want := `
apps/a0/app.cue:7:67: as of app a0 has no effect: a-{version}.tar.gz is unpacked (remove it, or write unpack: false)
apps/a1/app.cue:7:76: strip of app a1 has no effect: a-{version}.jar is not unpacked (remove it, or write unpack: true)
apps/a1/app.cue:7:92: unpackLimit of app a1 has no effect: a-{version}.jar is not unpacked (remove it, or write unpack: true)
apps/a3/app.cue:7:60: as of app a3 has no effect: {version} is unpacked (remove it, or write unpack: false)
apps/a5/app.cue:7:140: strip of app a5 has no effect: a-{version}-dist.zip is not unpacked (remove it, or write unpack: true)
apps/a6/app.cue:7:43: as of app a6 has no effect: a.tgz is unpacked (remove it, or write unpack: false)
apps/moved/below/values.cue:1:1: app moved is deployed from this folder, and relative paths start here, since package moved is its own, too (give these files another package, or move them beside apps/moved/app.cue)
`
	if got := told(w.Warnings); got != strings.TrimSpace(want) {
		t.Errorf("warnings are:\n%s\nwant:%s", got, want)
	}
}
