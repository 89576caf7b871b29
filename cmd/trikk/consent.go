package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

// consent is how a person agrees to a plan.
type consent struct {
	confirm string // --confirm ENV
}

func (con *consent) flags(c *cli, cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.flags.yes, "yes", "y", false, "do not ask; a protected environment asks all the same")
	cmd.Flags().StringVar(&con.confirm, "confirm", "", "apply to the protected `ENV` without being asked")
}

// ask gets a person's yes. A protected environment wants its name typed, or --confirm ENV.
func (c *cli) ask(p plan.Plan, con consent) error {
	if p.Protected {
		return c.askProtected(p, con)
	}
	if c.flags.yes {
		return nil
	}
	if !c.asks() {
		return refused("nobody can be asked here: add --yes to apply")
	}
	answer, err := c.question(fmt.Sprintf("Apply this to %s? [y/N] ", p.Env))
	if err != nil {
		return err
	}
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		return refused("declined; nothing was changed")
	}
	return nil
}

func (c *cli) askProtected(p plan.Plan, con consent) error {
	if con.confirm == p.Env {
		return nil
	}
	if con.confirm != "" {
		return refused("--confirm says %q, but the environment is %q; nothing was changed", con.confirm, p.Env)
	}
	if !c.asks() {
		return refused("%s is protected and nobody can be asked here: add --confirm %s", p.Env, p.Env)
	}
	answer, err := c.question(fmt.Sprintf("%s is protected. Type its name to apply: ", p.Env))
	if err != nil {
		return err
	}
	if answer != p.Env {
		return refused("declined: %q is not %q; nothing was changed", answer, p.Env)
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
