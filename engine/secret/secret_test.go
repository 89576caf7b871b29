package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trikk.dev/engine/plan"
	"trikk.dev/engine/secret"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("TRIKK_TEST_SET", "s3cret")
	t.Setenv("TRIKK_TEST_EMPTY", "")
	t.Setenv("TRIKK_TEST_LINES", "hidden\nvalue")
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	tests := []struct {
		name string
		in   plan.Secret
		want string
		err  string
	}{
		{"env", plan.Secret{Env: "TRIKK_TEST_SET"}, "s3cret", ""},
		{"env unset", plan.Secret{Env: "TRIKK_TEST_UNSET"}, "", "it is not set"},
		{"env empty", plan.Secret{Env: "TRIKK_TEST_EMPTY"}, "", "it is empty"},
		{"env with lines", plan.Secret{Env: "TRIKK_TEST_LINES"}, "", "line end"},
		{"file", plan.Secret{File: write("a", "from file\n")}, "from file", ""},
		{"file with CRLF", plan.Secret{File: write("b", "x\r\n")}, "x", ""},
		{"file in home", plan.Secret{File: "~/a"}, "from file", ""},
		{"file missing", plan.Secret{File: filepath.Join(dir, "none")}, "", "no such file"},
		{"file empty", plan.Secret{File: write("c", "\n")}, "", "it is empty"},
		{"nothing", plan.Secret{}, "", "neither"},
		{"both", plan.Secret{Env: "A", File: "b"}, "", "both"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := secret.Resolve(tt.in)
			if tt.err == "" && (err != nil || got != tt.want) {
				t.Fatalf("got %q, %v; want %q", got, err, tt.want)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Fatalf("error %v does not say %q", err, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Fatalf("the error leaks the value: %v", err)
			}
		})
	}
}
