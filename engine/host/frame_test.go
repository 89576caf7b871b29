package host

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSplitterTakesAnyPieces: however a stream is cut into pieces, markers and output are the same.
func TestSplitterTakesAnyPieces(t *testing.T) {
	const nonce = "trikk-0123456789abcdef"
	rapid.Check(t, func(t *rapid.T) {
		var stream, wantOutput bytes.Buffer
		var wantMarkers []marker
		for i := range rapid.IntRange(0, 5).Draw(t, "steps") {
			text := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte(nonce)))).Draw(t, "text")
			for bytes.Contains(text, []byte(nonce)) {
				text = bytes.ReplaceAll(text, []byte(nonce), nil)
			}
			stream.Write(text)
			wantOutput.Write(text)
			m := marker{verb: "end", number: i, status: rapid.IntRange(0, 255).Draw(t, "status")}
			fmt.Fprintf(&stream, "%s end %d %d\n", nonce, m.number, m.status)
			wantMarkers = append(wantMarkers, m)
		}
		var output bytes.Buffer
		var markers []marker
		s := &splitter{nonce: []byte(nonce), output: func(p []byte) { output.Write(p) }, marker: func(m marker) { markers = append(markers, m) }}
		for rest := stream.Bytes(); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			if _, err := s.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		output.Write(s.rest)
		if !bytes.Equal(output.Bytes(), wantOutput.Bytes()) || !slices.Equal(markers, wantMarkers) {
			t.Fatalf("output %q, markers %v, want %q, %v", output.Bytes(), markers, wantOutput.Bytes(), wantMarkers)
		}
	})
}

func TestSplitterRefusesBrokenMarkers(t *testing.T) {
	for _, line := range []string{"N\n", "N end\n", "N end 1\n", "N end x 1\n", "N other\n", "N done 1\n", "N " + strings.Repeat("x", 300)} {
		s := &splitter{nonce: []byte("N"), output: func([]byte) {}, marker: func(marker) {}}
		if _, err := s.Write([]byte(line)); err == nil {
			t.Errorf("%.20q: no error", line)
		}
	}
}

// TestCappedKeepsBothEnds against the obvious way to do it.
func TestCappedKeepsBothEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &capped{headMax: rapid.IntRange(0, 8).Draw(t, "head"), tailMax: rapid.IntRange(0, 8).Draw(t, "tail")}
		var all []byte
		for _, p := range rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 20)).Draw(t, "pieces") {
			all = append(all, p...)
			_, _ = c.Write(p)
		}
		want := string(all)
		if left := len(all) - c.headMax - c.tailMax; left > 0 {
			want = fmt.Sprintf("%s\n[%d bytes left out]\n%s", all[:c.headMax], left, all[len(all)-c.tailMax:])
		}
		if got := string(c.bytes()); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestNewQuestion(t *testing.T) {
	q, err := NewQuestion("set server %s/%s state drain\n", "back", "app1")
	if err != nil || q.Text() != "set server back/app1 state drain\n" {
		t.Errorf("%q, %v", q.Text(), err)
	}
	for _, bad := range []string{"", "a b", "a\nb", "a;shutdown", `a\`, "a\x00", "a\u2028b"} {
		if _, err := NewQuestion("show %s\n", bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if _, err := NewQuestion("show %s\n"); err == nil {
		t.Error("too few arguments: no error")
	}
}

func TestErrorText(t *testing.T) {
	err := &Error{Host: "app1", Doing: "connecting", Err: errMarker, Hint: "try again"}
	if got := err.Error(); got != "app1: connecting: a broken marker (try again)" {
		t.Error(got)
	}
}
