package config

import (
	"net/url"

	"trikk.dev/engine/plan"
)

// credentials finds addresses with a user or a password in them: plans, journals and output would show it.
func (c *checker) credentials(a plan.App) {
	field, address := addressOf(a.Artifact)
	if hasUser(address) {
		c.add(a, field, "the URL holds a user or a password, which plans and journals would show", "write auth: basic or auth: token in the artifact")
	}
}

// hasUser reports whether a URL holds a user or a password.
func hasUser(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User != nil
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

// asked lists the URLs that a proxy's driver asks, by their fields.
func asked(p plan.Proxy) map[string]string {
	out := map[string]string{}
	if h := p.Driver.HTTPD; h != nil {
		out["driver.httpd.url"] = h.URL
	}
	if n := p.Driver.Nginx; n != nil {
		out["driver.nginx.generation"] = n.Generation
	}
	if y := p.Driver.Caddy; y != nil {
		out["driver.caddy.admin"] = y.Admin
	}
	if m := p.Driver.Marker; m != nil && m.Watch != nil && m.Watch.HTTPD != nil {
		out["driver.marker.watch.httpd.url"] = m.Watch.HTTPD.URL
	}
	if m := p.Driver.Marker; m != nil && m.Watch != nil && m.Watch.HTTP != nil {
		out["driver.marker.watch.http.url"] = m.Watch.HTTP.URL
	}
	return out
}
