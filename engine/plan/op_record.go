package plan

import "encoding/json"

// Record writes a mark under the app's root. What is "used" (Plan is applied here; a second time fails, unless the run that holds
// the lock made the mark), "complete" (the release's manifest, its completion marker), "good" (the release was proven healthy
// here), "trial" (the release is tried here: whether it is good is asked whatever earlier runs said), "judged" (its trial is over),
// "settled" (what Run left half done here is taken care of).
type Record struct {
	What     string    `json:"what"`
	Root     string    `json:"root"`
	Release  string    `json:"release,omitempty"`
	Plan     string    `json:"plan,omitempty"`
	Run      string    `json:"run,omitempty"`
	Manifest *Manifest `json:"manifest,omitempty"`
}

// Kind is "record".
func (Record) Kind() string { return "record" }

// Title says what is done.
func (r Record) Title() string {
	switch r.What {
	case "used":
		return oneLine("record that plan " + r.Plan + " is applied here")
	case "complete":
		return oneLine("record release " + r.Release + " as complete")
	case "trial":
		return oneLine("record release " + r.Release + " as on trial")
	case "judged":
		return oneLine("record that the trial of release " + r.Release + " is over")
	case "settled":
		return oneLine("record that nothing of run " + r.Run + " is left half done")
	}
	return oneLine("record release " + r.Release + " as " + r.What)
}

// Transport tells how the op reaches its host.
func (Record) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (r Record) Script() string {
	switch r.What {
	case "used":
		return script(letPath("root", r.Root), let("plan", r.Plan), shPlace, shBecause, shUsed)
	case "complete":
		return script(letPath("root", r.Root), let("release", r.Release), let("manifest", r.manifest()), shBecause, shInside, shNamed, shComplete)
	case "good":
		return script(letPath("root", r.Root), let("release", r.Release), let("plan", r.Plan), shPlace, shBecause, shGood)
	case "trial":
		return script(letPath("root", r.Root), let("release", r.Release), shPlace, shBecause, shTrial)
	case "judged":
		return script(letPath("root", r.Root), let("release", r.Release), shJudged)
	case "settled":
		return script(letPath("root", r.Root), let("run", r.Run), shSettled)
	}
	return script("fail " + quote("nothing is known of a record "+r.What) + "\n")
}

func (Record) op() {}

// manifest is the text of the release's manifest: one line of JSON.
func (r Record) manifest() string {
	m := Manifest{}
	if r.Manifest != nil {
		m = *r.Manifest
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and maps of strings can always be written
	}
	return string(text)
}

const shUsed = `
umask 022
place "$root/.trikk/plans"
mark=$root/.trikk/plans/$plan
owner=$(head -n 1 "$root/.trikk/lock.info" 2>/dev/null) || owner=
if ! why=$( (set -C && printf '%s\n' "${owner:-$plan}" >"$mark") 2>&1); then
	[ -z "$owner" ] || [ "$(cat "$mark")" != "$owner" ] || same "this run has recorded it already"
	[ ! -s "$mark" ] || fail "plan $plan was applied here already: a plan is applied once, make a new one"
	rm -f "$mark"
	fail "$(id -un) can't write $mark: $(because "$why")"
fi
# IDs sort by time: marks of plans that have been stale for long are not kept
ls "$root/.trikk/plans" | sort -r | tail -n +201 | while read -r old; do
	rm -f "$root/.trikk/plans/$old"
done
`

// The mark of a run that was cut off names it. One that can't be read names nobody, and is removed as the mark of UnnamedRun.
const shSettled = `
mark=$root/.trikk/cut
text=$(cat "$mark" 2>/dev/null || :)
[ "$run" != ` + UnnamedRun + ` ] || [ ! -e "$mark" ] || text='"run":"'$run'"'
case $text in
*'"run":"'"$run"'"'*) rm -f "$mark" || fail "$(id -un) can't remove $mark" ;;
*) same "nothing says so" ;;
esac
`

// The manifest is on disk before it has its name: what has a manifest is complete.
const shComplete = `
dir=$root/releases/$release
mark=$dir/.trikk/manifest.json
umask 022
[ -d "$dir" ] || fail "$dir is not there: unpack the release first"
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$manifest" ]; then
	same "$release is complete already"
fi
# generated files that became a part of shared/ are the app's own from now on
files=$dir/.trikk/files
if [ -f "$files" ]; then
	rm -f "$files.new"
	# who can read the digest of a file can try what a secret in it may be
	why=$(umask 077 && while IFS= read -r line; do
		named "$line"
		! inside "$dir/$path" "$dir" || printf '%s\n' "$line"
	done 2>&1 <"$files" >"$files.new") || fail "$(id -un) can't write $files: $(because "$why")"
	sync "$files.new" 2>/dev/null || sync
	mv -fT "$files.new" "$files"
fi
why=$( { mkdir -p "$dir/.trikk" && printf '%s\n' "$manifest" >"$mark.new"; } 2>&1) || fail "$(id -un) can't write $mark: $(because "$why")"
sync "$mark.new" 2>/dev/null || sync
mv -fT "$mark.new" "$mark"
`

const shGood = `
umask 022
[ -f "$root/releases/$release/.trikk/manifest.json" ] || fail "$root/releases/$release is not complete: it can't be good"
place "$root/.trikk/good"
mark=$root/.trikk/good/$release
if [ -f "$mark" ] && [ "$(cat "$mark")" = "$plan" ]; then
	same "$release is recorded already"
fi
new=$root/.trikk/good.$release.new
why=$( { printf '%s\n' "$plan" >"$new"; } 2>&1) || fail "$(id -un) can't write $new: $(because "$why")"
sync "$new" 2>/dev/null || sync
mv -fT "$new" "$mark"
`

// One release is on trial at a time: the one that was linked last.
const shTrial = `
umask 022
place "$root/.trikk"
mark=$root/.trikk/trial
[ "$(cat "$mark" 2>/dev/null)" != "$release" ] || same "$release is on trial already"
why=$( { printf '%s\n' "$release" >"$mark.new"; } 2>&1) || fail "$(id -un) can't write $mark: $(because "$why")"
sync "$mark.new" 2>/dev/null || sync
mv -fT "$mark.new" "$mark"
`

const shJudged = `
mark=$root/.trikk/trial
[ "$(cat "$mark" 2>/dev/null)" = "$release" ] || same "$release is not on trial"
rm -f "$mark" || fail "$(id -un) can't remove $mark"
`
