package proxy

import (
	"os"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
)

// A frontend may have the backend's name: HAProxy then shows the frontend when it is asked for that name.
func TestRealFrontendOfTheSameName(t *testing.T) {
	r := startReal(t, "")
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.config, []byte(strings.Replace(string(text), "frontend f", "frontend app", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	r.reload(t)
	r.until(t, "b1 is in rotation", func() bool { s := r.state(t); return s.Rotation == plan.RotationIn && s.Settled })
}
