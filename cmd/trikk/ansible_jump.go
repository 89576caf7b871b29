package main

import (
	"fmt"
	"slices"
	"strings"
)

// jumpOf finds the host to jump through in arguments of ssh: -J, -o ProxyJump and the usual -o ProxyCommand="ssh -W %h:%p HOST". rest
// names what else is there.
func jumpOf(arguments string) (jump string, rest []string, err error) {
	words, err := shellWords(arguments)
	if err != nil {
		return "", nil, err
	}
	for len(words) > 0 {
		flag, value, left := sshFlag(words)
		words = left
		name, option := sshOption(flag, value)
		through, known := sshJump(name, option)
		if !known {
			rest = append(rest, name)
			continue
		}
		if jump == "" {
			jump = through // the first one counts, as for ssh
		}
	}
	return jump, rest, nil
}

// sshFlag cuts the first flag off, with its value where it has one.
func sshFlag(words []string) (flag, value string, rest []string) {
	const withValue = "BbcDEeFIiJLlmOopQRSWw"
	w := words[0]
	if len(w) < 2 || w[0] != '-' || !strings.ContainsRune(withValue, rune(w[1])) {
		return w, "", words[1:]
	}
	if len(w) > 2 {
		return w[:2], w[2:], words[1:]
	}
	if len(words) == 1 {
		return w, "", nil
	}
	return w, words[1], words[2:]
}

// sshOption names what a flag says: the option of -o, or the flag itself.
func sshOption(flag, value string) (name, option string) {
	switch flag {
	case "-J":
		return "ProxyJump", value
	case "-o":
		value = strings.TrimSpace(value)
		at := strings.IndexAny(value, "= \t")
		if at < 0 {
			return value, ""
		}
		return value[:at], strings.TrimLeft(value[at:], "= \t")
	}
	return flag, ""
}

// sshJump gives the host that an option jumps through; false: it says something else, or more than one host.
func sshJump(name, value string) (string, bool) {
	switch {
	case strings.EqualFold(name, "ProxyJump") && strings.EqualFold(value, "none"):
		return "", true
	case strings.EqualFold(name, "ProxyJump") && value != "" && !strings.Contains(value, ","):
		return strings.TrimSuffix(strings.TrimPrefix(value, "ssh://"), "/"), true
	case strings.EqualFold(name, "ProxyCommand"):
		return commandJump(value)
	}
	return "", false
}

// commandJump understands ssh -W %h:%p [-q] [-p PORT] [-l USER] HOST, in any order.
func commandJump(command string) (string, bool) {
	words, err := shellWords(command)
	if err != nil || len(words) == 0 || words[0] != "ssh" {
		return "", false
	}
	words = words[1:]
	var host, port, user string
	through := false
	for len(words) > 0 {
		flag, value, left := sshFlag(words)
		words = left
		switch {
		case flag == "-W":
			through = value == "%h:%p" || value == "[%h]:%p"
		case flag == "-p":
			port = value
		case flag == "-l":
			user = value
		case slices.Contains([]string{"-q", "-T", "-x", "-a"}, flag):
		case host == "" && !strings.HasPrefix(flag, "-"):
			host = flag
		default:
			return "", false
		}
	}
	if user != "" && !strings.Contains(host, "@") {
		host = user + "@" + host
	}
	if port != "" {
		host = fmt.Sprintf("%s:%s", host, port)
	}
	return host, through && host != ""
}
