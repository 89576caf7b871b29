package config

import (
	"fmt"
	"regexp"
	"strings"
)

// withoutEcho drops what a syntax error makes the parser say at the end of the same file.
func withoutEcho(syntax []Diagnostic) []Diagnostic {
	for n := len(syntax); n > 1 && strings.HasSuffix(syntax[n-1].Message, "found 'EOF'"); n = len(syntax) {
		syntax = syntax[:n-1]
	}
	return syntax
}

// assigned words name = value, which the parser takes for the start of something else, so that it is surprised by the next line.
func assigned(syntax []Diagnostic, data []byte) []Diagnostic {
	form := regexp.MustCompile(`^\s*("[^"]+"|[\w#$-]+)\s*(=)[^=~]`)
	lines := strings.Split(string(data), "\n")
	for i, d := range syntax {
		if !strings.HasPrefix(d.Message, "expected label or ':'") {
			continue
		}
		for n := d.Pos.Line - 1; n >= 0 && n < len(lines); n-- {
			at := form.FindStringSubmatchIndex(lines[n])
			if at != nil {
				name := lines[n][at[2]:at[3]]
				d.Pos.Line, d.Pos.Column = n+1, at[4]+1
				d.Message, d.Hint = "found '=', which sets no field", fmt.Sprintf("write %s: …", name)
				syntax[i] = d
			}
			if n < d.Pos.Line-1 && strings.TrimSpace(lines[n]) != "" || at != nil {
				break
			}
		}
	}
	return syntax
}
