package plan

// App is one deployment as it is written: one app in one environment, every default filled in.
type App struct {
	Name        string            `json:"name"`
	Env         string            `json:"env"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	// User owns Layout.Root and runs the app; "" is the login user.
	User string `json:"user,omitempty"`
	// Version is what should run; "" keeps what is live.
	Version  string          `json:"version,omitempty"`
	Artifact Artifact        `json:"artifact"`
	Build    []string        `json:"build,omitempty"` // commands on the controller, before a local artifact is read
	Dir      string          `json:"dir,omitempty"`   // absolute path of the folder of the app's file, where Build runs; "" without Build
	Layout   Layout          `json:"layout"`
	Files    map[string]File `json:"files,omitempty"` // by path, relative to the release
	Modes    []Mode          `json:"modes,omitempty"`
	// Marker is the path of the enable marker, relative to the release (config/disabled): while it exists the app is
	// disabled on that server. "": the app has none.
	Marker   string           `json:"marker,omitempty"`
	Service  Service          `json:"service"`
	Ports    map[string]int   `json:"ports,omitempty"`
	Probes   map[string]Check `json:"probes,omitempty"`
	Hooks    Hooks            `json:"hooks"`
	Rollout  Rollout          `json:"rollout"`
	Servers  []string         `json:"servers"` // active servers, by inventory name, in rollout order
	Standby  []string         `json:"standby,omitempty"`
	Topology Topology         `json:"topology"`
	Log      string           `json:"log,omitempty"`   // path, relative to the current release or absolute
	After    []string         `json:"after,omitempty"` // apps that go first when they are in the same run
	// Pos is where the deployment is written; Places are its fields' places, by dotted path ("rollout.rolling").
	Pos    Pos            `json:"-"`
	Places map[string]Pos `json:"-"`
}

// HTTP reports whether the app answers HTTP, told by its probes.
func (a App) HTTP() bool {
	for _, c := range a.Probes {
		if c.HTTP != nil {
			return true
		}
	}
	return false
}

// Artifact is a one-key union: where what is installed comes from.
type Artifact struct {
	Maven *Maven        `json:"maven,omitempty"`
	URL   *URLArtifact  `json:"url,omitempty"`
	File  *FileArtifact `json:"file,omitempty"`
}

// ArtifactOptions are common to all artifacts.
type ArtifactOptions struct {
	// Fetch says who downloads: "server" (default) or "controller", which then uploads.
	Fetch string `json:"fetch,omitempty"`
	// Unpack: nil decides by extension: zip, tar, tar.gz, tar.xz, tar.zst (tgz, txz, tzst) are unpacked; jar, war and others are not.
	Unpack *bool `json:"unpack,omitempty"`
	// Strip removes that many leading path elements while unpacking.
	Strip int `json:"strip,omitempty"`
	// As is the file name inside the release of an artifact that is not unpacked; "": its own name.
	As string `json:"as,omitempty"`
	// UnpackLimit is how much the archive may unpack to, in MiB; 0: 1 GiB, or 100 times the archive where that is more.
	UnpackLimit int `json:"unpackLimit,omitempty"`
	// Digest is "sha256:HEX", "sha512:HEX" or "sha1:HEX"; "": taken from the repository's checksum file, if there is one.
	Digest string `json:"digest,omitempty"`
}

// Maven names an artifact of a Maven layout repository (Artifactory, Nexus).
type Maven struct {
	ArtifactOptions
	Repository string `json:"repository"` // base URL
	Group      string `json:"group"`
	Artifact   string `json:"artifact"`
	Extension  string `json:"extension"`
	Classifier string `json:"classifier,omitempty"`
	Auth       *Auth  `json:"auth,omitempty"`
}

// URLArtifact is a plain download. {version} stands for the version.
type URLArtifact struct {
	ArtifactOptions
	URL  string `json:"url"`
	Auth *Auth  `json:"auth,omitempty"`
}

// FileArtifact is a local build: it is uploaded (the local route).
type FileArtifact struct {
	ArtifactOptions
	Path string `json:"path"` // absolute, on the controller; in CUE also relative to the folder of the app's file
}

// Auth is how a repository is entered. A one-key union of Basic and Token.
type Auth struct {
	Basic *BasicAuth `json:"basic,omitempty"`
	Token *Secret    `json:"token,omitempty"` // sent as "Authorization: Bearer"
}

// BasicAuth is a user and a password.
type BasicAuth struct {
	User     string `json:"user"`
	Password Secret `json:"password"`
}

// Layout is where releases live on a server.
type Layout struct {
	Root    string   `json:"root"`              // absolute, or ~/path in the app user's home
	Current string   `json:"current"`           // name of the link to the live release, in Root
	Keep    int      `json:"keep"`              // good releases that are kept, the current one included
	Persist []string `json:"persist,omitempty"` // directories, relative to the release, that outlive it
}

// File is one generated file. Exactly one of Properties, Env, JSON, YAML, TOML, INI and Text is set.
type File struct {
	Properties map[string]any `json:"properties,omitempty"` // Java properties; values are strings, numbers, booleans
	Env        map[string]any `json:"env,omitempty"`        // NAME=value lines
	JSON       any            `json:"json,omitempty"`
	YAML       any            `json:"yaml,omitempty"`
	TOML       map[string]any `json:"toml,omitzero"`
	INI        map[string]any `json:"ini,omitzero"` // values, or sections: maps of values
	Text       *string        `json:"text,omitempty"`
	// Secrets, by the name that placeholders in values have: {secret:NAME}.
	Secrets map[string]Secret `json:"secrets,omitempty"`
	Mode    string            `json:"mode,omitempty"` // octal; "": 0644, and 0600 with secrets
}

// Mode sets permissions on what a glob, relative to the release, matches.
type Mode struct {
	Glob string `json:"glob"`
	Mode string `json:"mode"`
}

// Service is how the app's process is run. A one-key union; none set: the app has no process of its own.
type Service struct {
	Systemd  *Systemd  `json:"systemd,omitempty"`
	Commands *Commands `json:"commands,omitempty"`
	Process  *Process  `json:"process,omitempty"`
}

// None reports whether the app has no process.
func (s Service) None() bool { return s.Systemd == nil && s.Commands == nil && s.Process == nil }

// Systemd is a unit that exists on the server.
type Systemd struct {
	Unit    string   `json:"unit"`
	Timeout Duration `json:"timeout"` // for one start or stop
}

// Commands are shell commands, run by the app user in the current release.
type Commands struct {
	Start   string   `json:"start"`
	Stop    string   `json:"stop"`
	Status  string   `json:"status,omitempty"` // exit status 0: running; "": asked from the processes under Layout.Root
	Timeout Duration `json:"timeout"`
}

// Process is a foreground program that trikk starts detached, with a pid file under <root>/shared.
type Process struct {
	Command string   `json:"command"`
	Log     string   `json:"log,omitempty"` // where its output is appended, relative to <root>/shared; "": log/<app>.out
	Timeout Duration `json:"timeout"`       // from SIGTERM to SIGKILL
}

// Check is a probe: one kind, and when it counts as passed. Exactly one of HTTP, TCP and Exec is set.
type Check struct {
	HTTP *HTTPCheck `json:"http,omitempty"`
	TCP  *TCPCheck  `json:"tcp,omitempty"`
	Exec *ExecCheck `json:"exec,omitempty"`
}

// Timing is common to all probes.
type Timing struct {
	Interval Duration `json:"interval"` // between two attempts
	Timeout  Duration `json:"timeout"`  // of one attempt
	Deadline Duration `json:"deadline"` // until it must have passed
	Success  int      `json:"success"`  // consecutive passes that are needed
	Failure  int      `json:"failure"`  // consecutive failures that are tolerated while a release is watched (minReadySeconds), minus one
}

// HTTPCheck asks for a URL from the server itself.
type HTTPCheck struct {
	Timing
	Host     string `json:"host"` // as seen from the server
	Port     int    `json:"port"`
	Path     string `json:"path"`
	Status   []int  `json:"status,omitempty"`   // accepted; empty: 200 to 299
	Contains string `json:"contains,omitempty"` // the body must contain it; {version} stands for the version
}

// TCPCheck connects.
type TCPCheck struct {
	Timing
	Host string `json:"host"`
	Port int    `json:"port"`
}

// ExecCheck runs a shell command as the app user in the current release; exit status 0 passes.
type ExecCheck struct {
	Timing
	Command string `json:"command"`
}

// Timing gives the probe's timing, whatever its kind.
func (c Check) Timing() Timing {
	switch {
	case c.HTTP != nil:
		return c.HTTP.Timing
	case c.TCP != nil:
		return c.TCP.Timing
	case c.Exec != nil:
		return c.Exec.Timing
	}
	return Timing{}
}

// Hooks are shell commands on each active server, as the app user, in the new release's directory, in the server's turn.
type Hooks struct {
	Before  []string `json:"before,omitempty"` // before the old release is stopped
	After   []string `json:"after,omitempty"`  // after the new release's probes hold
	Timeout Duration `json:"timeout"`          // of one command
}

// Rollout says how active servers take their turns. At most one of Rolling and Recreate is set; none means rolling
// one at a time, or recreate where there is one active server only.
type Rollout struct {
	Rolling   *Rolling  `json:"rolling,omitempty"`
	Recreate  *Recreate `json:"recreate,omitempty"`
	OnFailure string    `json:"onFailure"` // "hold" or "revert"
	// Unreachable says what becomes of a server that can't be reached: "fail" (also ""), or "skip": it is left out of the plan.
	Unreachable string `json:"unreachable,omitempty"`
	// Deadline is how long a run of the app may take; 0: as long as its steps may.
	Deadline Duration `json:"deadline,omitempty"`
	// MinReadySeconds is how long a release is watched after it was admitted before it counts as good.
	MinReadySeconds int      `json:"minReadySeconds,omitempty"`
	DrainDeadline   Duration `json:"drainDeadline"`
	OnDrainTimeout  string   `json:"onDrainTimeout"` // "cut" or "abort"
	AdmitDeadline   Duration `json:"admitDeadline"`
}

// Rolling keeps all but MaxUnavailable active servers in rotation at every moment.
type Rolling struct {
	MaxUnavailable int     `json:"maxUnavailable"`
	Canary         *Canary `json:"canary,omitempty"` // nil: the first turns are like all
}

// Canary is the servers that take a release first.
type Canary struct {
	Servers     int `json:"servers"`
	BakeSeconds int `json:"bakeSeconds,omitempty"` // watched so long, where that is more than MinReadySeconds
	// Approve: a person says that the others may follow, within ApproveWithin.
	Approve       bool     `json:"approve,omitempty"`
	ApproveWithin Duration `json:"approveWithin,omitempty"`
}

// Recreate takes all active servers down together.
type Recreate struct{}

// Topology says which proxies are in front of which servers. A one-key union; none set: nothing is in front.
type Topology struct {
	Shared *Shared `json:"shared,omitempty"`
	Pairs  *Pairs  `json:"pairs,omitempty"`
}

// Shared: every proxy fronts every active server.
type Shared struct {
	Proxies []string `json:"proxies"`
	Backend string   `json:"backend"` // name of the backend or balancer; {app} and {env} are filled in
	Member  string   `json:"member"`  // name of a server in it; {server} and {app} are filled in
	// InstallOnProxies adds the proxies' hosts to install and deploy.
	InstallOnProxies bool `json:"installOnProxies,omitempty"`
}

// Pairs: proxy i fronts only server i; it leaves its outer balancer while server i takes its turn.
type Pairs struct {
	Proxies          []string `json:"proxies"`
	Outer            Outer    `json:"outer"`
	Through          *Check   `json:"through,omitempty"` // http or tcp, asked on the proxy's host before the proxy returns
	Backend          string   `json:"backend"`           // of the outer balancer; used by watches
	Member           string   `json:"member"`            // of the proxy in it; {proxy}, {server} and {app} are filled in
	InstallOnProxies bool     `json:"installOnProxies,omitempty"`
}

// Outer is how a proxy leaves the balancer in front of it. A one-key union.
type Outer struct {
	Marker  *Marking `json:"marker,omitempty"`
	Command *Command `json:"command,omitempty"`
}
