package config

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"trikk.dev/engine/plan"
)

// maxStack bounds a stack of the evaluating process, in bytes: what needs more would need all memory soon.
const maxStack = 256 << 20

// task is what the evaluating process is to do.
type task string

const (
	loadingTask   task = "load"
	vettingTask   task = "vet"
	testingTask   task = "test"
	judgingTask   task = "judge"
	listingTask   task = "list"
	releasingTask task = "release"
)

// request is what the evaluating process is asked.
type request struct {
	Task    task
	Plan    []byte   // to be judged, as it is encoded
	Apps    [][]byte // of the plan, as JSON, in its order
	Dir     string
	Release string // file
	Paths   []string
	Golden  string
	MaxFile int64
	Only    []string
	Memory  int64
}

// report is one message of the evaluating process: work that begins or has ended, or the answer, which is the last one.
type report struct {
	Work   work
	Ended  bool
	Answer *answer
}

// work is a file that is read, or a package that is evaluated.
type work struct {
	Dir  string // of the package, relative to the module's root; "" for a file
	File string // as it is shown
}

func (w work) what() string {
	if w.Dir == "" {
		return "this file"
	}
	return "this package"
}

// answer is the outcome of Load as it crosses the pipe. Values go as the JSON that CUE made of them, so that they are decoded
// as they would have been over there.
type answer struct {
	Failed       string // an error that is no list of mistakes
	Mistakes     []sentDiagnostic
	Files        []string
	Sound        bool
	Root, Module string
	Apps         []sentApp
	Environments []sentEnvironment
	Warnings     []sentDiagnostic
	Policies     []Policy
	Tested       Tested
	Packages     map[string]Package
	Release      Release
}

// err is what went wrong.
func (a *answer) err() error {
	if a.Failed != "" {
		return errors.New(a.Failed)
	}
	if len(a.Mistakes) > 0 {
		return &Errors{List: received(a.Mistakes)}
	}
	return nil
}

// sentDiagnostic carries what String needs too.
type sentDiagnostic struct {
	Diagnostic
	Exact bool
	Whole string
}

func sent(list []Diagnostic) (out []sentDiagnostic) {
	for _, d := range list {
		out = append(out, sentDiagnostic{d, d.exact, d.whole})
	}
	return out
}

func received(list []sentDiagnostic) (out []Diagnostic) {
	for _, s := range list {
		s.exact, s.whole = s.Exact, s.Whole
		out = append(out, s.Diagnostic)
	}
	return out
}

type sentApp struct {
	JSON           []byte
	Name, Env, Dir string
	Path           string                 // of a local artifact
	Secrets        map[string]plan.Secret // by field, with what was found of them
	Pos            plan.Pos
	Places         map[string]plan.Pos
	Home           string // ID of its package
}

type sentEnvironment struct {
	JSON    []byte
	Name    string
	Pos     plan.Pos
	Places  map[string]plan.Pos    // of its hosts
	Dir     string                 // of those who are told of runs
	Secrets map[string]plan.Secret // theirs by name, with what was found of them
	Home    string                 // ID of its package
}

// Serve is the evaluating process of Isolation: it reads one request and writes reports. It is called by nothing else, since it
// changes how its process uses memory.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var q request
	if err := gob.NewDecoder(in).Decode(&q); err != nil {
		return fmt.Errorf("reading what to evaluate: %w", err)
	}
	debug.SetMaxStack(maxStack)
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(q.Memory / 4 * 3)
	var mu sync.Mutex
	e := gob.NewEncoder(out)
	send := func(r report) error {
		mu.Lock()
		defer mu.Unlock()
		return e.Encode(r)
	}
	o := Options{Dir: q.Dir, Paths: q.Paths, Golden: q.Golden, MaxFile: q.MaxFile, only: q.Only}
	o.begin = func(w work) func() {
		_ = send(report{Work: w})
		return func() { _ = send(report{Work: w, Ended: true}) }
	}
	return send(report{Answer: q.answer(ctx, o)})
}

