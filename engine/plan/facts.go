package plan

// Facts are all that was read before planning. They hold only what Compile decides on; never a disk figure, a process
// ID or a time. The zero value is what `plan --offline` plans against.
type Facts struct {
	// Apps: by app name, then by the inventory name of the host.
	Apps map[string]map[string]Installed `json:"apps,omitempty"`
	// Rotation: by app name, then by the inventory name of the server, one entry a point in Points order. Of a standby server
	// only where a proxy knows it: unknown else.
	Rotation map[string]map[string][]Rotation `json:"rotation,omitempty"`
	// Artifacts: by app name, the resolved artifact of the version that is to run.
	Artifacts map[string]Resolved `json:"artifacts,omitempty"`
	// Unreachable: by the inventory name of a server that could not be reached, why. Nothing else is known of it.
	Unreachable map[string]string `json:"unreachable,omitempty"`
	// Unread: by app name, why something that must be known of the app could not be read. It can't be planned.
	Unread map[string]string `json:"unread,omitempty"`
}

// Installed is what one host has of one app.
type Installed struct {
	Home string `json:"home,omitempty"` // the app user's home, absolute
	// Current is the name of the release that the link points to ("1.0-3f2a…"), or "" without a link.
	Current string `json:"current,omitempty"`
	// Linked is the release that trikk itself linked last; another Current was linked by hand. "" where that is not recorded.
	Linked string `json:"linked,omitempty"`
	// Trial is the release whose canary has begun here and was not judged; "": none. Being good from an earlier run says nothing of it.
	Trial    string             `json:"trial,omitempty"`
	Releases []InstalledRelease `json:"releases,omitempty"` // sorted by name
	// Marked: the enable marker exists, so the app is disabled here.
	Marked bool `json:"marked,omitempty"`
	// Service is "active", "inactive" or "unknown".
	Service string `json:"service,omitempty"`
	// Running is the name of the release that the process runs, or "" when that is not known. It ends in Removed where the directory that
	// the process works in is gone.
	Running string   `json:"running,omitempty"`
	Cached  []string `json:"cached,omitempty"` // file names in the archive cache, sorted
	Used    []string `json:"used,omitempty"`   // IDs of plans that were applied here, sorted
	// Cut is the run that was cut off here and not taken care of since; nil: none.
	Cut *CutOff `json:"cut,omitempty"`
}

// Removed ends the name of a running release whose directory was removed under the process, or replaced.
const Removed = " (removed)"

// UnnamedRun stands for the ID of a run whose lock or mark can't be read.
const UnnamedRun = "unknown"

// CutOff is a run whose controller died, or lost its connection for good, while it held the app's lock on a host.
type CutOff struct {
	Run   string `json:"run"`
	Who   string `json:"who,omitempty"`   // user@host of the controller
	Since string `json:"since,omitempty"` // RFC 3339, of the controller's clock
	Step  string `json:"step,omitempty"`  // ID of the script step that it began last; "": none is known
	Ended bool   `json:"ended,omitempty"` // that step ended
}

// InstalledRelease is one directory under releases/.
type InstalledRelease struct {
	Name     string `json:"name"`
	Complete bool   `json:"complete,omitempty"` // its manifest exists: it was unpacked and configured to the end
	Good     bool   `json:"good,omitempty"`     // it was proven healthy on this host
	// Foreign: trikk did not make it, so it is never pruned.
	Foreign bool `json:"foreign,omitempty"`
	// Manifest is what the completing step recorded; zero when incomplete.
	Manifest Manifest `json:"manifest,omitzero"`
	// GoodSeq orders good releases by when they were proven, highest last; from run IDs, never from clocks of the host.
	GoodSeq string `json:"goodSeq,omitempty"`
	// Edited are the paths of generated files that are missing, or not as trikk wrote them, sorted.
	Edited []string `json:"edited,omitempty"`
	// Diffs tell people by path what the edits changed: a unified diff, or why none is shown. Nothing is decided on them.
	Diffs map[string]string `json:"diffs,omitempty"`
}

// Manifest is written into a release as its completion marker, `.trikk/manifest.json`.
type Manifest struct {
	App      string `json:"app"`
	Release  string `json:"release"`
	Version  string `json:"version"`
	Artifact string `json:"artifact"`       // digest of the artifact, "sha256:…"
	Digest   string `json:"digest"`         // digest of the release
	Run      string `json:"run,omitempty"`  // ID of the plan that installed it; IDs sort by time
	File     string `json:"file,omitempty"` // name in the archive cache
	// Files: digest by path of each generated file; of one with secrets it is that of its template.
	Files map[string]string `json:"files,omitempty"`
	// Secrets: by path and name, the reference of each secret with the digest of its ciphertext or its revision; never anything
	// that comes from the value.
	Secrets map[string]map[string]string `json:"secrets,omitempty"`
	// Service is how the release is run where trikk runs its commands, so that an older release is stopped and started again
	// by its own ones; nil for a unit.
	Service *Service `json:"service,omitempty"`
	// Probes are what the release was to be proven by; nil: that is not recorded.
	Probes map[string]Check `json:"probes,omitzero"`
}

// Rotation states of one server at one proxy.
const (
	RotationIn      = "in"      // the proxy sends traffic
	RotationOut     = "out"     // drained or in maintenance
	RotationDown    = "down"    // in rotation as far as trikk is concerned, but the proxy's check fails
	RotationHeld    = "held"    // up and not drained, but a person set its weight to 0: it gets nothing
	RotationUnknown = "unknown" // the proxy could not say
	// A change was cut off before the proxy took it: in or out, until it is told again.
	RotationUnsettled = "unsettled"
)

// Rotation is what one proxy says of one server.
type Rotation struct {
	Proxy string `json:"proxy"`
	State string `json:"state"`
	// Said is the proxy's own word for what holds the server out ("drain", "maint"); nothing is decided on it.
	Said string `json:"said,omitempty"`
	// Risk is why requests may be lost at the proxy whenever a server leaves or comes back, and what to do about it; "": no reason is known.
	// Nothing is decided on it.
	Risk string `json:"risk,omitempty"`
}

// Resolved is an artifact whose version, place and digest are known.
type Resolved struct {
	Version string `json:"version"` // SNAPSHOT and latest are resolved to what they mean now
	// URL to download from; "" for a local file.
	URL string `json:"url,omitempty"`
	// Path of a local file on the controller, absolute; "" for a download.
	Path   string `json:"path,omitempty"`
	File   string `json:"file"`             // file name
	Digest string `json:"digest,omitempty"` // "sha256:…"; "": none is published
	// Identity stands in for a digest that is not published: a hash over URL, size and ETag.
	Identity string `json:"identity,omitempty"`
	Size     int64  `json:"size,omitempty"` // bytes; 0: unknown
}
