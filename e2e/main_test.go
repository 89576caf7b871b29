//go:build linux

package e2e_test

import (
	"os"
	"testing"

	"trikk.dev/e2e"
)

func TestMain(m *testing.M) { os.Exit(e2e.Main(m)) }
