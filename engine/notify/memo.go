package notify

// memo is what a notifier did for an item already. All of it is on disk before it is relied on.
type memo struct {
	item *Item
	save func(Item) error
}

// once does something that must not be done twice, and gives what it made. begun says that it was tried before, and that nobody knows how
// that ended.
func (m *memo) once(key string, do func(begun bool) (string, error)) error {
	was, begun := m.item.Done[key]
	if was != "" {
		return nil
	}
	if !begun {
		if err := m.put(&m.item.Done, key, ""); err != nil {
			return err
		}
	}
	made, err := do(begun)
	if err != nil {
		return err
	}
	if made == "" {
		made = "done"
	}
	return m.put(&m.item.Done, key, made)
}

// keep remembers something for as long as the run can be told of: where its message is.
func (m *memo) keep(key, value string) error { return m.put(&m.item.Kept, key, value) }

func (m *memo) kept(key string) string { return m.item.Kept[key] }

func (m *memo) put(into *map[string]string, key, value string) error {
	if *into == nil {
		*into = map[string]string{}
	}
	(*into)[key] = value
	return m.save(*m.item)
}
