package main

import (
	"fmt"
	"strings"
	"testing"

	"trikk.dev/engine/config/configtest"
)

// BenchmarkVet is trikk vet without its second process: of apps/, and of large config repositories.
func BenchmarkVet(b *testing.B) {
	b.Run("own", func(b *testing.B) { benchmarkVet(b, repository, "60 apps in 3 environments, ") })
	for _, apps := range []int{120, 1000} {
		b.Run(fmt.Sprint(apps), func(b *testing.B) {
			dir := b.TempDir()
			if err := configtest.Write(dir, apps); err != nil {
				b.Fatal(err)
			}
			benchmarkVet(b, dir, fmt.Sprintf("%d apps in 3 environments, %d deployments: all right", apps, 3*apps))
		})
	}
}

func benchmarkVet(b *testing.B, dir, want string) {
	for b.Loop() {
		if code, out, err := says(dir, "vet"); code != exitDone || !strings.Contains(out, want) {
			b.Fatalf("exit code %d\n%s%s", code, out, err)
		}
	}
}
