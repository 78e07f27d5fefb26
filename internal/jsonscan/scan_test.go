package jsonscan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// whole scans data from end to end.
func whole(s *Scanner, data []byte, depth int, reportDuplicates bool) error {
	s.Reset(data, depth, 0, reportDuplicates)
	if s.Skip() {
		s.End()
	}
	return s.Err()
}

// oracle is jsontext's verdict on one value with nothing after it: strict, so
// with unique names and valid UTF-8. deep tells how deep it nests.
func oracle(data []byte) (ok bool, deep int) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.ReadToken(); err != nil {
			return false, deep
		}
		deep = max(deep, d.StackDepth())
		if d.StackDepth() == 0 {
			break
		}
	}
	_, err := d.ReadToken()
	return errors.Is(err, io.EOF), deep
}

var texts = []string{
	`{}`, `[]`, `""`, `0`, `-0`, `true`, `false`, `null`, ` [1 , 2] `, "\t\r\n{}", `{"a":{"b":[{},[],""]}}`,
	// numbers
	`-`, `+1`, `01`, `-01`, `00`, `1.`, `.5`, `1.5`, `1.5.5`, `1e`, `1e+`, `1e+5`, `1E-05`, `1e5.5`, `0x10`, `1_0`, `1e400`, `-1.e3`, `1-2`, `NaN`,
	`-Infinity`, `[1.0e+00]`, `[-]`, `1 2`, `0e0`, `9999999999999999999999999`,
	// literals
	`tru`, `truee`, `True`, `nul`, `nulll`, `f`, `[true false]`, `[truefalse]`,
	// commas, colons, ends
	`[1,]`, `[,1]`, `[,]`, `[1,,2]`, `{,}`, `{"a":1,}`, `{"a":1,,"b":2}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{1:2}`, `{"a":1]`,
	`[1}`, `[`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `[1`, `[1,`, `]`, `}`, `,`, `:`, ``, ` `, `{} {}`, `[]]`, `{}x`, `"a" "b"`, "{}\x00", "\xef\xbb\xbf{}",
	// strings
	`"`, `"a`, `"\`, `"\"`, `"\""`, `"\\"`, `"\/\b\f\n\r\t"`, `"\a"`, `"\x41"`, `"\u"`, `"\u12"`, `"\u123"`, `"\u123g"`, `"\u00e9"`, `"\U0041"`, `"\u0000"`,
	"\"\x00\"", "\"\x1f\"", "\"\n\"", "\"\x7f\"", `'a'`, `"a'b"`, "\"aaaaaaa\x01\"", "\"aaaaaaaa\"", "\"aaaaaaaaaaaaaaa\x80\"",
	// surrogates
	`"\ud83d\ude00"`, `"\uD83D\uDE00"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ud83d\u"`, `"\ude00\ud83d"`,
	`"\ud800\udc00"`, `"\udbff\udfff"`, `"\udc00\udc00"`, `"\ud7ff\ue000"`, `"\ud83d\ude0"`, `"\ud83d\\ude00"`,
	// UTF-8
	"\"\xff\"", "\"\xc3\"", "\"\xc3\xa9\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf0\x9f\x98\x80\"", "\"\xef\xbf\xbd\"", "\"\xe2\x82\"", "\xff",
	"{\"\xff\":1}", "\"\xf8\x88\x80\x80\x80\"", "\"aaaaaaa\xc3\xa9bbbbbbbbb\"",
	// duplicates
	`{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"a":2}`, `{"\u0061":1,"\u0061":2}`, `{"":1,"":2}`, `{"a":{"a":1},"b":{"a":1}}`,
	`{"x":{"a":1},"a":{"a":1}}`, `[{"a":1},{"a":1}]`, `{"b":{"a":1},"a":1,"a":2}`, `{"\n":1,"\u000a":2}`, `{"\/":1,"/":2}`, `{"\ud83d\ude00":1,"😀":2}`,
	`{"aaaaaaaaab":1,"baaaaaaaab":2}`, `{"a":[{"a":1,"b":2}],"b":1}`,
}

