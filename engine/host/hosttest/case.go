package hosttest

import (
	"testing"

	"trikk.dev/engine/host"
)

// Case is one case of the Suite by its group and name, for a test that has a name of its own.
func Case(t *testing.T, group, name string, open Open) {
	t.Helper()
	test, ok := groups()[group][name]
	if !ok {
		t.Fatalf("the suite has no case %s/%s", group, name)
	}
	test(t, opened(t, open))
}

// groups are the cases of the suite.
func groups() map[string]map[string]func(*testing.T, host.Host) {
	return map[string]map[string]func(*testing.T, host.Host){
		"run": runCases(), "hostile": hostileCases(), "query": queryCases(), "socket": socketCases(), "hold": holdCases(), "upload": uploadCases(),
	}
}
