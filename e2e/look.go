//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The tests look at machines very often, mostly to prove that nothing was changed. Here they do it through /proc, without starting a
// program there.

// Entry is what is at a path of a machine.
type Entry struct {
	Path string
	Dir  bool
	// Line is the path, a link's target, the owner's number, the mode, and a file's size: what must not change unseen.
	Line string
}

// Tree lists what is below directories of the machine in order of the paths, but not on other file systems. Where skip says so, neither a
// path nor what is below it is listed.
func (m *Machine) Tree(t testing.TB, skip func(path string) bool, dirs ...string) []Entry {
	t.Helper()
	var out []Entry
	for _, dir := range dirs {
		top := m.Path(dir)
		on, err := os.Stat(top)
		if err != nil {
			t.Fatal(err)
		}
		device := on.Sys().(*syscall.Stat_t).Dev
		err = filepath.WalkDir(top, func(name string, _ fs.DirEntry, err error) error {
			path := dir + strings.TrimPrefix(name, top)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // gone meanwhile
			}
			if err != nil {
				return err
			}
			if skip(path) {
				return skipped(name)
			}
			fi, err := os.Lstat(name)
			if err != nil {
				return nil // gone meanwhile
			}
			e, at := entry(path, name, fi)
			out = append(out, e)
			if at != device {
				return skipped(name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// skipped is what a walk returns at a path whose inside it leaves out.
func skipped(name string) error {
	if fi, err := os.Lstat(name); err == nil && fi.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// entry describes a path, and tells the file system that it is on.
func entry(path, name string, fi os.FileInfo) (Entry, uint64) {
	st := fi.Sys().(*syscall.Stat_t)
	line := fmt.Sprintf("%s %d %o", path, st.Uid, fi.Mode().Perm())
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		to, _ := os.Readlink(name)
		line += " -> " + to
	case !fi.IsDir():
		line += " " + strconv.FormatInt(fi.Size(), 10)
	}
	return Entry{Path: path, Dir: fi.IsDir(), Line: line}, st.Dev
}

// Running is a process of a machine.
type Running struct {
	PID     int // as the tests see it
	UID     uint32
	Cwd     string // as the machine sees it
	Command string // words with blanks between them
}

// Running lists the machine's processes.
func (m *Machine) Running(t testing.TB) []Running {
	t.Helper()
	out, err := m.processes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// processes lists the processes in the machine's own PID namespace.
func (m *Machine) processes() ([]Running, error) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", m.pid))
	if err != nil {
		return nil, err
	}
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var out []Running
	for _, name := range names {
		if ns, err := os.Readlink(name + "/ns/pid"); err != nil || ns != own {
			continue
		}
		fi, err := os.Stat(name)
		words, err2 := os.ReadFile(name + "/cmdline")
		if err != nil || err2 != nil {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		cwd, _ := os.Readlink(name + "/cwd")
		out = append(out, Running{PID: pid, UID: fi.Sys().(*syscall.Stat_t).Uid, Cwd: cwd, Command: strings.TrimSpace(strings.ReplaceAll(string(words), "\x00", " "))})
	}
	return out, nil
}

// endUsers kills the processes of the machine's users.
func (m *Machine) endUsers() error {
	list, err := m.processes()
	if err != nil {
		return err
	}
	for _, name := range users() {
		u, err := idsOf(name)
		if err != nil {
			return err
		}
		for _, p := range list {
			if int(p.UID) == u.uid {
				_ = syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
	}
	return nil
}

// empty removes what is in a directory of the machine, and no mount below it.
func (m *Machine) empty(dir string) error {
	list, err := os.ReadDir(m.Path(dir))
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := os.RemoveAll(filepath.Join(m.Path(dir), e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Locked tells whether somebody on the machine holds the lock file at path; without the file, nobody does.
func (m *Machine) Locked(t testing.TB, path string) bool {
	t.Helper()
	f, err := os.Open(m.Path(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}
