package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// largestChangelog is how many bytes of a change log are read.
const largestChangelog = 4 << 20

// issue is an issue that a run is about, with the apps that it is about there.
type issue struct {
	key   string
	apps  []App
	asked bool // the command line named it
}

// issues are those that were named on the command line, which concern all apps, and those in the change logs of apps that were deployed.
func (j *jira) issues(ctx context.Context, r Report, m *memo) (all []issue, warnings []string, err error) {
	of := map[string][]App{}
	for _, key := range r.Issues {
		of[key] = r.Apps
	}
	for _, a := range r.Apps {
		if j.config.Changelog == "" || !fixed(a) {
			continue
		}
		keys, warning, err := j.logged(ctx, a, m)
		if err != nil {
			return nil, warnings, err
		}
		if warning != "" {
			warnings = append(warnings, warning)
		}
		for _, key := range keys {
			if !slices.ContainsFunc(of[key], func(b App) bool { return b.App == a.App }) {
				of[key] = append(slices.Clone(of[key]), a)
			}
		}
	}
	for _, key := range sorted(of) {
		all = append(all, issue{key, of[key], slices.Contains(r.Issues, key)})
	}
	return all, warnings, nil
}

// logged are the issues in an app's change log. Which they are is remembered: a retry is about the same ones.
func (j *jira) logged(ctx context.Context, a App, m *memo) (keys []string, warning string, err error) {
	err = m.once("changelog "+a.App, func(bool) (string, error) {
		at := strings.NewReplacer("{app}", url.PathEscape(a.App), "{version}", url.PathEscape(a.Version)).Replace(j.config.Changelog)
		text, err := j.open.text(ctx, "reading the change log of "+a.App, at)
		switch {
		case status(err) == http.StatusNotFound:
			warning = fmt.Sprintf("jira: there is no change log of %s %s", a.App, a.Version)
			return "none", nil
		case err != nil:
			return "", err
		}
		found, ok := changelogIssues(text, a.Version, versions(a.From))
		if !ok {
			warning = fmt.Sprintf("jira: the change log of %s has no heading for %s", a.App, a.Version)
		}
		found = slices.DeleteFunc(found, func(key string) bool { return !j.wanted(key) })
		return strings.Join(append([]string{"keys"}, found...), " "), nil
	})
	if words := strings.Fields(m.item.Done["changelog "+a.App]); len(words) > 0 {
		keys = words[1:]
	}
	return keys, warning, err
}

// wanted tells whether a key is of a project that the config names.
func (j *jira) wanted(key string) bool {
	return len(j.config.Projects) == 0 || slices.Contains(j.config.Projects, key[:strings.LastIndex(key, "-")])
}

// versions are those of releases: VERSION-DIGEST.
func versions(releases []string) []string {
	var out []string
	for _, r := range releases {
		if i := strings.LastIndex(r, "-"); i > 0 {
			out = append(out, r[:i])
		}
	}
	return out
}

// text reads a text by GET.
func (s site) text(ctx context.Context, doing, at string) (string, error) {
	fail := &Error{Doing: s.name + ": " + doing}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		fail.Err, fail.Final = errors.New("its address is no URL"), true
		return "", fail
	}
	req.Header.Set("User-Agent", "trikk")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", unreachable(fail, req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestChangelog))
	if err != nil {
		return "", unreachable(fail, req.URL, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", s.refused(fail, resp, nil)
	}
	return string(body), nil
}

// changelogIssues finds the keys of issues below the heading of a version, up to the heading of one that was live before, or to the end.
// A heading is a line that begins with the version, behind marks such as #, =, *, [ and v. The second value is false where there is none.
func changelogIssues(text, to string, from []string) (keys []string, found bool) {
	key := regexp.MustCompile(`\b[A-Z][A-Z0-9_]{1,20}-[1-9][0-9]{0,9}\b`)
	in := map[string]bool{}
	for l := range strings.Lines(text) {
		switch {
		case heads(l, to):
			found = true
		case found && slices.ContainsFunc(from, func(v string) bool { return v != to && heads(l, v) }):
			return slices.Sorted(maps.Keys(in)), true
		}
		if found {
			for _, k := range key.FindAllString(l, -1) {
				in[k] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(in)), found
}

// heads tells whether a line is the heading of a version.
func heads(line, version string) bool {
	rest := strings.TrimLeft(line, "#=*[( \t")
	for _, word := range []string{"Version ", "version ", "Release ", "release ", "v", "V"} {
		rest = strings.TrimPrefix(rest, word)
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(rest, "["), version)
	if !ok {
		return false
	}
	return rest == "" || !strings.ContainsAny(rest[:1], "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_+") || rest[0] == '-' && strings.HasPrefix(rest, "- ")
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