func TestAgreesWithOracle(t *testing.T) {
	var s Scanner
	seen := map[bool]int{}
	for _, text := range texts {
		want, _ := oracle([]byte(text))
		err := whole(&s, []byte(text), MaxDepth, false)
		seen[want]++
		if (err == nil) != want {
			t.Errorf("%q: %v, want accepted = %v", text, err, want)
		}
		if s.Failed() != (err != nil) {
			t.Errorf("%q: Failed = %v, Err = %v", text, s.Failed(), err)
		}
	}
	if seen[true] < 30 || seen[false] < 70 {
		t.Errorf("%v: the texts no longer try both", seen)
	}
}

// Every text with one byte replaced, removed or put in.
func TestAgreesWithOracleOnNeighbours(t *testing.T) {
	var s Scanner
	try := func(text []byte) {
		want, deep := oracle(text)
		if err := whole(&s, text, MaxDepth, false); (err == nil) != (want && deep <= MaxDepth) {
			t.Errorf("%q: %v, want accepted = %v", text, err, want)
		}
	}
	for _, text := range texts {
		for i := 0; i <= len(text); i++ {
			for _, c := range []byte("\x00\t\n \"\\,:{}[]/019-+.eEutaAdD\x7f\x80\xc3\xed\xff") {
				try([]byte(text[:i] + string([]byte{c}) + text[i:]))
				if i < len(text) {
					try([]byte(text[:i] + string([]byte{c}) + text[i+1:]))
				}
			}
			if i < len(text) {
				try([]byte(text[:i] + text[i+1:]))
			}
		}
	}
}

// Every byte, and every pair with a second byte, at every place of a string:
// eight bytes are looked at in one step.
func TestAgreesWithOracleInStrings(t *testing.T) {
	var s Scanner
	for at := range 20 {
		for c := range 256 {
			for _, second := range []byte("a\"\\\x1f\x20\x80\xff") {
				text := []byte(`["` + strings.Repeat("x", 20) + `"]`)
				text[2+at], text[3+at] = byte(c), second
				want, _ := oracle(text)
				if err := whole(&s, text, MaxDepth, false); (err == nil) != want {
					t.Fatalf("%q: %v, want accepted = %v", text, err, want)
				}
			}
		}
	}
}

// scannerMessages are the constants of messages.go of internal/jsonscan.
func scannerMessages(t *testing.T) (out []string) {
	t.Helper()
	text, err := os.ReadFile("messages.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\tmsg\w+ += (".+")$`).FindAllSubmatch(text, -1) {
		message, err := strconv.Unquote(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, message)
	}
	if len(out) != strings.Count(string(text), "\n\tmsg") {
		t.Fatalf("%d messages are read", len(out))
	}
	return out
}

