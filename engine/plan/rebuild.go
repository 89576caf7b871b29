package plan

import (
	"fmt"
	"slices"
	"strings"
)

// RollbackNeeds tells which version's artifact must be looked up before a rollback of the app is compiled: that of its target,
// where a host lacks both the release and its archive. "": none, all that is needed is there, or there is no way back.
func RollbackNeeds(app App, f Facts, in Intent) string {
	c := compiler{app: app, in: in, facts: f}
	target, err := c.target()
	if err != nil || c.archived(target, c.missing(target)) || c.unpublished(target) {
		return ""
	}
	return target.Manifest.Version
}

// missing are the hosts on which a release is not complete.
func (c *compiler) missing(target InstalledRelease) []string {
	return slices.DeleteFunc(c.hosts(), func(h string) bool { return c.at(h).complete(target.Name) })
}

// archived tells whether the hosts have the release's archive.
func (c *compiler) archived(target InstalledRelease, hosts []string) bool {
	return !slices.ContainsFunc(hosts, func(h string) bool { return !c.at(h).cached(target.Manifest.File) })
}

// unpublished tells whether a release is a local build of an app whose artifact is published elsewhere: no repository has it.
func (c *compiler) unpublished(target InstalledRelease) bool {
	return c.app.Artifact.File == nil && strings.HasPrefix(target.Manifest.Version, "local-")
}

// rebuild makes the release that some hosts lack out of the config and its artifact, if that gives exactly the same.
func (c *compiler) rebuild(target InstalledRelease, missing []string) error {
	lacks := fmt.Sprintf("%s: release %s is not installed on %s", c.app.Name, target.Name, strings.Join(missing, ", "))
	deploy := fmt.Sprintf("trikk apply %s@%s -e %s", c.app.Name, target.Manifest.Version, c.env.Name)
	art, found := c.facts.Artifacts[c.app.Name]
	switch {
	case c.archived(target, missing):
		art = archive(target.Manifest)
	case c.unpublished(target):
		return &Refusal{Pos: c.app.Pos, Text: lacks + ", and it is a local build that no repository has",
			Hint: "deploy that build again with --artifact FILE"}
	case !found:
		return &Refusal{Pos: c.app.Pos, Text: lacks + ", and its artifact was not looked up", Hint: "deploy it instead: " + deploy}
	}
	rel, err := newRelease(c.app, art)
	if err != nil {
		return err
	}
	if rel.Name != target.Name {
		return &Refusal{Pos: c.app.Pos, Text: fmt.Sprintf("%s, and the config makes %s of it: %s", lacks, rel.Name, c.differs(target.Manifest, rel)),
			Hint: "to deploy the version as it is configured now: " + deploy + "; to go back to that very release, take the config back first"}
	}
	c.rel = rel
	c.note("%s: release %s is missing on %s: it is installed there first", c.app.Name, rel.Name, strings.Join(missing, ", "))
	return nil
}

// archive is the artifact of a release as the archive cache has it. Its identity stands in for a digest, as in the manifest.
func archive(m Manifest) Resolved {
	_, name, _ := strings.Cut(m.File, "-")
	return Resolved{Version: m.Version, Digest: m.Artifact, File: name}
}

// differs says what is not as it was when a release was installed.
func (c *compiler) differs(was Manifest, now Release) string {
	var out []string
	m := now.manifest(c.app, "")
	if m.Artifact != was.Artifact {
		out = append(out, "the artifact is another one")
	}
	for _, path := range sortedKeys(m.Files) {
		switch before, there := was.Files[path]; {
		case !there:
			out = append(out, path+" is new")
		case before != m.Files[path]:
			out = append(out, path+" is another one")
		}
	}
	for _, path := range sortedKeys(was.Files) {
		if _, there := m.Files[path]; !there {
			out = append(out, path+" is gone")
		}
	}
	if len(out) == 0 {
		return "modes, persisted paths, the marker, the start command or how it is unpacked are other ones"
	}
	return strings.Join(out, ", ")
}
