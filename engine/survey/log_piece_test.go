package survey

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestLogPieces: lines are whole wherever the pieces end, and very long ones are broken.
func TestLogPieces(t *testing.T) {
	long := strings.Repeat("x", maxLogLine)
	lost := errors.New("lost")
	tests := []struct {
		said  string
		err   error
		lines []string
		want  string // of the error
	}{
		{"log\na\n\nb\r\nc", nil, []string{"a", "", "b", "c"}, ""},
		{"log\n" + long + "y\n", nil, []string{long, "y"}, ""},
		{"log\na\n", lost, []string{"a"}, "lost"},
		{"problem the log is gone\n", nil, nil, "app01: the log is gone"},
		{"sh: syntax error\n", nil, nil, "app01: the log can't be read: the shell said nothing of it"},
		{"", lost, nil, "lost"},
	}
	for _, tt := range tests {
		for _, size := range []int{3, 4096, 1 << 20} {
			var lines []string
			a := logAnswer{host: "app01", give: func(line string) { lines = append(lines, line) }}
			for piece := range slices.Chunk([]byte(tt.said), size) {
				a.piece(slices.Clone(piece))
			}
			err := a.end(tt.err)
			if !slices.Equal(lines, tt.lines) || (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("%.30q in pieces of %d: %.60q, %v", tt.said, size, lines, err)
			}
		}
	}
}
