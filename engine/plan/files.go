package plan

import (
	"cmp"
	"slices"
)

// What becomes of a generated file.
const (
	FileNew     = "new"     // the live release has none, or there is no live release
	FileChanged = "changed" // it is another one, or it was edited by hand
	FileGone    = "gone"    // the new release has none
)

// FileChange is one generated file that is not the same in the release that a plan makes live, on hosts where the same is live
// now. It holds no text of what is live: a reader of hosts finds that.
type FileChange struct {
	App   string
	Path  string // relative to the release
	State string
	Hosts []string // in the app's order, at least one
	From  string   // the release that is live on the first of them; "": none
	To    string
	// Content is what the file becomes. Where Stored is set it is "", and the hosts have it in To already.
	Content string
	Stored  bool
	// Secret: the file holds secrets, or did. Nothing of it may be shown.
	Secret bool
	// Unknown: trikk did not record what it wrote into the live release, so that the file may be the same.
	Unknown bool
}

// FileChanges are the generated files that a plan makes other than they are, sorted by app and path. It fails on a value that a
// format can't hold, which Compile refuses too.
func FileChanges(p Plan) ([]FileChange, error) {
	var out []FileChange
	for _, a := range p.Apps {
		all, err := a.fileChanges(p)
		if err != nil {
			return nil, err
		}
		out = append(out, all...)
	}
	return out, nil
}

// wanted are the files of a release by path: digests as a manifest has them, and contents where they are known.
type wanted struct {
	digests map[string]string
	secret  map[string]bool
	content map[string]string // nil: the hosts have it
}

func (a AppPlan) fileChanges(p Plan) ([]FileChange, error) {
	made, err := a.rendered()
	if err != nil {
		return nil, err
	}
	var out []FileChange
	at := map[string]int{} // in out
	for _, host := range a.Source.Hosts() {
		if p.Skips(a.App, host) {
			continue
		}
		is := p.Observed.Apps[a.App][host]
		want := made
		if a.Intent == Rollback {
			r, there := is.release(a.To)
			if !there {
				continue
			}
			want = recorded(r)
		}
		live, _ := is.release(is.Current)
		for _, path := range bothPaths(live.Manifest.Files, want.digests) {
			change, is := want.change(live, path)
			if !is {
				continue
			}
			change.App, change.To, change.Hosts, change.From = a.App, a.To, []string{host}, live.Name
			key := path + "\x00" + change.State + "\x00" + live.Manifest.Files[path]
			if slices.Contains(live.Edited, path) {
				key += "\x00" + host // every edit is its own
			}
			if i, ok := at[key]; ok && out[i].Secret == change.Secret && out[i].Unknown == change.Unknown {
				out[i].Hosts = append(out[i].Hosts, host)
				continue
			}
			at[key] = len(out)
			out = append(out, change)
		}
	}
	slices.SortStableFunc(out, func(x, y FileChange) int { return cmp.Compare(x.Path, y.Path) })
	return out, nil
}

// rendered are the files that a deploy writes. A rollback takes a release as it is.
func (a AppPlan) rendered() (wanted, error) {
	w := wanted{digests: map[string]string{}, secret: map[string]bool{}, content: map[string]string{}}
	if a.Intent == Rollback {
		return w, nil
	}
	files, err := Render(a.Source)
	for _, f := range files {
		w.digests[f.Path], w.content[f.Path], w.secret[f.Path] = sum(f.Content), f.Content, len(f.Secrets) > 0
	}
	return w, err
}

// recorded are the files of a release that a host has.
func recorded(r InstalledRelease) wanted {
	w := wanted{digests: r.Manifest.Files, secret: map[string]bool{}}
	for path, secrets := range r.Manifest.Secrets {
		w.secret[path] = len(secrets) > 0
	}
	return w
}

// change tells what becomes of a file of the live release; false: it stays the same.
func (w wanted) change(live InstalledRelease, path string) (FileChange, bool) {
	was, had := live.Manifest.Files[path]
	will, has := w.digests[path]
	edited := slices.Contains(live.Edited, path)
	c := FileChange{Path: path, State: FileChanged, Content: w.content[path], Stored: has && w.content == nil}
	c.Secret = w.secret[path] || len(live.Manifest.Secrets[path]) > 0
	switch {
	case has && had && was == will && !edited:
		return c, false
	case !has:
		c.State = FileGone
	case !had:
		c.State = FileNew
		c.Unknown = live.Name != "" && live.Manifest.Files == nil
	}
	return c, true
}

func bothPaths(a, b map[string]string) []string {
	out := append(sortedKeys(a), sortedKeys(b)...)
	slices.Sort(out)
	return slices.Compact(out)
}
