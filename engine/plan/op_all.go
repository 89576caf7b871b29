package plan

// Fetch puts an artifact into the app's archive cache. With URL the host downloads it; with Staged it is taken
// from the login user's staging directory, where Upload left it; Controller means that the controller downloads it to
// its own cache (transport local), for a later Upload.
type Fetch struct {
	URL        string `json:"url,omitempty"`
	Staged     string `json:"staged,omitempty"` // file name in ~/.trikk-incoming of the login user
	Controller bool   `json:"controller,omitempty"`
	User       string `json:"user,omitempty"` // app user that owns the cache when Staged and not the login user
	Root       string `json:"root"`
	File       string `json:"file"`             // name in <root>/.trikk/cache, holds the digest: unique
	Digest     string `json:"digest,omitempty"` // "sha256:…", "sha1:…"; "": not checked
	Size       int64  `json:"size,omitempty"`
	Auth       *Auth  `json:"auth,omitempty"`
}

// Upload copies a local file into the login user's staging directory ~/.trikk-incoming on the host.
type Upload struct {
	Path   string `json:"path"` // on the controller, absolute; "" means the controller's cache entry named File
	File   string `json:"file"` // name in ~/.trikk-incoming, holds the digest: unique
	Digest string `json:"digest,omitempty"`
	Size   int64  `json:"size,omitempty"`
}

// Unpack fills a release's directory from the cached archive. Nothing is visible under the release's name until the
// archive was checked and extracted to the end. An incomplete directory of that name is replaced.
type Unpack struct {
	Root    string `json:"root"`
	File    string `json:"file"`    // in <root>/.trikk/cache
	Release string `json:"release"` // name
	Format  string `json:"format"`  // zip, tar, tar.gz, none
	Strip   int    `json:"strip,omitempty"`
	As      string `json:"as,omitempty"` // file name for format none
}

// Write writes one generated file into a release, atomically.
type Write struct {
	Root    string `json:"root"`
	Release string `json:"release"`
	Path    string `json:"path"` // relative to the release
	Content string `json:"content"`
	Mode    string `json:"mode"` // octal
}

// Chmod (kind mode) sets permissions on what a glob matches; a glob without a match is no error.
type Chmod struct {
	Root    string `json:"root"`
	Release string `json:"release"`
	Glob    string `json:"glob"`
	Mode    string `json:"mode"`
}

// Link switches <root>/<name> to a release atomically (Release set), removes it (Release empty), or links a persisted
// path of a release into <root>/shared (Persist set).
type Link struct {
	Root    string `json:"root"`
	Name    string `json:"name,omitempty"` // of the link in Root
	Release string `json:"release,omitempty"`
	// Persist is a path relative to the release that becomes a link to <root>/shared/<path>.
	Persist string `json:"persist,omitempty"`
	// File: the persisted path is a file that may be missing (the enable marker); else it is a directory.
	File bool `json:"file,omitempty"`
}

// ServiceOp (kind service) starts or stops the app's process. Start and stop are confirmed: start waits until the service
// manager says that it runs, stop until nothing of it runs.
type ServiceOp struct {
	Action  string  `json:"action"` // start, stop
	App     string  `json:"app"`
	Root    string  `json:"root"`
	Current string  `json:"current"`           // name of the link
	Release string  `json:"release,omitempty"` // release that is started or stopped, for people
	Version string  `json:"version,omitempty"`
	Service Service `json:"service"`
}

// Run runs a user's command: a hook on a server, or a build on the controller.
type Run struct {
	Command string `json:"command"`
	Phase   string `json:"phase"` // before, after, build
	App     string `json:"app"`
	Root    string `json:"root,omitempty"`
	Release string `json:"release,omitempty"` // the working directory
	Version string `json:"version,omitempty"`
	Dir     string `json:"dir,omitempty"` // build: the app's folder on the controller
}

// MarkerOp (kind marker) creates or removes the enable marker.
type MarkerOp struct {
	Root    string `json:"root"`
	Path    string `json:"path"` // relative to <root>/shared
	Present bool   `json:"present"`
}

// Point is one server at one proxy: where it is drained and admitted.
type Point struct {
	Proxy  string `json:"proxy"`  // inventory name of the proxy's host
	Server string `json:"server"` // inventory name of the server whose turn it is
	// Target is the host that the marker of a marking driver is on: the server, or with an outer balancer the proxy.
	Target  string `json:"target"`
	As      string `json:"as,omitempty"`      // user that owns a marker relative to Root
	Root    string `json:"root,omitempty"`    // app root, for a relative marker
	Address string `json:"address,omitempty"` // of the server
	Backend string `json:"backend"`
	Member  string `json:"member"`
	Driver  Driver `json:"driver"`
}

// DrainOp (kind drain) takes a server out of rotation at every point, in parallel, and waits until its requests ended.
type DrainOp struct {
	Points    []Point  `json:"points"`
	Deadline  Duration `json:"deadline"`
	OnTimeout string   `json:"onTimeout"` // cut, abort
	// Again: the server was drained earlier in the lane; prove that it still is, right before the restart.
	Again bool `json:"again,omitempty"`
}

// AdmitOp (kind admit) puts a server back into rotation at every point and waits until each proxy sends traffic.
type AdmitOp struct {
	Points   []Point  `json:"points"`
	Deadline Duration `json:"deadline"`
}

// Reload reloads a proxy gracefully.
type Reload struct {
	Command string `json:"command"`
}

// ProbeOp (kind probe) waits until a probe passed.
type ProbeOp struct {
	Name    string `json:"name"`
	App     string `json:"app"`
	Root    string `json:"root"`
	Current string `json:"current"`
	Version string `json:"version,omitempty"`
	Log     string `json:"log,omitempty"` // whose last lines are shown on failure
	Check   Check  `json:"check"`
}

// Pause (kind pause) watches an admitted release: the probes must go on passing for Seconds.
type Pause struct {
	Seconds int       `json:"seconds"`
	Probes  []ProbeOp `json:"probes,omitempty"`
	Points  []Point   `json:"points,omitempty"` // must stay admitted
}

// Prune removes the named releases and cache files. It refuses what is current and what is outside the app's root.
type Prune struct {
	Root     string   `json:"root"`
	Current  string   `json:"current"`
	Releases []string `json:"releases,omitempty"`
	Cached   []string `json:"cached,omitempty"`
}

// Record writes what later runs decide on: "used" (this plan was applied here), "complete" (the release's manifest, its
// completion marker), "good" (the release was proven healthy here).
type Record struct {
	What     string    `json:"what"`
	Root     string    `json:"root"`
	Release  string    `json:"release,omitempty"`
	Plan     string    `json:"plan,omitempty"`
	Manifest *Manifest `json:"manifest,omitempty"`
}
