//go:build linux

package e2e

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The test binary runs itself again for each stage; these variables tell it which one it is.
const (
	stageVar   = "TRIKK_E2E_STAGE"   // "": started by go test; sandbox, tests or machine
	binVar     = "TRIKK_E2E_BIN"     // folder with the built programs
	machineVar = "TRIKK_E2E_MACHINE" // machine stage: NAME ADDRESS
	fullVar    = "TRIKK_FULL"        // 1: every case, however long it takes

	sandboxesVar = "TRIKK_SANDBOXES" // how many sandboxes work on the tests side by side

	serversVar = "TRIKK_E2E_SERVERS" // how many app servers a fleet has; "": four
	appsVar    = "APPS"              // how many apps the batch has
)

// Everything tells whether TRIKK_FULL=1 asks for all cases.
func Everything() bool { return os.Getenv(fullVar) == "1" }

// Long skips a test that only full runs have time for.
func Long(t testing.TB) {
	t.Helper()
	if !Everything() {
		t.Skip("a long one: " + fullVar + "=1 runs it")
	}
}

// Full gives all cases when TRIKK_FULL=1 asks for everything, else the first few.
func Full[T any](few int, all ...T) []T {
	if Everything() {
		return all
	}
	return all[:few]
}

// Main is TestMain. It builds the programs, with those of more modules of their own below e2e, makes the sandbox, runs the tests inside it,
// and gives the exit code.
func Main(m *testing.M, more ...string) int {
	code, err := stage(m, more)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return max(code, 1)
	}
	return code
}

// MainOn is Main for a fleet with another number of app servers than four.
func MainOn(m *testing.M, servers int) int {
	if err := os.Setenv(serversVar, strconv.Itoa(servers)); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return Main(m)
}

func stage(m *testing.M, more []string) (int, error) {
	switch s := os.Getenv(stageVar); s {
	case "":
		return outside(more)
	case "sandbox":
		return sandbox()
	case "machine":
		return 1, beMachine(os.Getenv(machineVar))
	case "tests":
		return m.Run(), nil
	default:
		return 1, fmt.Errorf("unknown stage %q", s)
	}
}

// outside builds what the tests run and starts the sandbox, which dies with this process.
func outside(more []string) (int, error) {
	if os.Geteuid() != 0 {
		return asRoot()
	}
	removeLeftovers()
	bin, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", binPrefix, os.Getpid()))
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	if err := os.Chmod(bin, 0o755); err != nil {
		return 1, err
	}
	if err := build(bin); err != nil {
		return 1, err
	}
	for _, name := range more {
		if err := buildModule(bin, name); err != nil {
			return 1, err
		}
	}
	if err := os.Mkdir(filepath.Join(bin, claims), 0o755); err != nil {
		return 1, err
	}
	return inSandboxes(bin, sandboxes())
}

// sandboxes is how many work on the tests: they wait more than they compute. Who watches (-v) sees one, unless they ask for more.
func sandboxes() int {
	flag.Parse()
	if n, err := strconv.Atoi(os.Getenv(sandboxesVar)); err == nil && n > 0 {
		return n
	}
	if testing.Verbose() {
		return 1
	}
	return 2
}

// inSandboxes starts n sandboxes, which die with this process, and gives the worst of their exit codes.
func inSandboxes(bin string, n int) (int, error) {
	runtime.LockOSThread() // a sandbox dies with the thread that started it
	var started []*exec.Cmd
	for range n {
		cmd := again("sandbox", binVar+"="+bin)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
			Pdeathsig:  syscall.SIGKILL,
		}
		if err := cmd.Start(); err != nil {
			return 1, fmt.Errorf("making namespaces: %w", err)
		}
		started = append(started, cmd)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range signals {
			for _, cmd := range started {
				_ = cmd.Process.Kill()
			}
		}
	}()
	worst := 0
	for _, cmd := range started {
		code, err := exitCode(cmd.Wait())
		if err != nil {
			return 1, err
		}
		worst = max(worst, code)
	}
	return worst, nil
}

// claims is where each test leaves its name, in the folder of built programs, so that one sandbox runs it.
const claims = "claims"

// claim skips a test that another sandbox runs.
func claim(t testing.TB) {
	t.Helper()
	name := filepath.Join(os.Getenv(binVar), claims, strings.ReplaceAll(t.Name(), "/", "∕"))
	switch err := os.Mkdir(name, 0o755); {
	case err == nil:
	case errors.Is(err, os.ErrExist):
		t.Skip("it runs in the other sandbox")
	default:
		t.Fatal(err)
	}
}

// binPrefix starts the name of the folder of built programs: the only thing that a killed run leaves behind.
const binPrefix = "trikk-e2e-"

// removeLeftovers removes the folders of runs that are gone.
func removeLeftovers() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), binPrefix+"*-*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), binPrefix), "-")
		if _, err := os.Stat("/proc/" + owner); errors.Is(err, os.ErrNotExist) {
			_ = os.RemoveAll(dir)
		}
	}
}

// again is this program in another stage. The list of files that it read is not for go test: what is tested is another
// program, so a result must not be cached.
func again(stage string, env ...string) *exec.Cmd {
	var args []string
	for _, a := range os.Args[1:] {
		if !strings.HasPrefix(a, "-test.testlogfile") {
			args = append(args, a)
		}
	}
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	cmd := exec.Command(self, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), append(env, stageVar+"="+stage)...)
	return cmd
}

// asRoot runs the same through sudo.
func asRoot() (int, error) {
	cmd := again("")
	cmd.Args = append([]string{"sudo", "-n", "--preserve-env=PATH,HOME,GOCACHE,GOMODCACHE,GOPATH,GOFLAGS,GOPROXY," + fullVar + "," + sandboxesVar + "," + appsVar, cmd.Path}, cmd.Args[1:]...)
	sudo, err := exec.LookPath("sudo")
	if err != nil {
		return 1, errors.New("the end-to-end tests make users and namespaces: run them as root")
	}
	cmd.Path = sudo
	code, err := exitCode(cmd.Run())
	if code != 0 && err == nil {
		err = errors.New("run as an ordinary user, through sudo -n: if sudo refused, run the tests as root")
	}
	return code, err
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// build compiles trikk and the app that it deploys into dir.
func build(dir string) error {
	for name, pkg := range map[string]string{"trikk": "trikk.dev/cmd/trikk", "testapp": "trikk.dev/e2e/testapp"} {
		cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, name), pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

// buildModule compiles the program of the module e2e/NAME into dir.
func buildModule(dir, name string) error {
	gomod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("asking go for the module: %w", err)
	}
	from := filepath.Join(filepath.Dir(strings.TrimSpace(string(gomod))), "e2e", name)
	cmd := exec.Command("go", "build", "-C", from, "-ldflags=-s -w", "-o", filepath.Join(dir, name), ".")
	if cmd.Env, err = toolchain(from); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", from, err, out)
	}
	return nil
}

// toolchain is the environment that builds a module with the very Go that its go.mod names, also where this one is newer.
func toolchain(dir string) ([]string, error) {
	out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join(dir, "go.mod")).Output()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(dir, "go.mod"), err)
	}
	var mod struct{ Toolchain string }
	if err := json.Unmarshal(out, &mod); err != nil || mod.Toolchain == "" {
		return os.Environ(), err
	}
	return append(os.Environ(), "GOTOOLCHAIN="+mod.Toolchain), nil
}
