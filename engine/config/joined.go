package config

import (
	"maps"
	"path/filepath"

	"cuelang.org/go/cue/load"
)

// joinedFile is the name of the file that joins an app to the schema. It is on no disk.
const joinedFile = "trikk.dev-schema-joined.cue"

// unions are the fields of an app that are unions of no arms unless it says more.
const unions = "{service: {}, topology: {}}"

// joined lays a file beside each app that joins it to the schema in its source, so that CUE evaluates it once: joined as a value, it
// is evaluated when it is read, and again with the schema, which takes three times as long. Only what uses the schema is joined,
// since an app that doesn't must not find fields there that CUE alone would not find. The definition of its own keeps closed what
// people opened by embedding #App: a second mention of #App itself would not.
func (e evaluator) joined(folders []folder) evaluator {
	e.inSource = true
	e.overlay = maps.Clone(e.overlay)
	if e.overlay == nil {
		e.overlay = map[string]load.Source{}
	}
	for _, f := range folders {
		if e.isJoined(f) {
			e.overlay[filepath.Join(e.root, filepath.FromSlash(f.dir), joinedFile)] = load.FromString(
				"package " + f.pkg + "\n\nimport trikk_schema \"" + schemaImport + "\"\n\napp: #trikk_app\n\n#trikk_app: trikk_schema.#App & " + unions + "\n")
		}
	}
	return e
}

// isJoined reports whether an app is joined to the schema in its source.
func (e evaluator) isJoined(f folder) bool {
	return e.inSource && f.schema && f.kind != parent && f.has("app")
}
