package main

import (
	"errors"
	"regexp"
	"strings"
)

var (
	iniSection = regexp.MustCompile(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:[#;].*)?$`)
	oddSection = regexp.MustCompile(`^\[[^\]]*(?:\s[^\]]*|:(?:children|vars|hosts))\]$`) // other than a range or an IPv6 address
)

// iniReader reads an inventory in ini, a line at a time.
type iniReader struct {
	inv      *ansibleInventory
	group    string
	kind     string // of the section: "" for hosts, children or vars
	declared map[string]bool
	used     []ansibleUse
}

// ansibleUse is where a group is named that must be declared somewhere.
type ansibleUse struct {
	name string
	at   ansiblePlace
	in   string // the group that it is to be a child of; "" where its variables are
}

// readINI reads an inventory in ini. It tells all mistakes.
func (inv *ansibleInventory) readINI(text []byte, name string) error {
	r := &iniReader{inv: inv, group: ansibleUngrouped, declared: map[string]bool{ansibleAll: true, ansibleUngrouped: true}}
	var wrong []error
	for i, line := range strings.Split(string(text), "\n") {
		if err := r.line(strings.TrimSpace(line), ansiblePlace{name, i + 1}); err != nil {
			wrong = append(wrong, err)
		}
	}
	for _, u := range r.used {
		if !r.declared[u.name] {
			wrong = append(wrong, r.undeclared(u))
		}
	}
	return errors.Join(wrong...)
}

func (r *iniReader) undeclared(u ansibleUse) error {
	if u.in != "" && r.inv.byName[u.name] != nil {
		return u.at.errorf("%s is a host, and [%s:children] lists groups: hosts are listed in [%[2]s]", u.name, u.in)
	}
	return u.at.errorf("group %s has no section [%[1]s] or [%[1]s:children]", u.name)
}

func (r *iniReader) line(line string, at ansiblePlace) error {
	if line == "" || line[0] == '#' || line[0] == ';' {
		return nil
	}
	if m := iniSection.FindStringSubmatch(line); m != nil {
		return r.section(m[1], m[2], at)
	}
	if oddSection.MatchString(line) {
		return at.errorf("a section is [NAME], [NAME:children] or [NAME:vars], and a name has no blanks, colons and brackets")
	}
	switch r.kind {
	case "vars":
		name, value, found := strings.Cut(line, "=")
		if !found {
			return at.errorf("a variable is written NAME=value")
		}
		v := iniVar(strings.TrimSpace(name), strings.TrimSpace(value), at)
		r.inv.group(r.group, at).vars[v.name] = v
		return nil
	case "children":
		words, err := shellWords(line)
		if err != nil || len(words) != 1 || strings.ContainsAny(words[0], ": \t]") {
			return at.errorf("a line of [%s:children] is the name of one group, without blanks, colons and brackets", r.group)
		}
		r.used = append(r.used, ansibleUse{words[0], at, r.group})
		r.inv.group(words[0], at)
		g := r.inv.group(r.group, at)
		g.children = append(g.children, words[0])
		return nil
	}
	return r.host(line, at)
}

func (r *iniReader) section(name, kind string, at ansiblePlace) error {
	r.group, r.kind = name, kind
	switch kind {
	case "", "children":
		r.declared[name] = true
	case "vars":
		r.used = append(r.used, ansibleUse{name, at, ""})
	default:
		return at.errorf("section [%s:%s] is none: it is [NAME], [NAME:children] or [NAME:vars]", name, kind)
	}
	r.inv.group(name, at)
	return nil
}

func (r *iniReader) host(line string, at ansiblePlace) error {
	words, err := shellWords(line)
	if err != nil {
		return at.errorf("%v", err)
	}
	if len(words) == 0 {
		return nil
	}
	var vars []ansibleVar
	for _, w := range words[1:] {
		name, value, found := strings.Cut(w, "=")
		if !found {
			return at.errorf("behind the host a variable is written NAME=value")
		}
		vars = append(vars, iniVar(name, value, at))
	}
	return r.inv.addHosts(r.group, words[0], vars, at)
}

// iniVar is a variable whose value Ansible reads as a literal of Python, or else as it is.
func iniVar(name, value string, at ansiblePlace) ansibleVar {
	v := ansibleVar{name: name, value: literal(value), place: at}
	if strings.HasPrefix(v.value, vaultHeader) {
		v.value, v.sealed = "", true
	}
	return v
}

var (
	quotedValue = regexp.MustCompile(`^(?:'([^'\\]*)'|"([^"\\]*)")\s*(?:#.*)?$`)
	numberValue = regexp.MustCompile(`^(-?\d+)\s*#.*$`)
)

// literal takes the quotes and the comment off that Python would take off.
func literal(value string) string {
	if m := quotedValue.FindStringSubmatch(value); m != nil {
		return m[1] + m[2]
	}
	if m := numberValue.FindStringSubmatch(value); m != nil {
		return m[1]
	}
	return value
}

// shellWords cuts a line into words as Ansible does: blanks part them, quotes and backslashes keep them together, # begins a comment.
func shellWords(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	var quote rune
	within, escaped := false, false
	for _, c := range line {
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteRune('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, within = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, within = c, true
		case c == ' ' || c == '\t' || c == '\r':
			if within {
				out = append(out, word.String())
			}
			word.Reset()
			within = false
		case c == '#':
			// Python's shlex ends a word at a comment too.
			if within {
				out = append(out, word.String())
			}
			return out, nil
		default:
			word.WriteRune(c)
			within = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed")
	}
	if within {
		out = append(out, word.String())
	}
	return out, nil
}
