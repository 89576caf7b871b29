package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"trikk.dev/engine/act"
	"trikk.dev/engine/artifact"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
	"trikk.dev/engine/run"
	"trikk.dev/engine/secret"
)

// fleet is the servers of one environment as one command reaches them: one connection a server.
type fleet struct {
	cli      *cli
	pool     *host.Pool
	gatherer *act.Gatherer
	actor    *act.Actor
	run      string
	meta     run.Meta                      // whose run it is, and since when
	progress func(host, step, text string) // set before a run begins
	upload   func(host, step string, sent, total int64)
	// judge refuses a plan that breaks a policy.
	judge func(context.Context, plan.Plan) error
	// notify are those who are told how a run ends.
	notify map[string]plan.Notifier
	guard  guard
	// moving are the roots of apps that had nothing to do when they were planned, while another run held their lock.
	moving []movingRoot
	// unbuilt says of apps whose build failed why, where a run goes on without them.
	unbuilt map[string]string
}

// fleet wires the rooms together for a run that begins now. Nothing is dialled yet.
func (c *cli) fleet(env plan.Environment, runID string) *fleet {
	return c.fleetOf(env, run.Meta{Run: runID, Who: who(), Started: c.now().UTC().Format(time.RFC3339)})
}

// fleetOf is fleet for a run that began before.
func (c *cli) fleetOf(env plan.Environment, meta run.Meta) *fleet {
	pool := host.NewPool(targets(env), host.Options{
		ConfigFile: c.flags.sshConfig, AcceptNew: c.flags.acceptNew, ConnectTimeout: c.flags.timeout, MaxDials: c.flags.parallel,
		Notice: func(text string) { c.say("%s", text) },
	})
	secrets := &secret.Reader{}
	resolver := &artifact.Resolver{Secrets: secrets.Read}
	f := &fleet{cli: c, pool: pool, run: meta.Run, meta: meta, progress: func(string, string, string) {}, upload: func(string, string, int64, int64) {},
		judge: func(context.Context, plan.Plan) error { return nil }}
	f.gatherer = &act.Gatherer{Readers: proxy.ReadersOf(pool), Resolver: resolver}
	f.actor = act.New(act.Options{
		Hosts: pool, Resolver: resolver, Secrets: secrets.Read, Run: meta.Run, Who: meta.Who, Since: meta.Started, Now: c.now,
		Progress: func(s plan.Step, line string) { f.progress(s.Host, s.ID, line) },
		Uploaded: func(s plan.Step, sent, total int64) { f.upload(s.Host, s.ID, sent, total) },
	})
	return f
}

func (f *fleet) close() { _ = f.pool.Close() }

// targets are all hosts of an environment.
func targets(env plan.Environment) []host.Target {
	var out []host.Target
	add := func(name string, h plan.Host) {
		out = append(out, host.Target{Name: name, Address: h.Address, Port: h.Port, User: h.User, Jump: h.Jump})
	}
	for name, s := range env.Servers {
		add(name, s)
	}
	for name, p := range env.Proxies {
		if _, both := env.Servers[name]; !both {
			add(name, p.Host)
		}
	}
	slices.SortFunc(out, func(a, b host.Target) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// plan gathers the facts and compiles.
func (f *fleet) plan(ctx context.Context, ch chosen, in plan.Intent) (plan.Plan, error) {
	if err := plan.TooMany(ch.env, ch.apps); err != nil {
		return plan.Plan{}, err
	}
	if err := built(ch.apps); err != nil && !in.KeepGoing { // else it is a fact of the app
		return plan.Plan{}, err
	}
	ctx, stop := f.cli.interruptible(ctx)
	defer stop()
	seen, err := f.gatherer.GatherView(ctx, ch.env, ch.apps, in)
	if err != nil {
		return plan.Plan{}, stopped(ctx, ch.orKeepGoing(err, fineApps(ch.apps, err)))
	}
	f.addUnbuilt(&seen.Facts)
	p, err := ch.compile(seen.Facts, in)
	f.moving = movingOf(ch, p, seen)
	return p, err
}

// built refuses an artifact's file that is not there, before any server is asked.
func built(apps []plan.App) error {
	for _, app := range apps {
		file := app.Artifact.File
		if file == nil || len(app.Build) > 0 || strings.Contains(file.Path, "{version}") || !filepath.IsAbs(file.Path) {
			continue
		}
		switch info, err := os.Stat(file.Path); {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s: reading artifact %s: there is no such file (build it first)", app.Name, file.Path)
		case err == nil && !info.Mode().IsRegular():
			return fmt.Errorf("%s: reading artifact %s: it is not a regular file", app.Name, file.Path)
		}
	}
	return nil
}

// intent is what the command line asked for.
func (c *cli) intent(ch chosen, kind string) plan.Intent {
	now := c.now().UTC()
	return plan.Intent{Kind: kind, ID: run.NewID(now, rand.Reader), CreatedAt: now.Format(time.RFC3339), CreatedBy: who(), Release: ch.release, KeepGoing: ch.keepGoing, Versions: ch.versions, Deadline: plan.Duration(ch.deadline)}
}

// who is the person on the controller, user@host.
func who() string {
	name, machine := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		machine = h
	}
	return name + "@" + machine
}

// runs is the folder that holds the journals.
func (c *cli) runs() string {
	if c.flags.state != "" {
		return filepath.Join(c.absolute(c.flags.state), "runs")
	}
	return filepath.Join(xdg.StateHome, "trikk", "runs")
}

// absolute makes a path from the command line absolute.
func (c *cli) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}
