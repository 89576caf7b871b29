package config_test

import (
	"fmt"
	"testing"

	"trikk.dev/engine/config"
	"trikk.dev/engine/config/configtest"
)

// BenchmarkLoad reads this repository's own config, 60 apps, and large ones, each app in three environments.
func BenchmarkLoad(b *testing.B) {
	b.Run("own", func(b *testing.B) { benchmarkLoad(b, "../..") })
	for _, apps := range []int{120, 1000} {
		b.Run(fmt.Sprint(apps), func(b *testing.B) {
			dir := b.TempDir()
			if err := configtest.Write(dir, apps); err != nil {
				b.Fatal(err)
			}
			benchmarkLoad(b, dir)
		})
	}
}

func benchmarkLoad(b *testing.B, dir string) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := config.Load(b.Context(), config.Options{Dir: dir}); err != nil {
			b.Fatal(err)
		}
	}
}
