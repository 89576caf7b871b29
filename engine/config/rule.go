package config

import (
	"slices"
	"strings"
)

// Rule is a kind of mistake. Reports name it, so that people can look for all of its mistakes.
type Rule struct {
	ID   string // lower case, with dashes; never renamed
	What string // what is wrong, in one sentence
	Help string // what to do

	starts []string // how its messages begin, behind the path of the value
	parts  []string // what its messages hold
}

// otherRule is that of every message which no other rule knows: what a plan would refuse, too.
const otherRule = "config"

// Rules are all kinds of mistakes, sorted so that the first one that knows a message is the message's.
func Rules() []Rule {
	return []Rule{
		{ID: "no-probe", What: "A service has no probe.", Help: "Add probes: nothing else proves that a new release works.", parts: []string{"has a service but no probe"}},
		{ID: "same-url", What: "The URL of an artifact is the same for every version.", Help: "Write {version} into the URL, or a digest beside it.", parts: []string{"has no {version}"}},
		{ID: "unsafe-digest", What: "A digest comes over plain HTTP with the artifact that it is of.", Help: "Write the digest into the config, or use https.", parts: []string{"would come over plain HTTP"}},
		{ID: "open-secret", What: "A file with secrets may be used by others.", Help: "Set a mode such as \"0600\" or \"0640\".", parts: []string{"holds secrets, and every user", "which holds secrets, to others"}},
		{ID: "no-effect", What: "A field has no effect where it is written.", Help: "Remove it, or what keeps it from having one.", parts: []string{"has no effect", "would not be written"}},
		{ID: "limit", What: "Evaluating this takes too much.", Help: "Write it with less nesting and repetition, or allow more with --cue-memory, --cue-time or --cue-file.",
			parts: []string{"to be evaluated", "ended the evaluation", " a CUE file may have "}},
		{ID: "module", What: "The module file is wrong.", Help: "It is cue.mod/module.cue, and trikk init writes a right one.",
			starts: []string{"language.version", "language:", "malformed module path", "invalid module file", "module has a value", "the module file", "deps are not fetched", "cannot make version from module", "cannot find schema suitable", "empty module path"}},
		{ID: "shell", What: "A command is not POSIX shell.", Help: "Try it with sh -n. Steps run in the server's /bin/sh, which is often dash.", parts: []string{"is not POSIX shell"}},
		{ID: "circle", What: "Something leads back to itself.", Help: "Remove one of the references.", parts: []string{"goes in a circle", "depends on itself", "import cycle", "structural cycle"}},
		{ID: "clash", What: "Two things want what only one can have.", Help: "Give one of them another port, unit, folder, member or name.",
			parts: []string{"is also used by", "are also used by", "is used twice", "is defined twice", "is listed twice", "in one place", "is both active and standby", "are one member", "have different addresses",
				"trikk keeps for", "are one machine", "is the key of", "is also the name of", "is inside ", "can't be that of"}},
		{ID: "contradiction", What: "A value is set twice, and differently.", Help: "Set it in one place. What environments may change is written as string | *\"default\".", starts: []string{"set twice", "has more than one default", "conflicting values"}},
		{ID: "missing-value", What: "A value that is needed is missing.", Help: "Set it; docs/schema.md lists what each struct needs.",
			starts: []string{"required field is missing", "set exactly one of", "has no value yet", "must have at least", "has no package clause"}, parts: []string{"the folder has no app", "has no app"}},
		{ID: "misplaced", What: "Something is at a place where it does not belong.", Help: "An app is written app: schema.#App & {…}, an environment environments: NAME: schema.#Environment & {…}.",
			parts: []string{"is outside of app", "does not belong here", "is embedded in the file", "is an app beside app", "nothing deploys this app", "is deployed from this folder"}},
		{ID: "unknown-field", What: "There is no such field.", Help: "Fields are those of docs/schema.md; the nearest name is in the message.", starts: []string{"unknown field"}},
		{ID: "unknown-name", What: "A name is that of nothing.", Help: "Names of servers, proxies, apps and environments are those of the config repository.",
			starts: []string{"unknown server", "unknown proxy", "unknown app", "unknown environment", "unknown host", "unknown placeholder"}, parts: []string{"unknown secret"}},
		{ID: "reference", What: "A reference leads nowhere.", Help: "Correct the name, or import the package that has it.",
			starts: []string{"undefined field", "there is no element", "reference ", "no package", "builtin package"}, parts: []string{"imported and not used", "unreferenced alias"}},
		{ID: "secret", What: "A secret can't be used as it is written.", Help: "docs/config.md shows how secrets are written and encrypted.",
			starts: []string{"secret "}, parts: []string{": secret ", "holds a placeholder", "is no placeholder", "holds a user or a password"}},
		{ID: "approval", What: "The rules of approval can't be satisfied or read.", Help: "docs/security.md shows the rules and the keys.", parts: []string{"nobody could ever apply", "is no public key", "is an RSA key"}},
		{ID: "notify", What: "Somebody who is to be told of runs can't be told so.", Help: "docs/notifications.md shows notifiers and their templates.",
			starts: []string{"template ", "webhook: what the template", "there is no file ", "the password would go over the network"}, parts: []string{"is no mail address"}},
		{ID: "freeze", What: "A freeze window is no time.", Help: "docs/guards.md shows windows.", parts: []string{"freeze window", "no day of the calendar", "no time of day", "unknown time zone"}},
		{ID: "expression", What: "An expression has no value.", Help: "Correct its operands or arguments.",
			starts: []string{"failed arithmetic", "invalid operand", "invalid left-hand", "invalid right-hand", "cannot use", "cannot call", "not enough arguments", "too many arguments", "index out of range", "error in call"}},
		{ID: "build-tag", What: "A file would be left out, or read in, by an attribute.", Help: "Remove the attribute: trikk reads all files, and no build tags.", parts: []string{"excludes the file", "is not allowed in a config repository"}},
		{ID: "syntax", What: "The file is not CUE.", Help: "Correct what is there: CUE could not read on.",
			starts: []string{"expected ", "found ", "missing ", "string literal", "unexpected ", "illegal ", "invalid ", "must be unquoted", "unsupported "}},
		{ID: "value", What: "A value is not of the kind or form that is needed.", Help: "The message says which values there are.",
			starts: []string{"must ", "key \"", "set at most one of"}, parts: []string{"is no name that", "can't be an @id", "can't hold", "is not a glob", "are not done within", "has no reload"}},
		{ID: otherRule, What: "What is written can't be deployed as it is.", Help: "The message says why."},
	}
}

// Rule is the ID of the mistake's kind.
func (d Diagnostic) Rule() string {
	said := d.Message
	for _, r := range Rules() {
		starts := slices.ContainsFunc(r.starts, func(s string) bool { return strings.HasPrefix(said, s) })
		if starts || slices.ContainsFunc(r.parts, func(s string) bool { return strings.Contains(said, s) }) {
			return r.ID
		}
	}
	return otherRule
}
