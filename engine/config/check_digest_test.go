package config_test

import "testing"

func TestDigestsOverPlainHTTP(t *testing.T) {
	w, err := load(t, `
-- inventory/inventory.cue --
package inventory

import "trikk.dev/schema"

environments: [string]: schema.#Environment
environments: prod: {requireDigest: true, servers: app01: address: "a.example"}
environments: dev: servers: app01: address: "d.example"
-- apps/a/app.cue --
package a

import "trikk.dev/schema"

app: schema.#App & {
	name: "a"
	artifact: url: url: "http://repo.example/a-{version}.zip"
	environments: {
		prod: servers: ["app01"]
		dev: servers: ["app01"]
	}
}
-- apps/b/app.cue --
package b

import "trikk.dev/schema"

app: schema.#App & {
	name: "b"
	environments: prod: {
		servers: ["app01"]
		artifact: maven: {repository: "http://repo.example/maven", group: "g", artifact: "b", digest: "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"}
	}
}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := "apps/a/app.cue:7:22: environment prod requires digests, and that of app a would come over plain HTTP with the artifact: who can change one can change both (write digest in the artifact, or use https)"
	if got := told(w.Warnings); got != want {
		t.Errorf("warnings are:\n%s\nwant:\n%s", got, want)
	}
}
