package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	numberRange = regexp.MustCompile(`\[(\d*):(\d+)(?::(\d+))?\]`)
	letterRange = regexp.MustCompile(`\[([A-Za-z]):([A-Za-z])(?::(\d+))?\]`)
	bracketed   = regexp.MustCompile(`\[[^\]]*\]`)
)

// mostOfPattern bounds what the ranges of one pattern may name.
const mostOfPattern = 10000

// expandPattern gives the hosts that a pattern of an inventory names, such as web[01:03].example.com or db-[a:c], and the port
// behind it, or "".
func expandPattern(pattern string) ([]string, string, error) {
	name, port := cutPort(pattern)
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") && !numberRange.MatchString(name) && !letterRange.MatchString(name) {
		return []string{name[1 : len(name)-1]}, port, nil // an IPv6 address
	}
	names, err := expandRanges([]string{name})
	if err != nil {
		return nil, "", fmt.Errorf("hosts %s: %w", pattern, err)
	}
	if strings.ContainsAny(names[0], "[]") {
		return nil, "", fmt.Errorf("hosts %s: a range is written [01:20], [a:f] or [1:9:2]", pattern)
	}
	return names, port, nil
}

// cutPort cuts :PORT off. An IPv6 address without brackets has no port.
func cutPort(pattern string) (string, string) {
	bare := bracketed.ReplaceAllStringFunc(pattern, func(s string) string { return strings.Repeat("x", len(s)) })
	at := strings.IndexByte(bare, ':')
	if at < 0 || strings.Count(bare, ":") > 1 {
		return pattern, ""
	}
	return pattern[:at], pattern[at+1:]
}

// expandRanges expands the first range of each name until none is left.
func expandRanges(names []string) ([]string, error) {
	for {
		m := firstRange(names[0])
		if m == nil {
			return names, nil
		}
		values, err := rangeValues(names[0][m[2]:m[3]], names[0][m[4]:m[5]], stepOf(names[0], m))
		if err != nil {
			return nil, err
		}
		if len(values)*len(names) > mostOfPattern {
			return nil, fmt.Errorf("it names more than %d hosts", mostOfPattern)
		}
		var next []string
		for _, n := range names {
			at := firstRange(n)
			for _, v := range values {
				next = append(next, n[:at[0]]+v+n[at[1]:])
			}
		}
		names = next
	}
}

func firstRange(name string) []int {
	n, l := numberRange.FindStringSubmatchIndex(name), letterRange.FindStringSubmatchIndex(name)
	if n == nil || l != nil && l[0] < n[0] {
		return l
	}
	return n
}

func stepOf(name string, m []int) string {
	if m[6] < 0 {
		return "1"
	}
	return name[m[6]:m[7]]
}

// rangeValues are the values from first to last, both included. A number with leading zeros keeps its width.
func rangeValues(first, last, by string) ([]string, error) {
	step, err := strconv.Atoi(by)
	if err != nil || step < 1 {
		return nil, fmt.Errorf("the step %s of a range is not a number of at least 1", by)
	}
	if last[0] > '9' {
		return letters(first[0], last[0], step)
	}
	if first == "" {
		first = "0"
	}
	width := 0
	if len(first) > 1 && first[0] == '0' {
		width = len(first)
		if len(last) != width {
			return nil, fmt.Errorf("the range %s:%s has ends of different widths", first, last)
		}
	}
	from, err := strconv.Atoi(first)
	if err != nil {
		return nil, err
	}
	to, err := strconv.Atoi(last)
	if err != nil {
		return nil, err
	}
	if from > to {
		return nil, fmt.Errorf("the range %s:%s ends before it begins", first, last)
	}
	if (to-from)/step >= mostOfPattern {
		return nil, fmt.Errorf("it names more than %d hosts", mostOfPattern)
	}
	var out []string
	for n := from; n <= to; n += step {
		out = append(out, fmt.Sprintf("%0*d", width, n))
	}
	return out, nil
}

func letters(first, last byte, step int) ([]string, error) {
	if first > last {
		return nil, fmt.Errorf("the range %c:%c ends before it begins", first, last)
	}
	var out []string
	for n := int(first); n <= int(last); n += step {
		if letter := byte(n); letter <= 'Z' || letter >= 'a' {
			out = append(out, string(letter))
		}
	}
	return out, nil
}