// TestMessages has a text for every message, with the place.
func TestMessages(t *testing.T) {
	cases := map[string]struct {
		text string
		at   int
		read func(s *Scanner)
	}{
		msgEnds:          {`{"a": `, 6, nil},
		msgNoValue:       {`[nul]`, 1, nil},
		msgTrailing:      {`{} x`, 3, nil},
		msgDepth:         {`[[[]]]`, 2, nil},
		msgWantObject:    {` []`, 1, func(s *Scanner) { s.EnterObject() }},
		msgWantList:      {`{}`, 0, func(s *Scanner) { s.EnterArray() }},
		msgEndsInside:    {`[1 `, 3, nil},
		msgNoCommaList:   {`[1 2]`, 3, nil},
		msgNoCommaObject: {`{"a":1 "b":2}`, 7, nil},
		msgTrailingComma: {`[1, ]`, 4, nil},
		msgWantKey:       {`{a:1}`, 1, nil},
		msgDuplicate:     {`{"a":1,"\u0061":2}`, 7, nil},
		msgMembers:       {`{"a":1,"b":2,"c":3}`, 13, nil},
		msgColon:         {`{"a" 1}`, 5, nil},
		msgWantString:    {` 1`, 1, func(s *Scanner) { s.Text() }},
		msgUnclosed:      {`["abc`, 1, nil},
		msgControl:       {"[\"ab\ncd\"]", 4, nil},
		msgUTF8:          {"[\"ab\xffcd\"]", 4, nil},
		msgCutEscape:     {`["ab\`, 4, nil},
		msgHex:           {`["ab\u00g0"]`, 4, nil},
		msgSurrogate:     {`["ab\ud800"]`, 4, nil},
		msgNoEscape:      {`["ab\x"]`, 4, nil},
		msgWantLiteral:   {`1`, 0, func(s *Scanner) { s.Literal() }},
		msgWantNumber:    {`"1"`, 0, func(s *Scanner) { s.NumberText() }},
		msgNumber:        {`[1, 01]`, 4, nil},
	}
	for _, m := range scannerMessages(t) {
		if m == msgTooLong {
			continue // would need 2 GiB
		}
		c, ok := cases[m]
		if !ok {
			t.Errorf("no text for %q", m)
			continue
		}
		var s Scanner
		s.Reset([]byte(c.text), 2, 2, false)
		if c.read != nil {
			c.read(&s)
		} else if s.Skip() {
			s.End()
		}
		var err *Error
		if strings.HasSuffix(m, " ") {
			m += "2" // the bounds given above
		}
		if !errors.As(s.Err(), &err) || err.Message != m || err.Offset != c.at {
			t.Errorf("%s: %v at %+v, want %q at %d", c.text, s.Err(), err, m, c.at)
			continue
		}
		// It stays the first error, and nothing can be read any more.
		at := s.Offset()
		if s.Skip() || s.Peek() != None || s.Member() || s.Element() || s.End() || s.EnterArray() || s.EnterObject() || s.Offset() != at {
			t.Errorf("%s: the scanner went on", c.text)
		}
		if again := s.Err(); again.Error() != err.Message {
			t.Errorf("%s: the error became %v", c.text, again)
		}
	}
}

// What is read, and where.
func TestReads(t *testing.T) {
	const text = ` {"a\tb" : ["x\u00e9\ud83d\ude00\/", "plain", -1.50e3, true, false, null], "c":{} } `
	var s Scanner
	s.Reset([]byte(text), MaxDepth, 0, false)
	must := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Fatalf("%s: %v", what, s.Err())
		}
	}
	must(s.Peek() == Object && s.EnterObject(), "object")
	must(s.Member(), "member")
	raw, escaped := s.Key()
	must(escaped && string(Unescape(nil, raw)) == "a\tb" && s.KeyOffset() == 2, "key")
	must(s.Peek() == Array && s.EnterArray() && s.Element(), "list")
	raw, escaped, ok := s.Text()
	must(ok && escaped && string(Unescape([]byte("+"), raw)) == "+xé😀/", "escaped text")
	must(s.Element(), "element")
	must(s.Peek() == String && s.Offset() == strings.Index(text, `"plain"`), "offset")
	raw, escaped, ok = s.Text()
	must(ok && !escaped && string(raw) == "plain", "plain text")
	must(s.Element() && s.Peek() == Number, "element")
	raw, ok = s.NumberText()
	must(ok && string(raw) == "-1.50e3", "number")
	for _, want := range []Kind{True, False, Null} {
		must(s.Element(), "element")
		k, ok := s.Literal()
		must(ok && k == want, "literal")
	}
	must(!s.Element() && !s.Failed(), "end of list")
	must(s.Member() && s.Skip() && !s.Member() && s.End(), "end")
}

func members(n int, format string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format+":%d", i, i)
	}
	return b.String() + "}"
}

// Duplicates are found in objects of every size, at every place, whichever of
// the two is escaped, and the earlier place is told.
func TestDuplicate(t *testing.T) {
	for _, n := range []int{1, 2, 63, 64, 65, 66, 200, 1000} {
		for _, at := range []int{0, 1, n / 2, 62, 63, 64, 65, n - 1} {
			if at >= n || at < 0 {
				continue
			}
			for _, format := range []string{`"key%04d"`, `"\u006bey%04d"`, `"%04dthe same tag"`} {
				text := members(n, format)
				key := fmt.Sprintf(format, at)
				second := strings.Replace(key, `\u006b`, `k`, 1)
				if second == key {
					second = strings.Replace(key, `k`, `\u006b`, 1)
				}
				where := len(text)
				text = text[:len(text)-1] + "," + second + `:{"` + strings.Trim(second, `"`) + `":1}}`
				var s Scanner
				s.Reset([]byte(text), MaxDepth, 0, true)
				s.EnterObject()
				found := -1
				for s.Member() {
					if other, ok := s.Duplicate(); ok {
						if found >= 0 || s.KeyOffset() != where {
							t.Fatalf("n=%d %s: a duplicate at %d", n, key, s.KeyOffset())
						}
						found = other
					}
					s.Skip()
				}
				if s.Failed() || found != strings.Index(text, key) {
					t.Fatalf("n=%d %s: other place %d, want %d (%v)", n, key, found, strings.Index(text, key), s.Err())
				}
				if whole(&s, []byte(text), MaxDepth, false) == nil {
					t.Fatalf("n=%d %s: accepted", n, key)
				}
			}
		}
	}
}

