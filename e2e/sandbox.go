//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Where things are inside the sandbox.
const (
	scratch    = "/mnt" // a tmpfs that machines don't see
	work       = scratch + "/work"
	controller = "10.80.0.1" // the address of the tests, of trikk and of the artifact repository
	bridge     = "trikk0"
)

// sandbox is process 1 of the tests' namespaces: it makes them habitable, runs the tests and collects orphans.
func sandbox() (int, error) {
	steps := []func() error{ownMounts, ownEtc, addUsers, addNetwork}
	for _, step := range steps {
		if err := step(); err != nil {
			return 1, fmt.Errorf("making the sandbox: %w", err)
		}
	}
	cmd := again("tests")
	pid, err := syscall.ForkExec(cmd.Path, cmd.Args, &syscall.ProcAttr{Env: cmd.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		return 1, fmt.Errorf("running the tests: %w", err)
	}
	return reap(pid), nil
}

// reap collects every child that ends, until pid does, and gives its exit code.
func reap(pid int) int {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 1
		}
		if got != pid {
			continue
		}
		if status.Exited() {
			return status.ExitStatus()
		}
		return 1
	}
}

func ownMounts() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := tmpfs(scratch); err != nil {
		return err
	}
	return os.Mkdir(work, 0o755)
}

func tmpfs(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mounting a tmpfs on %s: %w", dir, err)
	}
	return nil
}

// ownEtc puts a copy in place of /etc, so that users, sudoers and hosts are the sandbox's own.
func ownEtc() error {
	etc := filepath.Join(scratch, "etc")
	if err := command("cp", "-a", "/etc", etc); err != nil {
		return err
	}
	if err := syscall.Mount(etc, "/etc", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("putting a copy in place of /etc: %w", err)
	}
	return nil
}

// addNetwork makes the bridge that the machines are plugged into.
func addNetwork() error {
	return commands(
		"ip link set lo up",
		"ip link add "+bridge+" type bridge",
		"ip addr add "+controller+"/24 dev "+bridge,
		"ip link set "+bridge+" up",
	)
}

// command runs a program; the error holds what it printed.
func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// commands runs simple command lines, without quoting.
func commands(lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if err := command(words[0], words[1:]...); err != nil {
			return err
		}
	}
	return nil
}
