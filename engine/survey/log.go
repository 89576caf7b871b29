package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
)

// logScript prints the end of an app's log: "log" on a line of its own and then the log, or one line "problem" and why there is none. With
// a fifth argument it goes on with what is appended, also after the file was replaced. It changes nothing.
//
// Arguments: root, log (absolute, in ~/, or relative to the root), systemd unit instead of a log, number of lines, "follow" or "".
const logScript = `root=$1 log=$2 unit=$3 lines=$4 follow=$5
problem() {
	echo "problem $*"
	exit 1
}
if [ -n "$unit" ]; then
	command -v journalctl >/dev/null || problem "journalctl is not installed"
	me=$(id -un) code=0
	why=$(LC_ALL=C journalctl --no-pager -u "$unit" -n 0 2>&1 >/dev/null) || code=$?
	why=$(printf %s "$why" | tr -s '\n\t ' ' ')
	denied="$me may not read the journal of $unit: $why (add $me to the group systemd-journal or adm, and log in anew)"
	case $code:$why in
	*'insufficient permissions'*) problem "$denied" ;;
	0:*'not seeing messages from'*) # of others: what the unit logs as this user can be seen
		[ -n "$(journalctl -q --no-pager -u "$unit" -n 1 2>/dev/null)" ] || problem "$denied"
		;;
	0:*'No journal files were found'*) problem "journalctl: $why (does systemd-journald run there?)" ;;
	0:*) ;;
	*) problem "journalctl -u $unit failed: $why" ;;
	esac
	echo log
	exec journalctl -q --no-pager -u "$unit" -n "$lines" ${follow:+-f} 2>&1
fi
case $root in
'~/'*) root=$HOME${root#'~'} ;;
esac
case $log in
/*) ;;
'~/'*) log=$HOME${log#'~'} ;;
*) log=$root/$log ;;
esac
if [ -d "$log" ]; then
	problem "$log is a directory"
elif [ -e "$log" ]; then
	[ -r "$log" ] || problem "$(id -un) may not read $log"
	[ ! -p "$log" ] || problem "$log is a pipe: who reads it takes its lines away"
elif [ -z "$follow" ]; then
	problem "$log is not there"
fi
echo log
[ -n "$follow" ] || exec tail -n "$lines" -- "$log"
exec tail -n "$lines" -F -- "$log" 2>/dev/null`

// Log says where an app's log is, and how much of it is wanted.
type Log struct {
	app   plan.App
	file  string
	unit  string
	lines int
}

// LogOf finds the log of an app: what its definition names, else what its process prints, else its unit's journal.
func LogOf(app plan.App, lines int) (Log, error) {
	l := Log{app: app, lines: lines}
	s := app.Service
	switch {
	case strings.HasPrefix(app.Log, "/"), strings.HasPrefix(app.Log, "~/"):
		l.file = app.Log
	case app.Log != "":
		l.file = path.Join(app.Layout.Current, app.Log)
	case s.Process != nil && s.Process.Log != "":
		l.file = path.Join("shared", s.Process.Log)
	case s.Process != nil:
		l.file = path.Join("shared/log", app.Name+".out")
	case s.Systemd != nil:
		l.unit = s.Systemd.Unit
	default:
		return Log{}, fmt.Errorf("%s has no log that is known: name it in its definition, log: \"log/%s.log\"", app.Name, app.Name)
	}
	return l, nil
}

// query asks for the log on one host. A journal is read by the login user, a file by the app's.
func (l Log) query(env plan.Environment, name string, follow bool) host.Query {
	as, word := l.app.As(env, name), ""
	if l.unit != "" {
		as = ""
	}
	if follow {
		word = "follow"
	}
	return host.NewQuery(as, logScript, l.app.Layout.Root, l.file, l.unit, strconv.Itoa(l.lines), word)
}

// Logged is the end of the log on one host.
type Logged struct {
	Host  string
	Lines []string
	Empty bool // the log is there, and nothing is in it
	Err   error
}

