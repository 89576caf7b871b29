package plan

import "slices"

// repositoryRoute deploys from an artifact repository or URL, without downtime:
// on all servers in parallel the artifact is downloaded, unpacked and configured; then the active servers take their turns,
// in each of which the link is switched and the app enabled; then the standby servers are disabled and stopped; last, old
// releases are removed.
func (c *compiler) repositoryRoute() ([]Wave, error) {
	rotate, err := c.rotate()
	if err != nil {
		return nil, err
	}
	return c.join(
		c.install(c.download),
		rotate,
		c.disableStandby(),
	), nil
}

// localRoute deploys a local build: it is uploaded to the app servers (and the proxies, where asked for), installed,
// enabled and deployed with downtime on all of them, unless the app says rolling; the standby servers are disabled, and old
// releases removed. The proxies are reloaded gracefully after that, once for all apps (Plan.Groups).
func (c *compiler) localRoute() ([]Wave, error) {
	rotate, err := c.rotate()
	if err != nil {
		return nil, err
	}
	return c.join(
		c.install(c.upload),
		rotate,
		c.disableStandby(),
	), nil
}

// join puts the waves of a route one after another and adds the prune where there is something to do at all. A rollback
// prunes nothing: the release it leaves may be wanted for an inquiry.
func (c *compiler) join(parts ...[]Wave) []Wave {
	waves := append(slices.Concat(parts...), c.settle()...)
	if len(waves) == 0 || c.in.Kind == Rollback {
		return waves
	}
	return append(waves, c.prune()...)
}

// download gets the archive from where it is published: by the server itself, or by the controller, which uploads it.
func (c *compiler) download(host string) []Step {
	art := c.rel.Resolved
	o := c.app.Artifact.Options()
	fetch := Fetch{URL: art.URL, Root: c.app.Layout.Root, File: c.rel.File, Digest: art.Digest, Size: art.Size, Auth: c.app.Artifact.auth()}
	if o.Fetch != "controller" {
		return []Step{c.step(host, fetch)}
	}
	fetch.Controller = true
	return append([]Step{c.step(host, fetch)}, c.send(host, "")...)
}

// upload sends the local build.
func (c *compiler) upload(host string) []Step { return c.send(host, c.rel.Resolved.Path) }

func (c *compiler) send(host, path string) []Step {
	art := c.rel.Resolved
	up := Upload{Path: path, File: c.rel.File, Digest: art.Digest, Size: art.Size}
	take := Fetch{Staged: c.rel.File, User: c.app.As(c.env, host), Root: c.app.Layout.Root, File: c.rel.File, Digest: art.Digest, Size: art.Size}
	return []Step{c.step(host, up), c.step(host, take)}
}
