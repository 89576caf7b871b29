package host

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// A framed script is one function and its call on the last line, so that a shell that gets only a part of it runs
// nothing. Each step is data for eval in a subshell: no text can end the frame, and a syntax error is that step's. What the
// script says about itself are lines that start with a random nonce; everything else is output.

// shellCommand works in every login shell; the script travels on its standard input.
const shellCommand = "exec /bin/sh -s"

// frame is a script in the form that is sent.
type frame struct {
	nonce   string
	command string
	text    string
	line    bool         // the first line of output is an event
	live    func([]byte) // if set, gets the output of steps as it comes; nothing of it is kept
}

var (
	userName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*\$?$`)
	secretName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// newFrame frames steps that read nothing.
func newFrame(s Script) (frame, error) {
	return makeFrame(s, `printf '%s\n' "$*" >&2; exit 1`, " </dev/null")
}

// newHoldFrame frames a step that reads heartbeats from the script's own input. Its fail is a refusal, told apart from a
// first line.
func newHoldFrame(s Script) (frame, error) {
	f, err := makeFrame(s, `printf '%s refused\n%s\n' "$trikk_nonce" "$*"; exit 1`, "")
	f.line = true
	return f, err
}

func makeFrame(s Script, fail, input string) (frame, error) {
	if err := checkScript(s); err != nil {
		return frame{}, err
	}
	nonce, err := newNonce()
	if err != nil {
		return frame{}, err
	}
	var b strings.Builder
	b.WriteString("trikk_main() {\n")
	fmt.Fprintf(&b, "trikk_nonce=%s\n", nonce)
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		fmt.Fprintf(&b, "unset %s\n%s=%s\n", name, name, shellescape.Quote(s.Secrets[name]))
	}
	b.WriteString("same() { [ $# -eq 0 ] || printf '%s\\n' \"$*\"; printf '%s same\\n' \"$trikk_nonce\"; exit 0; }\n")
	fmt.Fprintf(&b, "fail() { %s; }\n", fail)
	// sudo leaves the login user's directory, which the other user may not enter: find and cp -a fail there.
	b.WriteString("cd 2>/dev/null || cd /\n")
	b.WriteString("read -r _ _ _ _ trikk_group _ </proc/$$/stat || trikk_group=0\n")
	b.WriteString("printf '%s begin %s\\n' \"$trikk_nonce\" \"$trikk_group\" || exit 1\n")
	for i := range s.Steps {
		writeStep(&b, i, s, input)
	}
	b.WriteString("printf '%s done\\n' \"$trikk_nonce\"\n}\n")
	b.WriteString(beside(s) + "trikk_main; exit 0\n")
	return frame{nonce: nonce, command: commandAs(s.As), text: b.String()}, nil
}

// writeStep writes one step. A marker that can't be written ends the script: nobody listens any more.
func writeStep(b *strings.Builder, i int, s Script, input string) {
	fmt.Fprintf(b, "printf '%%s start %d\\n' \"$trikk_nonce\" || exit 1\n", i)
	if i == 0 {
		b.WriteString(takeBusy(s))
	}
	if s.Guard != "" {
		fmt.Fprintf(b, "( eval %s ) </dev/null 2>&1\ntrikk_status=$?\n", shellescape.Quote(s.Guard))
		fmt.Fprintf(b, "[ $trikk_status -eq 0 ] || { printf '%%s guard %d %%s\\n' \"$trikk_nonce\" $trikk_status; exit 0; }\n", i)
	}
	text := s.Steps[i].Text
	if s.Steps[i].Logged && s.Log != "" {
		b.WriteString("trikk_sync=yes\n")
		text = notLogged + text
	}
	writeLog(b, s.Log, s.Steps[i].ID, "started")
	b.WriteString("trikk_logged=$? trikk_sync=\n")
	fmt.Fprintf(b, "( exec 9<&-\neval %s )%s 2>&1\ntrikk_status=$?\n", shellescape.Quote(text), input)
	writeLog(b, s.Log, s.Steps[i].ID, "done $trikk_status")
	fmt.Fprintf(b, "printf '%%s end %d %%s\\n' \"$trikk_nonce\" $trikk_status || exit 1\n", i)
	b.WriteString("[ $trikk_status -eq 0 ] || { printf '%s done\\n' \"$trikk_nonce\"; exit 0; }\n")
}

// notLogged ends a step whose start has to be in the log and is not.
const notLogged = `[ "$trikk_logged" = 0 ] || fail "its start can't be written to the step log (is the disk full?)"` + "\n"

// writeLog writes one call of the script's log; what are shell words.
func writeLog(b *strings.Builder, log, id, what string) {
	if log == "" {
		return
	}
	fmt.Fprintf(b, "( set -- %s %s; eval %s ) </dev/null >/dev/null 2>&1\n", shellescape.Quote(id), what, shellescape.Quote(log))
}

// commandAs is the command line for a user that checkScript has passed.
func commandAs(user string) string {
	if user == "" {
		return shellCommand
	}
	return "exec sudo -n -H -u " + user + " /bin/sh -s"
}

func checkScript(s Script) error {
	if s.As != "" && !userName.MatchString(s.As) {
		return fmt.Errorf("%q is no user name", s.As)
	}
	if len(s.Steps) == 0 {
		return errors.New("a script without steps")
	}
	if s.BusyOwner != "" && !userName.MatchString(s.BusyOwner) {
		return fmt.Errorf("%q is no user name", s.BusyOwner)
	}
	texts := []string{s.Guard, s.Log, s.Busy}
	for _, step := range s.Steps {
		texts = append(texts, step.ID, step.Text)
	}
	for name, value := range s.Secrets {
		if !secretName.MatchString(name) {
			return fmt.Errorf("%q is no name of a shell variable", name)
		}
		texts = append(texts, value)
	}
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return errors.New("a NUL byte, which no shell word can hold")
		}
	}
	return nil
}

// queryScript makes one step of a query.
func queryScript(q Query) Script {
	var b strings.Builder
	b.WriteString("set --")
	for _, arg := range q.args {
		b.WriteString(" " + shellescape.Quote(arg))
	}
	b.WriteString("\n" + q.text)
	return Script{As: q.as, Steps: []ScriptStep{{ID: "query", Text: b.String()}}}
}

func newNonce() (string, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("making a nonce: %w", err)
	}
	return "trikk-" + hex.EncodeToString(raw), nil
}
