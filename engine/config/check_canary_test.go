package config_test

import (
	"fmt"
	"testing"
)

func TestLonelyCanary(t *testing.T) {
	archive := ""
	for i, canary := range []string{"servers: 1", "servers: 2", "servers: 3", "{servers: 2, bakeSeconds: 9}", `{approve: true, approveWithin: "72h"}`} {
		archive += fmt.Sprintf("-- apps/a%d/app.cue --\npackage a\n\nimport \"trikk.dev/schema\"\n\napp: schema.#App & {\n\tname: \"a%d\"\n\tartifact: url: url: \"https://r.example/{version}.jar\"\n\trollout: rolling: canary: %s\n\tenvironments: prod: servers: [\"app01\", \"app02\"]\n}\n", i, i, canary)
	}
	w, err := load(t, archive)
	if err != nil {
		t.Fatal(err)
	}
	want := `apps/a1/app.cue:8:37: the canary of app a1 has no effect in prod: it is 2 of 2 active servers (a canary is fewer servers than the app has)
apps/a2/app.cue:8:37: the canary of app a2 has no effect in prod: it is 3 of 2 active servers (a canary is fewer servers than the app has)
apps/a4/app.cue:8:59: approveWithin of app a4 has no effect: a run ends after 24h (raise rollout.deadline, or wait for a shorter time)`
	if got := told(w.Warnings); got != want {
		t.Errorf("warnings are:\n%s\nwant:\n%s", got, want)
	}
}
