package config

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"trikk.dev/engine/plan"
)

// idle warns of options of an artifact that have no effect: what is unpacked has no file name in the release, and what is not has no
// folders to strip.
func idle(a plan.App) []Diagnostic {
	arm, file := fileOf(a.Artifact)
	o := a.Artifact.Options()
	if o.Unpack == nil && strings.HasSuffix(file, "}") {
		return nil // the version ends the name, so that it is not known
	}
	state, wrong, hint := "is unpacked", map[string]bool{"as": o.As != ""}, "remove it, or write unpack: false"
	if plan.ArchiveFormat(o, file) == "none" {
		state, wrong, hint = "is not unpacked", map[string]bool{"strip": o.Strip > 0, "unpackLimit": o.UnpackLimit > 0}, "remove it, or write unpack: true"
	}
	var out []Diagnostic
	for _, field := range []string{"as", "strip", "unpackLimit"} {
		if wrong[field] {
			out = append(out, Diagnostic{Pos: at(a, "artifact."+arm+"."+field), Message: fmt.Sprintf("%s of app %s has no effect: %s %s", field, a.Name, file, state), Hint: hint})
		}
	}
	return out
}

// fileOf is the key of the artifact's union that is set, and the name of the artifact's file, which may have {version} in it.
func fileOf(a plan.Artifact) (arm, file string) {
	switch m, u, f := a.Maven, a.URL, a.File; {
	case m != nil:
		return "maven", strings.TrimSuffix(m.Artifact+"-{version}-"+m.Classifier, "-") + "." + m.Extension
	case u != nil:
		return "url", lastOf(u.URL)
	case f != nil:
		return "file", filepath.Base(f.Path)
	}
	return "", ""
}

// lastOf is the last element of a URL's path.
func lastOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return path.Base(address)
	}
	return path.Base(u.Path)
}
