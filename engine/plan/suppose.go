package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Supposed is what is there by assumption, said in few words. The zero value is: nothing is installed, no proxy sends anything,
// and what the artifact's repository says is not known.
type Supposed struct {
	// Version that all hosts of the app run, as the app is written now, proven good; "": none.
	Version string `json:"version"`
	// Before are versions that were live and good earlier, the oldest first.
	Before []string `json:"before"`
	// Digest: the artifact has a digest, in the config or published.
	Digest bool `json:"digest"`
	// Servers that differ, by inventory name.
	Servers map[string]SupposedServer `json:"servers"`
}

// SupposedServer is how one server differs. What is "" is as it is elsewhere.
type SupposedServer struct {
	Version     string   `json:"version"`
	Release     string   `json:"release"` // one that the app as it is written now does not make
	Rotation    string   `json:"rotation"`
	Service     string   `json:"service"`
	Edited      []string `json:"edited"` // generated files of the release that runs
	Unreachable bool     `json:"unreachable"`
}

// States of a service.
const (
	serviceActive   = "active"
	serviceInactive = "inactive"
)

// Facts makes the facts of an assumption: what Compile takes in place of what is read from the servers. A server that the app
// does not run on is an error, and so is a version that nothing names.
func (s Supposed) Facts(env Environment, app App, in Intent) (Facts, error) {
	for _, name := range sortedKeys(s.Servers) {
		if !slices.Contains(app.Hosts(), name) {
			return Facts{}, fmt.Errorf("%s has no server %s in %s; it has %s", app.Name, name, env.Name, strings.Join(app.Hosts(), ", "))
		}
	}
	f := Facts{Apps: map[string]map[string]Installed{app.Name: {}}, Rotation: map[string]map[string][]Rotation{app.Name: {}}, Artifacts: map[string]Resolved{}}
	for _, host := range app.Hosts() {
		if s.Servers[host].Unreachable {
			if f.Unreachable == nil {
				f.Unreachable = map[string]string{}
			}
			f.Unreachable[host] = "the test says so"
			continue
		}
		at, err := s.installed(app, host)
		if err != nil {
			return Facts{}, err
		}
		f.Apps[app.Name][host] = at
		if r := s.rotation(env, app, host, at); len(r) > 0 {
			f.Rotation[app.Name][host] = r
		}
	}
	if in.Kind == Rollback {
		return f, nil
	}
	version, err := Wanted(app, f.Apps[app.Name], in)
	if err != nil {
		return f, nil // Compile refuses it too, with the same words
	}
	f.Artifacts[app.Name] = s.resolved(app, version)
	return f, nil
}

// resolved is the artifact of a version, looked up by assumption.
func (s Supposed) resolved(app App, version string) Resolved {
	r := unresolved(app, version)
	if s.Digest && r.Digest == "" {
		r.Digest = sum("supposed " + app.Name + " " + r.Version)
	}
	return r
}

// installed is what a host has: the releases that were live there, in their order, and the one that is.
func (s Supposed) installed(app App, host string) (Installed, error) {
	own := s.Servers[host]
	at := Installed{Home: "/home/" + homeOf(app), Service: serviceInactive}
	versions := slices.Clone(s.Before)
	live := cmp.Or(own.Version, s.Version)
	if live != "" && own.Release == "" {
		versions = append(versions, live)
	}
	for i, v := range versions {
		rel, err := newRelease(app, s.resolved(app, v))
		if err != nil {
			return Installed{}, err
		}
		at.Releases = append(at.Releases, provenRelease(rel.Name, rel.manifest(app, supposedRun(i))))
		at.Current = rel.Name
	}
	if live == "" {
		at.Current = ""
	}
	if own.Release != "" {
		version := own.Release[:strings.LastIndexByte(own.Release, '-')]
		m := Manifest{App: app.Name, Release: own.Release, Version: version, Artifact: sum(own.Release), Digest: sum(own.Release), Run: supposedRun(len(versions)), Probes: map[string]Check{}}
		at.Releases = append(at.Releases, provenRelease(own.Release, m))
		at.Current = own.Release
	}
	at.Linked = at.Current
	s.state(app, host, &at)
	for i := range at.Releases {
		if at.Releases[i].Name == at.Current {
			at.Releases[i].Edited = own.Edited
		}
	}
	slices.SortFunc(at.Releases, func(a, b InstalledRelease) int { return strings.Compare(a.Name, b.Name) })
	at.Releases = slices.CompactFunc(at.Releases, func(a, b InstalledRelease) bool { return a.Name == b.Name })
	return at, nil
}

// state tells whether the app runs on a host, and whether it is disabled there.
func (s Supposed) state(app App, host string, at *Installed) {
	standby := slices.Contains(app.Standby, host)
	at.Marked = standby && app.Marker != "" && at.Current != ""
	if at.Current != "" && !standby && !app.Service.None() {
		at.Service = serviceActive
	}
	if own := s.Servers[host].Service; own != "" {
		at.Service = own
	}
	if at.Service == serviceActive {
		at.Running = at.Current
	}
}

// rotation is what the proxies say of a server. They say nothing of a standby one.
func (s Supposed) rotation(env Environment, app App, host string, at Installed) []Rotation {
	if !slices.Contains(app.Servers, host) {
		return nil
	}
	state := RotationDown
	if at.Current != "" {
		state = RotationIn
	}
	if own := s.Servers[host].Rotation; own != "" {
		state = own
	}
	var out []Rotation
	for _, p := range Points(app, env, host) {
		out = append(out, Rotation{Proxy: p.Proxy, State: state})
	}
	return out
}

func provenRelease(name string, m Manifest) InstalledRelease {
	return InstalledRelease{Name: name, Complete: true, Good: true, Manifest: m, GoodSeq: m.Run}
}

// supposedRun is the ID of the run that installed the nth release.
func supposedRun(n int) string { return fmt.Sprintf("20260101T%06d-0000", n) }

// homeOf names the home of the user that runs an app.
func homeOf(app App) string {
	if app.User == "" {
		return "deploy"
	}
	return app.User
}