// Maps of large objects are not mixed up between neighbours and levels.
func TestLargeObjectsSideBySide(t *testing.T) {
	large := members(100, `"k%03d"`)
	inner := strings.Replace(large, `"k050":50`, `"k050":`+large, 1)
	var s Scanner
	for _, text := range []string{"[" + large + "," + large + "]", inner, "[" + inner + "," + large + "]", `{"k001":` + inner + `,"k002":` + inner + `}`} {
		for range 2 {
			if err := whole(&s, []byte(text), MaxDepth, false); err != nil {
				t.Errorf("%v", err)
			}
			// A failure leaves maps behind: the next text must not see them.
			if whole(&s, []byte(text[:len(text)-3]), MaxDepth, false) == nil {
				t.Error("accepted without its end")
			}
		}
	}
}

func TestDepth(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		closing := map[string]string{"[": "]", `{"a":`: "}"}[open]
		for _, c := range []struct {
			depth, max int
			ok         bool
		}{{64, 64, true}, {65, 64, false}, {64, 1000, true}, {65, 1000, false}, {3, 3, true}, {4, 3, false}, {1, 0, false}} {
			text := strings.Repeat(open, c.depth) + "0" + strings.Repeat(closing, c.depth)
			var s Scanner
			if err := whole(&s, []byte(text), c.max, false); (err == nil) != c.ok {
				t.Errorf("depth %d of %d: %v", c.depth, c.max, err)
			}
		}
	}
}

func TestMembersBound(t *testing.T) {
	var s Scanner
	for n, ok := range map[int]bool{2: true, 3: true, 4: false} {
		// The bound is on each object, not on all.
		text := `[` + members(n, `"k%d"`) + `,{"a":{"b":{"c":{"d":1}}}},` + members(n, `"k%d"`) + `]`
		s.Reset([]byte(text), MaxDepth, 3, false)
		if s.Skip(); s.Failed() == ok {
			t.Errorf("%d members of 3: %v", n, s.Err())
		}
	}
}

// Nothing is allocated for objects of up to 64 members, escaped keys included,
// once the scanner has seen such a text.
func TestAllocatesNothing(t *testing.T) {
	for _, text := range []string{
		evaluation, bucketPolicy, members(64, `"key%03d"`), members(64, `"\u006bey%03d"`), members(64, `"%03d\u006b the same tag"`),
		strings.Repeat("[", 64) + strings.Repeat("]", 64), `{"a":1,"a":2}`, `{"a":`, `"\ud800"`,
	} {
		data := []byte(text)
		var s Scanner
		scan := func() {
			s.Reset(data, MaxDepth, 0, true)
			if s.Skip() {
				s.End()
			}
		}
		scan()
		if n := testing.AllocsPerRun(20, scan); n != 0 {
			t.Errorf("%v allocations for %.60s", n, text)
		}
	}
}

func TestNumberLen(t *testing.T) {
	for text, want := range map[string]int{"": 0, "-": 0, "1": 1, "12a": 2, "01": 1, "1.": 1, "1.5": 3, "1.5e": 3, "1.5e+": 3, "1.5e+3x": 6, "-0.0": 4, "x": 0, ".5": 0} {
		if got := NumberLen([]byte(text)); got != want {
			t.Errorf("NumberLen(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestKindString(t *testing.T) {
	for k, want := range map[Kind]string{Object: "an object", Array: "a list", String: "a string", Number: "a number", True: "a boolean", False: "a boolean", Null: "null", None: "nothing"} {
		if k.String() != want {
			t.Errorf("%q, want %q", k, want)
		}
	}
}
