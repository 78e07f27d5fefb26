package decisionlog

import (
	"strconv"
	"time"
	"unicode/utf8"

	"postern/policy"
)

// plainByte tells which bytes stand in a JSON string as they are, where no byte
// from 0x80 is among them.
var plainByte = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString appends s as a JSON string, without any byte that ends a line or
// moves a terminal's cursor. What is no UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		n := 1
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x80:
			b = appendEscape(b, rune(c))
		default:
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); breaks(r) {
				b = appendEscape(b, r)
			} else {
				b = utf8.AppendRune(b, r)
			}
		}
		i += n
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// breaks reports whether a character from U+0080 ends a line for some readers, or
// is shown as none and turns others around.
func breaks(r rune) bool {
	return r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func appendEscape(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// appendName appends a comma, unless it stands behind an opening bracket, and a
// member's name.
func appendName(b []byte, name string) []byte {
	if c := b[len(b)-1]; c != '{' && c != '[' {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), name...), '"', ':')
}

// appendMember appends a member that is a string, unless it is empty.
func appendMember(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendString(appendName(b, name), text)
}

// appendNumber appends a member that is a number.
func appendNumber(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(b, name), n, 10)
}

// appendStrings appends a member that is a list of strings.
func appendStrings(b []byte, name string, list []string) []byte {
	b = append(appendName(b, name), '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendDigest appends a member that is a digest, unless there is none.
func appendDigest(b []byte, name string, d policy.Digest) []byte {
	if d == (policy.Digest{}) {
		return b
	}
	const hex = "0123456789abcdef"
	b = append(appendName(b, name), '"')
	for _, c := range d {
		b = append(b, hex[c>>4], hex[c&15])
	}
	return append(b, '"')
}

// timer writes times, of which many lie in one second.
type timer struct {
	second int64
	text   []byte // up to the fraction
}

// append appends a time as RFC 3339 in UTC, with microseconds.
func (t *timer) append(b []byte, name string, nanos int64) []byte {
	second, rest := nanos/1e9, nanos%1e9
	if rest < 0 {
		second, rest = second-1, rest+1e9
	}
	if second != t.second || t.text == nil {
		t.second, t.text = second, time.Unix(second, 0).UTC().AppendFormat(t.text[:0], "2006-01-02T15:04:05.")
	}
	b = append(append(appendName(b, name), '"'), t.text...)
	micros := rest / 1e3
	for unit := int64(1e5); unit > 0; unit /= 10 {
		b = append(b, byte('0'+micros/unit%10))
	}
	return append(b, 'Z', '"')
}

// isNumber reports whether a text is a number of JSON.
func isNumber(s string) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}
