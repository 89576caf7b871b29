package config

import (
	"net/url"

	"trikk.dev/engine/plan"
)

// credentials finds addresses with a user or a password in them: plans, journals and output would show it.
func (c *checker) credentials(a plan.App) {
	field, address := addressOf(a.Artifact)
	if u, err := url.Parse(address); err == nil && u.User != nil {
		c.add(a, field, "the URL holds a user or a password, which plans and journals would show", "write auth: basic or auth: token in the artifact")
	}
}

// addressOf is the field with the address that an artifact comes from, and the address; "" for a local file.
func addressOf(a plan.Artifact) (field, address string) {
	switch {
	case a.Maven != nil:
		return "artifact.maven.repository", a.Maven.Repository
	case a.URL != nil:
		return "artifact.url.url", a.URL.URL
	}
	return "", ""
}
