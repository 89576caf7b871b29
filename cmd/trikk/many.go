package main

import (
	"errors"
	"strings"
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

// inLine is what a server says as part of one line, for a terminal.
func inLine(text string) string {
	return shown(strings.NewReplacer("\n", " ", "\t", " ").Replace(text))
}

// shortened is a text cut to a number of characters.
func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
