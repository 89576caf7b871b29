package artifact

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A part that was let go is gone on with, also where a process that is being started still has its descriptor.
func TestPartIsLetGo(t *testing.T) {
	entry, sum := filepath.Join(t.TempDir(), "entry"), digest(strings.Repeat("0", 64))
	p, err := openPart(entry, "https://example.com/app", sum)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.file.WriteString("the beginning"); err != nil {
		t.Fatal(err)
	}
	forked, err := syscall.Dup(int(p.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(forked) }()
	p.close()
	again, err := openPart(entry, "https://example.com/app", sum)
	if err != nil {
		t.Fatal(err)
	}
	defer again.close()
	if again.mine {
		t.Error("the part is taken")
	}
}
