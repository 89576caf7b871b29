package plan

import "strings"

// settle is one wave, after all hosts are as they should be: where an earlier run was cut off, its mark is removed. The plan was
// made from what is there, so that nothing of that run is left half done then.
func (c *compiler) settle() []Wave {
	w := Wave{Name: WaveSettle}
	where := map[string][]string{}
	who := map[string]string{}
	for _, h := range c.app.Hosts() {
		cut := c.at(h).Cut
		if cut == nil {
			continue
		}
		where[cut.Run] = append(where[cut.Run], h)
		who[cut.Run] = cut.Who
		op := Record{What: "settled", Root: c.app.Layout.Root, Run: cut.Run}
		w.Lanes = append(w.Lanes, Lane{Host: h, From: c.at(h).Current, Steps: []Step{c.step(h, op)}})
	}
	if len(w.Lanes) == 0 {
		return nil
	}
	for _, run := range sortedKeys(where) {
		if run == UnnamedRun {
			c.note("%s: a run that did not say its name was cut off on %s; this plan goes on from what is there", c.app.Name, strings.Join(where[run], ", "))
			continue
		}
		c.note("%s: run %s of %s was cut off on %s; this plan goes on from what is there (where it was started, trikk resume %s goes on with it)",
			c.app.Name, run, who[run], strings.Join(where[run], ", "), run)
	}
	return []Wave{w}
}
