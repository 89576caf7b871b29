package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"trikk.dev/engine/plan"
)

// firstKey is the value of --sign without one.
const firstKey = "first"

// saving says whether a plan is saved, and signed.
type saving struct {
	file string // -o FILE
	key  string // --sign=KEY; firstKey: the first that ssh would use; "": not signed
}

func (s *saving) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.file, "output", "o", "", "save the plan to this `FILE`")
	cmd.Flags().StringVar(&s.key, "sign", "", "sign the saved plan, in FILE.sig, with this `KEY` as trikk sign does")
	cmd.Flags().Lookup("sign").NoOptDefVal = firstKey
}

// check refuses what means nothing.
func (s saving) check() error {
	if s.key != "" && s.file == "" {
		return usage("--sign signs the saved plan: name its file with -o FILE")
	}
	return nil
}

// printPlan writes the plan for people, or as the plan document; -o saves the document too.
func (c *cli) printPlan(ctx context.Context, p plan.Plan, v planView, s saving) error {
	var doc bytes.Buffer
	if err := plan.Encode(&doc, p); err != nil {
		return err
	}
	if s.file != "" {
		by, err := c.save(ctx, doc.Bytes(), s)
		if err != nil {
			return err
		}
		c.saySaved(p, s.file, by)
	}
	if c.flags.json {
		_, err := c.out.Write(doc.Bytes())
		return err
	}
	switch v.format {
	case formatMarkdown:
		_, err := io.WriteString(c.out, markdown(p, v))
		return err
	case formatMermaid:
		_, err := io.WriteString(c.out, mermaid(p))
		return err
	}
	showPlan(c.out, p, v)
	return nil
}

// saySaved tells what a saved plan is good for. by is who signed it, or "".
func (c *cli) saySaved(p plan.Plan, file, by string) {
	if by != "" {
		by = ", signed by " + by
	}
	if p.Offline {
		c.say("saved to %s%s; it was made offline: it is for reading, not for applying", file, by)
		return
	}
	c.say("saved to %s%s; to apply exactly this plan: trikk apply --plan %s", file, by, file)
}

// save writes the plan document and, if asked, its signature, and gives whose it is. A key that can't sign leaves no file.
func (c *cli) save(ctx context.Context, doc []byte, s saving) (by string, err error) {
	path := c.absolute(s.file)
	var signature []byte
	if s.key != "" {
		key := s.key
		if key == firstKey {
			key = ""
		}
		made, err := c.signature(ctx, key, doc)
		if err != nil {
			return "", err
		}
		signature, by = made.Text(), made.Fingerprint()
	}
	if err := saveFile(path, doc); err != nil {
		return "", fmt.Errorf("saving the plan: %w", err)
	}
	if signature != nil {
		if err := saveFile(path+".sig", signature); err != nil {
			return "", fmt.Errorf("saving the signature: %w", err)
		}
	}
	return by, nil
}
