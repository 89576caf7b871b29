package plan

import (
	"strconv"
	"time"
)

// ServiceOp (kind service) starts or stops the app's process, and waits until it is so: a start until the unit, the status
// command or the process says that it runs, a stop until nothing of it runs.
type ServiceOp struct {
	Action  string  `json:"action"` // start, stop
	App     string  `json:"app"`
	Root    string  `json:"root"`
	Current string  `json:"current"`           // name of the link
	Release string  `json:"release,omitempty"` // release that is started or stopped, for people
	Version string  `json:"version,omitempty"`
	Service Service `json:"service"`
}

// Kind is "service".
func (ServiceOp) Kind() string { return "service" }

// Title says what is done.
func (s ServiceOp) Title() string {
	title := s.Action + " " + s.App
	if s.Release != "" {
		title += " " + s.Release
	}
	return oneLine(title)
}

// Transport tells how the op reaches its host.
func (ServiceOp) Transport() Transport {
	return Script
}

// Script is the op's shell.
func (s ServiceOp) Script() string {
	switch svc := s.Service; {
	case svc.Systemd != nil:
		return s.systemd(*svc.Systemd)
	case svc.Commands != nil:
		return s.commands(*svc.Commands)
	case svc.Process != nil:
		return s.process(*svc.Process)
	}
	return script("same " + quote(s.App+" has no process of its own") + "\n")
}

func (ServiceOp) op() {}

// Start and stop are the actions of a service op.
const (
	Start = "start"
	Stop  = "stop"
)

// seconds writes a timeout in whole seconds, rounded up; 0 stands for a minute.
func seconds(d Duration) string {
	if d <= 0 {
		d = Duration(time.Minute)
	}
	return strconv.Itoa(int((d.D() + time.Second - 1) / time.Second))
}

// head assigns what all ways to run a process need.
func (s ServiceOp) head(timeout Duration) string {
	return let("app", s.App) + letPath("root", s.Root) + let("current", s.Current) +
		"TRIKK_APP=" + quote(s.App) + " TRIKK_VERSION=" + quote(s.Version) + "\n" + let("seconds", seconds(timeout))
}