// answer does what is asked.
func (q request) answer(ctx context.Context, o Options) *answer {
	switch q.Task {
	case testingTask:
		found, err := testHere(ctx, o)
		a := ending(err)
		a.Tested = found
		return a
	case listingTask:
		packages, err := packagesHere(ctx, o)
		a := ending(err)
		a.Packages = packages
		return a
	case releasingTask:
		release, err := releaseHere(o, q.Release)
		a := ending(err)
		a.Release = release
		return a
	case judgingTask:
		return ending(judgeHere(ctx, o, q))
	case vettingTask:
		w, err := vetHere(ctx, o)
		return answerOf(w, err)
	}
	w, err := loadHere(ctx, o)
	return answerOf(w, err)
}

// ending is the answer of what ended with an error, or without one.
func ending(err error) *answer {
	var wrong *Errors
	switch {
	case errors.As(err, &wrong):
		return &answer{Mistakes: sent(wrong.List)}
	case err != nil:
		return &answer{Failed: err.Error()}
	}
	return &answer{}
}

func answerOf(w Workspace, err error) *answer {
	a := ending(err)
	if a.Warnings, a.Files, a.Sound = sent(w.Warnings), w.Files, w.Sound; !w.Sound {
		return a
	}
	a.Root, a.Module, a.Policies, a.Packages = w.Root, w.Module, w.Policies, w.packages
	for _, app := range w.apps {
		s := sentApp{JSON: w.json[source{app.Name, app.Env}], Name: app.Name, Env: app.Env, Dir: app.Dir, Pos: app.Pos, Places: app.Places, Home: w.homes[source{app.Name, app.Env}]}
		if f := app.Artifact.File; f != nil {
			s.Path = f.Path
		}
		s.Secrets = map[string]plan.Secret{}
		eachSecret(&app, func(field string, found *plan.Secret) { s.Secrets[field] = *found })
		a.Apps = append(a.Apps, s)
	}
	for _, env := range w.Environments {
		places := map[string]plan.Pos{}
		for name, h := range env.Servers {
			places["servers."+name] = h.Pos
		}
		for name, p := range env.Proxies {
			places["proxies."+name] = p.Pos
		}
		for name, f := range env.Freeze {
			places["freeze."+name] = f.Pos
		}
		s := sentEnvironment{JSON: w.json[source{"", env.Name}], Name: env.Name, Pos: env.Pos, Places: places, Secrets: map[string]plan.Secret{}, Home: w.homes[source{"", env.Name}]}
		for name, n := range env.Notify {
			s.Dir = n.Dir
			if _, found := n.Secret(); found != nil {
				s.Secrets[name] = *found
			}
		}
		a.Environments = append(a.Environments, s)
	}
	return a
}

// workspace is what Load gives.
func (a *answer) workspace() (Workspace, error) {
	if !a.Sound {
		return Workspace{Warnings: received(a.Warnings), Files: a.Files}, a.err()
	}
	w := Workspace{Root: a.Root, Module: a.Module, Warnings: received(a.Warnings), Policies: a.Policies, Files: a.Files, Sound: true, json: map[source][]byte{}, packages: a.Packages, homes: map[source]string{}}
	for _, s := range a.Apps {
		var app plan.App
		if err := unmarshal(s.JSON, &app); err != nil {
			return Workspace{}, err
		}
		app.Name, app.Env, app.Dir, app.Pos, app.Places = s.Name, s.Env, s.Dir, s.Pos, s.Places
		if f := app.Artifact.File; f != nil {
			f.Path = s.Path
		}
		eachSecret(&app, func(field string, found *plan.Secret) { *found = s.Secrets[field] })
		w.apps = append(w.apps, app)
		w.json[source{s.Name, s.Env}] = s.JSON
		w.homes[source{s.Name, s.Env}] = s.Home
	}
	for _, s := range a.Environments {
		env := plan.Environment{Name: s.Name}
		if err := unmarshal(s.JSON, &env); err != nil {
			return Workspace{}, err
		}
		env.Pos = s.Pos
		for name, n := range env.Notify {
			n.Dir = s.Dir
			if _, found := n.Secret(); found != nil {
				*found = s.Secrets[name]
			}
			env.Notify[name] = n
		}
		naming(&env, s.Places)
		w.homes[source{"", s.Name}] = s.Home
		w.Environments = append(w.Environments, env)
	}
	return w, a.err()
}