// Read reads the end of the log on all hosts of the app, and gives one Logged a host in their order.
func (l Log) Read(ctx context.Context, rs Readers, env plan.Environment, most int) []Logged {
	hosts := l.app.Hosts()
	out := make([]Logged, len(hosts))
	each(hosts, most, func(i int, name string) {
		out[i] = Logged{Host: name}
		r, err := rs.Reader(ctx, name)
		if err != nil {
			out[i].Err = err
			return
		}
		said, err := r.Query(ctx, l.query(env, name, false))
		if err != nil {
			out[i].Err = err
			return
		}
		a := logAnswer{host: name, give: func(line string) { out[i].Lines = append(out[i].Lines, line) }}
		a.piece(said.Stdout)
		out[i].Err = a.end(nil)
		out[i].Empty = out[i].Err == nil && l.lines > 0 && len(out[i].Lines) == 0
	})
	return out
}

// Streams follow queries by a host's inventory name, as host.Pool does.
type Streams interface {
	Stream(ctx context.Context, name string, q host.Query, give func(piece []byte)) (exit int, err error)
}

// LogEvent is a line of the log on a host, that its connection broke and is being made again, or that its log can't be followed.
type LogEvent struct {
	Host, Line   string
	Lost, Failed error
}

// Pauses between attempts to connect again.
const (
	againAfter  = time.Second
	againAtMost = 30 * time.Second
)

// Follow gives the log of all hosts of the app as it grows, until ctx ends; lines of a host come in order, and tell is called concurrently
// for different hosts. A host whose log can't be followed from the start has an error, which is told at once, and keeps nobody from
// following the others; one whose connection breaks later is connected again, and what it logged meanwhile is missing. It gives one error,
// or nil, a host.
func (l Log) Follow(ctx context.Context, s Streams, env plan.Environment, tell func(LogEvent)) []error {
	hosts := l.app.Hosts()
	errs := make([]error, len(hosts))
	each(hosts, len(hosts), func(i int, name string) { errs[i] = l.follow(ctx, s, env, name, tell) })
	return errs
}

func (l Log) follow(ctx context.Context, s Streams, env plan.Environment, name string, tell func(LogEvent)) error {
	reached, pause := false, againAfter
	for {
		a := logAnswer{host: name, give: func(line string) { tell(LogEvent{Host: name, Line: line}) }}
		_, err := s.Stream(ctx, name, l.query(env, name, true), a.piece)
		failed := a.end(err)
		if ctx.Err() != nil {
			return nil
		}
		if a.begun {
			reached, pause = true, againAfter
			l.lines = 0
		}
		if err == nil || !reached {
			if failed == nil {
				failed = fmt.Errorf("%s: following the log ended", name)
			}
			tell(LogEvent{Host: name, Failed: failed})
			return failed
		}
		if a.begun {
			tell(LogEvent{Host: name, Lost: err})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, againAtMost)
	}
}

// maxLogLine is where a longer line is broken.
const maxLogLine = 64 << 10

// logAnswer takes what logScript prints apart, piece by piece.
type logAnswer struct {
	host    string
	give    func(line string)
	rest    []byte
	begun   bool // the log was found
	problem string
}

func (a *logAnswer) piece(p []byte) {
	a.rest = append(a.rest, p...)
	for {
		end := bytes.IndexByte(a.rest, '\n')
		switch {
		case end > maxLogLine, end < 0 && len(a.rest) > maxLogLine:
			a.line(string(a.rest[:maxLogLine]))
			a.rest = a.rest[maxLogLine:]
		case end >= 0:
			a.line(string(a.rest[:end]))
			a.rest = a.rest[end+1:]
		default:
			return
		}
	}
}

func (a *logAnswer) line(text string) {
	if a.begun {
		a.give(strings.TrimSuffix(text, "\r"))
		return
	}
	a.begun = text == "log"
	if problem, ok := strings.CutPrefix(text, "problem "); ok {
		a.problem = problem
	}
}

// end gives a last line that has no line feed, and why there is no log.
func (a *logAnswer) end(err error) error {
	if len(a.rest) > 0 {
		a.line(string(a.rest))
		a.rest = nil
	}
	switch {
	case a.problem != "":
		return fmt.Errorf("%s: %s", a.host, a.problem)
	case err == nil && !a.begun:
		return fmt.Errorf("%s: %w", a.host, errors.New("the log can't be read: the shell said nothing of it"))
	}
	return err
}
