package sign

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"trikk.dev/engine/plan"
)

// Roster is who may approve plans of one environment, with their keys read.
type Roster struct {
	rules plan.Approval
	owner map[string]string // name by marshalled key
}

// Mistake is one thing that is wrong with an environment's rules. Path is dotted, relative to approval.
type Mistake struct{ Path, Message, Hint string }

// NewRoster reads an environment's rules. With mistakes, all of which are told, it is of no use.
func NewRoster(rules plan.Approval) (Roster, []Mistake) {
	r := Roster{rules: rules, owner: map[string]string{}}
	var wrong []Mistake
	for _, list := range []struct {
		field string
		keys  map[string][]string
	}{{"signers", rules.Signers}, {"authors", rules.Authors}} {
		for _, name := range slices.Sorted(maps.Keys(list.keys)) {
			for i, line := range list.keys[name] {
				if what, hint := r.add(name, line); what != "" {
					wrong = append(wrong, Mistake{fmt.Sprintf("%s.%s.%d", list.field, name, i), what, hint})
				}
			}
		}
	}
	if len(wrong) == 0 && !r.possible() {
		wrong = append(wrong, Mistake{"count", "nobody could ever apply here: it wants " + r.Wants(),
			"list more signers, or the authors of plans under authors"})
	}
	return r, wrong
}

// add notes whose a key is. It says what is wrong with it, and what to do.
func (r Roster) add(name, line string) (what, hint string) {
	key, err := ParseKey(line)
	if err != nil {
		return err.Error(), ""
	}
	id := string(key.Marshal())
	if other, known := r.owner[id]; known && other != name {
		return fmt.Sprintf("is the key of %s too: one person would count as two", other), "each person has keys of their own"
	}
	r.owner[id] = name
	return "", ""
}

// possible tells whether any set of people can satisfy the rules.
func (r Roster) possible() bool {
	everybody := map[string]bool{}
	for _, name := range r.owner {
		everybody[name] = true
	}
	return r.satisfied(everybody)
}

// satisfied tells whether these people are enough. With notAuthor one of them counts as the author: somebody who may be one,
// and the count is of the others. Who really typed the plan nobody can prove; that so many different people stand behind it
// can be.
func (r Roster) satisfied(people map[string]bool) bool {
	signers := 0
	outside := false // somebody who signed and is no signer: the author
	for name := range people {
		if _, ok := r.rules.Signers[name]; ok {
			signers++
		} else {
			outside = true
		}
	}
	if r.rules.NotAuthor && !outside {
		signers--
	}
	return signers >= r.count()
}

func (r Roster) count() int { return max(1, r.rules.Count) }

// wants says what the rules ask for.
func (r Roster) wants() string {
	s := fmt.Sprintf("%d approval", r.count())
	if r.count() > 1 {
		s += "s"
	}
	if r.rules.NotAuthor {
		s += " by others than the author, who signs too"
	}
	return s
}

// Wants is what the environment asks for, with the names of those who can give it: "1 approval of anna, bob".
func (r Roster) Wants() string {
	return r.wants() + " (" + strings.Join(slices.Sorted(maps.Keys(r.rules.Signers)), ", ") + ")"
}

// Name is whose a key is; "" if it is in no list.
func (r Roster) Name(s Signature) string { return r.owner[string(s.Key.Marshal())] }

// Approved checks that the signatures are what the environment asks for. A signature by a key that is in no list refuses them
// all. It gives the names of those who signed, sorted.
func (r Roster) Approved(all []Signature) ([]string, error) {
	people := map[string]bool{}
	for _, s := range all {
		name := r.Name(s)
		if name == "" {
			return nil, fmt.Errorf("the key %s is in no list of the environment: neither signers nor authors have it", s.Fingerprint())
		}
		people[name] = true
	}
	names := slices.Sorted(maps.Keys(people))
	if !r.satisfied(people) {
		return nil, fmt.Errorf("it wants %s; signed by %s", r.Wants(), cmp.Or(strings.Join(names, ", "), "nobody"))
	}
	return names, nil
}
