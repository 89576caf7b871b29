// Package schema is the language that people write apps and environments in: one CUE file a concept.
//
// Users import it as "trikk.dev/schema". The binary carries its own copy, so that a config repository needs no network.
package schema

import "embed"

// FS holds the schema's CUE files, all of package schema, in its root.
//
//go:embed *.cue
var FS embed.FS
