// Command largerepo writes a large config repository, for measurements: so many apps of many shapes, each in dev, test and prod.
//
//	go run ./cmd/largerepo [-apps N] DIR
package main

import (
	"flag"
	"fmt"
	"os"

	"trikk.dev/engine/config/configtest"
)

func main() {
	apps := flag.Int("apps", 120, "how many apps")
	flag.Parse()
	if flag.NArg() != 1 || *apps < 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./cmd/largerepo [-apps N] DIR")
		os.Exit(2)
	}
	if err := configtest.Write(flag.Arg(0), *apps); err != nil {
		fmt.Fprintln(os.Stderr, "largerepo:", err)
		os.Exit(1)
	}
}
