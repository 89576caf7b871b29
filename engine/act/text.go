package act

import (
	"strings"
	"unicode/utf8"
)

const (
	maxLine   = 400  // bytes of an error's line
	maxOutput = 4096 // bytes of a result's output: its tail
)

// lastLine is the last line of output that says something, in printable UTF-8. It is whole: secrets are hidden before a line is cut, since
// the beginning of one is not found any more.
func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return oneLine(lines[len(lines)-1])
}

// oneLine makes one printable line of s, whole as lastLine.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "�")), " ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '�'
		}
		return r
	}, s)
}

// shortLine makes one printable line of s, cut to a line's length.
func shortLine(s string) string {
	s = oneLine(s)
	if len(s) <= maxLine {
		return s
	}
	cut := maxLine
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// joined puts the lines of s, which are errors of their own, into one.
func joined(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// tail is the end of output, from a line's start where there is one.
func tail(output string) string {
	output = strings.ToValidUTF8(output, "�")
	if len(output) <= maxOutput {
		return output
	}
	cut := len(output) - maxOutput
	for cut < len(output) && !utf8.RuneStart(output[cut]) {
		cut++
	}
	output = output[cut:]
	if _, after, ok := strings.Cut(output, "\n"); ok && after != "" {
		return after
	}
	return output
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
