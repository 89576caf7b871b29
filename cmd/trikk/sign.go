package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/sign"
)

// signWait is how long an agent may take to sign: it may ask a person, or for a touch.
const signWait = 2 * time.Minute

func (c *cli) signCommand() *cobra.Command {
	var key string
	var v planView
	cmd := &cobra.Command{
		Use:   "sign PLAN",
		Short: "Approve a saved plan with your SSH key",
		Long: "Shows the saved plan and adds your signature to PLAN.sig, beside those that are there. It is the same that\n" +
			"ssh-keygen -Y sign -n " + sign.Namespace + " makes. Where the environment says so, trikk apply --plan wants it." +
			exitHelp(exitDone, exitFailed, exitAuth, exitRefused, exitUsage),
		Example: "  trikk sign jmsadmin.plan\n  trikk sign jmsadmin.plan --key ~/.ssh/id_ed25519.pub",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, files []string) error {
			s, err := c.openPlan(files[0])
			if err != nil {
				return err
			}
			if s.plan.Offline {
				return refused("%s was made offline: it is for reading, not for applying", files[0])
			}
			if !c.flags.json && !c.flags.quiet {
				v.full, v.whole = true, true // what is signed is seen: no host's steps stand for another's
				showPlan(c.out, s.plan, v)
			}
			return c.addSignature(cmd.Context(), s, key)
		},
	}
	cmd.Flags().BoolVar(&v.scripts, "script", false, "show the exact shell of each step")
	cmd.Flags().StringVar(&key, "key", "", "sign with this private `KEY`, or with this public one through ssh-agent (default: the first that ssh would use)")
	return cmd
}

// savedPlan is a plan file and its signature file, each read once: what is checked is what is run.
type savedPlan struct {
	name  string // as the user wrote it
	path  string // absolute
	text  []byte
	plan  plan.Plan
	signs []sign.Signature
}

// noPlan is the error for a plan file that is not there.
type noPlan struct{ name string }

func (e *noPlan) Error() string {
	return fmt.Sprintf("reading the plan: %s: no such file (trikk plan -o FILE saves one)", e.name)
}

func (e *noPlan) Unwrap() error { return fs.ErrNotExist }

// openPlan reads a saved plan and checks the signatures that are there.
func (c *cli) openPlan(name string) (savedPlan, error) {
	s := savedPlan{name: name, path: c.absolute(name)}
	var err error
	s.text, err = os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, &noPlan{name}
	}
	if err != nil {
		return s, fmt.Errorf("reading the plan: %w", err)
	}
	signatures, err := os.ReadFile(s.path + ".sig")
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return s, fmt.Errorf("reading the signatures: %w", err)
	default:
		if s.signs, err = sign.Parse(signatures, s.text); err != nil {
			return s, refused("%s.sig: %w (if it belongs to an earlier plan, remove it and sign anew: trikk sign %s)", name, err, name)
		}
	}
	if s.plan, err = plan.Decode(bytes.NewReader(s.text)); err != nil {
		return s, refused("%s: %w", s.path, err)
	}
	if wrong := plan.Misleading(s.plan); wrong != "" {
		return s, refused("%s: %s: it was not made by trikk, and is not to be trusted", s.path, wrong)
	}
	return s, nil
}

// addSignature signs a saved plan and writes all of its signatures anew.
func (c *cli) addSignature(ctx context.Context, s savedPlan, key string) error {
	made, err := c.signature(ctx, key, s.text)
	if err != nil {
		return err
	}
	for _, other := range s.signs {
		if other.Fingerprint() == made.Fingerprint() {
			return c.signed(s.name, made, "is signed by %s already: %s.sig")
		}
	}
	var all []byte
	for _, one := range append(s.signs, made) {
		all = append(all, one.Text()...)
	}
	if err := saveFile(s.path+".sig", all); err != nil {
		return fmt.Errorf("saving the signature: %w", err)
	}
	return c.signed(s.name, made, "is signed by %s: %s.sig")
}

// signed says that a plan is.
func (c *cli) signed(name string, s sign.Signature, format string) error {
	if c.flags.json {
		return c.event("signed", map[string]any{"plan": name, "signature": name + ".sig", "key": s.Fingerprint()})
	}
	fmt.Fprintf(c.out, name+" "+format+"\n", s.Fingerprint(), name)
	return nil
}

// signature signs a document with a key; "" is the first that ssh would use.
func (c *cli) signature(ctx context.Context, key string, document []byte) (sign.Signature, error) {
	ctx, cancel := context.WithTimeout(ctx, signWait)
	defer cancel()
	if key != "" {
		key = c.absolute(key)
	}
	id, err := host.FindIdentity(ctx, key, host.Options{ConfigFile: c.flags.sshConfig})
	if err != nil {
		return sign.Signature{}, &exitError{exitAuth, fmt.Errorf("signing: %w", err)}
	}
	defer id.Close()
	s, err := sign.New(rand.Reader, id, document)
	if err != nil {
		return sign.Signature{}, &exitError{exitAuth, err}
	}
	return s, nil
}
