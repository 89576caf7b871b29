package host

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// constant can only be made from an untyped constant outside this package: a query's text is never built at run time.
type constant string

// Query is a read-only script with positional arguments ($1, $2, …).
type Query struct {
	text string
	args []string
	as   string
}

// NewQuery makes a query from constant shell text. as is the user that runs it ("": login). Arguments are data: they
// reach the script as $1, $2, … and are never parsed as shell. Each query is read-only by review of its text.
func NewQuery(as string, text constant, args ...string) Query {
	return Query{text: string(text), args: slices.Clone(args), as: as}
}

// userCommand runs $2 in the directory $1 with the variables in $3, $4, …
const userCommand = `trikk_dir=$1 trikk_command=$2
shift 2
case $trikk_dir in
'') ;;
'~' | '~/'*) cd "$HOME${trikk_dir#'~'}" || exit 125 ;;
*) cd -- "$trikk_dir" || exit 125 ;;
esac
exec env "$@" sh -c "$trikk_command"`

// UserQuery makes a query from a command of the user's config that is documented to be read-only (the is-commands of a
// proxy, a service's status), run with env in its environment. dir is its working directory, "" the home; it may start
// with ~/. A directory that isn't there ends the query with exit status 125.
func UserQuery(as, dir, command string, env map[string]string) Query {
	args := []string{dir, command}
	for name, value := range env {
		args = append(args, name+"="+value)
	}
	slices.Sort(args[2:])
	return Query{text: userCommand, args: args, as: as}
}

// Text is the shell text, for plans and fakes to show.
func (q Query) Text() string { return q.text }

// Args are the positional arguments, a copy.
func (q Query) Args() []string { return slices.Clone(q.args) }

// As is the user that runs the query; "" is the login user.
func (q Query) As() string { return q.as }

// Question is a request whose text is constant.
type Question struct{ text string }

// NewQuestion makes a question from a constant text with arguments in place of %s. Arguments may hold no control
// characters, no space, and neither ; nor \, which separate and escape commands on a runtime socket.
func NewQuestion(format constant, args ...string) (Question, error) {
	parts := strings.Split(string(format), "%s")
	if len(parts)-1 != len(args) {
		return Question{}, fmt.Errorf("making the question %q: %d arguments for %d places", string(format), len(args), len(parts)-1)
	}
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i == len(args) {
			break
		}
		if bad := strings.IndexFunc(args[i], forbidden); args[i] == "" || bad >= 0 {
			return Question{}, fmt.Errorf("making the question %q: the argument %q is empty or holds a space, a control character, ; or \\", string(format), args[i])
		}
		b.WriteString(args[i])
	}
	return Question{text: b.String()}, nil
}

func forbidden(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == ';' || r == '\\'
}

// Text is what is sent, for fakes to show.
func (q Question) Text() string { return q.text }
