// Command schemadoc writes the schema's reference, docs/schema.md, from the comments of the schema.
//
//	go run ./cmd/schemadoc [FILE]
package main

import (
	"fmt"
	"os"

	"trikk.dev/schema"
)

func main() {
	file := "docs/schema.md"
	if len(os.Args) > 1 {
		file = os.Args[1]
	}
	if err := write(file); err != nil {
		fmt.Fprintln(os.Stderr, "schemadoc:", err)
		os.Exit(1)
	}
}

func write(file string) error {
	text, err := render(schema.FS)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
