package config

import (
	"context"
	"testing"
)

// BenchmarkLoad reads this repository's own config: 16 apps in 3 environments.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(context.Background(), Options{Dir: "../.."}); err != nil {
			b.Fatal(err)
		}
	}
}
