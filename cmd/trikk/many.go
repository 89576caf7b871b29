package main

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// someFailed is the error of hosts of which each has one, or nil, as errs says. Some of them are exit code 6; all of them are what the
// errors say.
func someFailed(errs []error) error {
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
		}
	}
	err := errors.Join(errs...)
	if failed > 0 && failed < len(errs) {
		return &exitError{exitPartly, err}
	}
	return err
}

// shown is one line of what a server says, for a terminal: what is no text is shown as �, and drives no terminal.
func shown(line string) string {
	if plainText(line) {
		return line
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n':
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return '�'
		}
		return r
	}, line)
}

func plainText(line string) bool {
	for i := 0; i < len(line); i++ {
		if line[i] < ' ' || line[i] > '~' {
			return false
		}
	}
	return true
}

// shortened is a text cut to a number of characters.
func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
