package config

import (
	"context"
	"sync"
)

// loadedOwn is this repository's own config, which is dear to load: the tests load it once.
var loadedOwn = sync.OnceValues(func() (loading, error) { return loadAll(context.Background(), Options{Dir: "../.."}) })

// Own is the same for the tests outside of the package.
func Own() (Workspace, error) {
	l, err := loadedOwn()
	return l.Workspace, err
}
