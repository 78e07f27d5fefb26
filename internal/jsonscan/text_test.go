package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"testing"
)

// TestStops: the first byte that stops is found for every byte in every place,
// whatever stands behind it.
func TestStops(t *testing.T) {
	for b := range 256 {
		want := b < 0x20 || b >= 0x80 || b == '"' || b == '\\'
		for place := range 8 {
			for _, behind := range []byte{'a', 0x20, 0x7f, '!', '#', '[', ']', 0, 0x1f, 0x80, 0xa2, 0xdc, 0xff, '"', '\\'} {
				var word [8]byte
				for i := range word {
					word[i] = " ~!#[]az"[i]
					if i > place {
						word[i] = behind
					}
				}
				word[place] = byte(b)
				stop := stops(binary.LittleEndian.Uint64(word[:]))
				if want && bits.TrailingZeros64(stop)/8 != place {
					t.Fatalf("%q stops at %d, want %d", word, bits.TrailingZeros64(stop)/8, place)
				}
				if !want && stop != 0 && bits.TrailingZeros64(stop)/8 <= place {
					t.Fatalf("%q stops at %d, which is plain", word, bits.TrailingZeros64(stop)/8)
				}
			}
		}
	}
}

// TestFewMembers: a small bound on members holds, for compact text too.
func TestFewMembers(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{`{"a":1,"b":2}          `, true}, {`{"a":1,"b":2,"c":3}          `, false},
		{`{"a":1,"b":{"c":1,"d":2}}          `, true}, {`{"a":{"c":1,"d":2,"e":3}}          `, false},
		{`{ "a" :1, "b":2, "c":3}`, false},
	} {
		var s Scanner
		s.Reset([]byte(c.text), 8, 2, false)
		if s.Skip(); s.Failed() == c.ok {
			t.Errorf("%s: %v", c.text, s.Err())
		}
	}
}

// TestCompactAsSpaced: text without white space, which is read by shorter
// ways, means what it means with some.
func TestCompactAsSpaced(t *testing.T) {
	keys := []string{"", "a", "ab", "abcdefg", "abcdefgh", "abcdefghi", strings.Repeat("k", 15), strings.Repeat("k", 16), strings.Repeat("k", 17), strings.Repeat("k", 40), "é", `\u0061\u0062`, "a\\\"b"}
	for _, first := range keys {
		for _, second := range keys {
			for _, tail := range []string{"", "  ", strings.Repeat(" ", 20)} {
				compact := `{"` + first + `":1,"` + second + `":"x"}` + tail
				spaced := `{ "` + first + `" : 1 , "` + second + `" : "x" }` + tail
				var a, b Scanner
				a.Reset([]byte(compact), 8, 0, false)
				b.Reset([]byte(spaced), 8, 0, false)
				a.Skip()
				b.Skip()
				if a.Failed() != b.Failed() || a.Failed() && a.errMessage != b.errMessage {
					t.Errorf("%s: %v, %s: %v", compact, a.Err(), spaced, b.Err())
				}
				same := string(Unescape(nil, []byte(first))) == string(Unescape(nil, []byte(second)))
				if a.Failed() != same {
					t.Errorf("%s: %v", compact, a.Err())
				}
			}
		}
	}
}
