package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

// consent is how a person agrees beforehand.
type consent struct {
	confirm string // --confirm ENV
	freeze  string // --override-freeze REASON
	promote string // --override-promotion REASON
	given   func(flag string) bool
}

func (con *consent) flags(c *cli, cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.flags.yes, "yes", "y", false, "do not ask; a protected environment asks all the same")
	cmd.Flags().StringVar(&con.confirm, "confirm", "", "go on in the protected `ENV` without being asked")
}

// question is what a person is asked to agree to.
type question struct {
	env       string
	protected bool
	ask       string // "Apply this to"
	to        string // "apply"
}

// ask gets a person's yes to a plan.
func (c *cli) ask(p plan.Plan, con consent) error {
	return c.agree(question{env: p.Env, protected: p.Protected, ask: "Apply this to", to: "apply"}, con)
}

// agree gets a person's yes. A protected environment wants its name typed, or --confirm ENV.
func (c *cli) agree(q question, con consent) error {
	if q.protected {
		return c.agreeProtected(q, con)
	}
	if c.flags.yes {
		return nil
	}
	if !c.asks() {
		return refused("nobody can be asked here: add --yes to %s", q.to)
	}
	answer, err := c.question(fmt.Sprintf("%s %s? [y/N] ", q.ask, q.env))
	if err != nil {
		return err
	}
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		return refused("declined; nothing was changed")
	}
	return nil
}

func (c *cli) agreeProtected(q question, con consent) error {
	if con.confirm == q.env {
		return nil
	}
	if con.confirm != "" {
		return refused("--confirm says %q, but the environment is %q; nothing was changed", con.confirm, q.env)
	}
	if !c.asks() {
		return refused("%s is protected and nobody can be asked here: add --confirm %s", q.env, q.env)
	}
	answer, err := c.question(fmt.Sprintf("%s is protected. Type its name to %s: ", q.env, q.to))
	if err != nil {
		return err
	}
	if answer != q.env {
		return refused("declined: %q is not %q; nothing was changed", answer, q.env)
	}
	return nil
}

// asks reports whether there is a person to ask.
func (c *cli) asks() bool { return c.terminal && !c.flags.noInput }

// question reads one line from a person. A signal ends it.
func (c *cli) question(text string) (string, error) {
	defer c.capture()()
	if c.caught != nil {
		return "", interrupted(c.caught)
	}
	fmt.Fprint(c.world.err, text)
	typed := make(chan string, 1)
	failed := make(chan error, 1)
	go func() {
		line, err := bufio.NewReader(c.in).ReadString('\n')
		if err != nil && err != io.EOF {
			failed <- fmt.Errorf("reading the answer: %w", err)
			return
		}
		typed <- strings.TrimSpace(line)
	}()
	select {
	case line := <-typed:
		return line, nil
	case err := <-failed:
		return "", err
	case c.caught = <-c.signals:
		fmt.Fprintln(c.world.err)
		return "", interrupted(c.caught)
	}
}
