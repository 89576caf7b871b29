package plan

import "cmp"

// limited is a unit's lanes with the limits that they take, as indices.
type limited [][][]int

// resolveLimits gives the limits that lanes take as indices into limits; names that the plan does not have bind nobody.
func resolveLimits(waves []Wave, index map[string]int) limited {
	out := make(limited, len(waves))
	for w := range waves {
		out[w] = make([][]int, len(waves[w].Lanes))
		for i, l := range waves[w].Lanes {
			for _, name := range l.Takes {
				if k, ok := index[name]; ok {
					out[w][i] = append(out[w][i], k)
				}
			}
		}
	}
	return out
}

func (m *Machine) takes(at place) []int { return m.units[at.unit].takes[at.wave][at.lane] }

// used counts the places of each limit that lanes have.
func (m *Machine) used() []int {
	used := make([]int, len(m.limits))
	if len(m.limits) == 0 {
		return used
	}
	m.eachInHand(func(at place) {
		for _, k := range m.takes(at) {
			if m.lane(at).busy() || m.keeps(at, k) {
				used[k]++
			}
		}
	})
	return used
}

// eachInHand visits the lanes of the waves in hand: no other lane is busy or stuck.
func (m *Machine) eachInHand(visit func(place)) {
	for u := range m.units {
		s := &m.s.Units[u]
		if len(s.Waves) == 0 {
			continue
		}
		for i := range s.Waves[s.Wave] {
			visit(place{u, s.Wave, i})
		}
	}
}

// keeps: the lane is stuck, and keeps its place of the limit for good.
func (m *Machine) keeps(at place, limit int) bool {
	return m.limits[limit].Kept && m.lane(at).State == LaneStuck
}

// fits reports whether each limit that a lane takes has a place left.
func (m *Machine) fits(at place, used []int) bool {
	for _, k := range m.takes(at) {
		if used[k] >= m.limits[k].Most {
			return false
		}
	}
	return true
}

func (m *Machine) take(at place, used []int) {
	for _, k := range m.takes(at) {
		used[k]++
	}
}

// barred names the app or group whose stuck lanes keep all places of a limit that a lane takes; "" if none do.
func (m *Machine) barred(at place) string {
	for _, k := range m.takes(at) {
		if !m.limits[k].Kept {
			continue
		}
		kept, by := 0, ""
		m.eachInHand(func(other place) {
			for _, o := range m.takes(other) {
				if o == k && m.keeps(other, k) {
					kept, by = kept+1, cmp.Or(m.units[other.unit].app, m.units[other.unit].group)
				}
			}
		})
		if kept >= m.limits[k].Most {
			return by
		}
	}
	return ""
}

// barredLane finds a lane of the wave in hand that can't start any more, and the app that is to blame.
func (m *Machine) barredLane(u int) (host, by string) {
	s := &m.s.Units[u]
	for i := range s.Waves[s.Wave] {
		at := place{u, s.Wave, i}
		if m.lane(at).State != "" {
			continue
		}
		if by := m.barred(at); by != "" {
			return m.planned(at).Host, by
		}
	}
	return "", ""
}
