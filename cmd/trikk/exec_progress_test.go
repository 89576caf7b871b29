package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/survey"
)

// execTeller is a cli whose standard error is kept; at is its terminal, or nil.
func execTeller(to io.Writer, at *size) *cli {
	s := &screen{to: to}
	c := &cli{screen: s, world: world{err: s, out: io.Discard, now: time.Now, env: func(name string) string { return map[string]string{"TERM": "xterm"}[name] }}}
	if at != nil {
		c.world.size = func() (size, bool) { return *at, true }
	}
	return c
}

func TestExecProgressLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		hosts := strings.Fields("app01 app02 app03 app04")
		tell, end := execTeller(&said, nil).execProgress(hosts)
		tell(survey.ExecEvent{Host: "app01", Doing: survey.ExecConnecting})
		tell(survey.ExecEvent{Host: "app02", Doing: survey.ExecRunning})
		tell(survey.ExecEvent{Host: "app03", Doing: survey.ExecRunning})
		tell(survey.ExecEvent{Host: "app03", Ended: &survey.Ended{Exit: 3}})
		time.Sleep(7 * time.Second)
		tell(survey.ExecEvent{Host: "app01", Doing: survey.ExecRunning})
		tell(survey.ExecEvent{Host: "app02", Ended: &survey.Ended{}})
		tell(survey.ExecEvent{Host: "app04", Ended: &survey.Ended{Err: errors.New("gone")}})
		time.Sleep(40 * time.Second)
		end()
		want := "1/4 done after 5s, 1 failed, waiting for app01 (connecting), app02, app04 (not begun)\n" +
			"3/4 done after 10s, 2 failed, waiting for app01\n" +
			"3/4 done after 40s, 2 failed, waiting for app01\n"
		if said.String() != want {
			t.Errorf("it says\n%swant\n%s", said.String(), want)
		}
	})
}

func TestExecProgressDrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		hosts := strings.Fields("app01 app02 app03 app04 app05 app06 app07 app08 app09")
		tell, end := execTeller(&said, &size{60, 20}).execProgress(hosts)
		for _, h := range hosts {
			tell(survey.ExecEvent{Host: h, Doing: survey.ExecRunning})
		}
		tell(survey.ExecEvent{Host: "app02", Ended: &survey.Ended{}})
		time.Sleep(250 * time.Millisecond)
		for _, h := range hosts[3:] {
			tell(survey.ExecEvent{Host: h, Ended: &survey.Ended{}})
		}
		time.Sleep(200 * time.Millisecond)
		end()
		const again = "\r\x1b[1A\x1b[K\n\x1b[J\x1b[1A"
		if want := "1/9 done after 0s, waiting for app01, app03, app04, app05,…\n" + again + "7/9 done after 0s, waiting for app01, app03\n" + again; said.String() != want {
			t.Errorf("it draws %q, want %q", said.String(), want)
		}
	})
}

func TestExecProgressIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		for _, f := range []flags{{quiet: true}, {json: true}} {
			c := execTeller(&said, &size{80, 20})
			c.flags = f
			_, end := c.execProgress([]string{"app01"})
			time.Sleep(time.Minute)
			end()
		}
		// What ends at once is not told either.
		_, end := execTeller(&said, &size{80, 20}).execProgress([]string{"app01"})
		end()
		if said.Len() > 0 {
			t.Errorf("it says %q", said.String())
		}
	})
}
