package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops has the high bit set in the first byte of w, counted from the low
// end, that is not printable ASCII or is `"` or `\`. Bytes above that one may
// be marked wrongly.
func stops(w uint64) uint64 {
	const low7 = ones * 0x7f
	// For bytes below 0x80 each sum has the high bit set unless the byte stops.
	// For every byte from 0x80 on one of the sums has it clear, and carries into
	// the byte above.
	quote := (w ^ ones*'"') + low7
	slash := (w ^ ones*'\\') + low7
	control := w + ones*(0x80-0x20)
	return ^(quote & slash & control) & highs
}

// plain returns how many bytes of data from at are printable ASCII other than
// `"` and `\`.
func plain(data []byte, at int) int {
	i := at
	for i+8 <= len(data) {
		if stop := stops(binary.LittleEndian.Uint64(data[i:])); stop != 0 {
			return i - at + bits.TrailingZeros64(stop)/8
		}
		i += 8
	}
	for i < len(data) && data[i] >= 0x20 && data[i] < 0x80 && data[i] != '"' && data[i] != '\\' {
		i++
	}
	return i - at
}

// Text reads a string and returns its raw bytes, between the quotes, checked:
// valid UTF-8, valid escapes, no lone surrogate. If escaped, Unescape gives
// what they mean; if not, they are it. The bytes alias the data.
func (s *Scanner) Text() (raw []byte, escaped, ok bool) {
	if s.errMessage != "" {
		return nil, false, false
	}
	s.space()
	data, start := s.data, s.pos+1
	if start > len(data) || data[start-1] != '"' {
		return nil, false, s.fail(s.pos, msgWantString)
	}
	// Most strings are plain ASCII and do not stand at the very end.
	for i := start; i+8 <= len(data); i += 8 {
		stop := stops(binary.LittleEndian.Uint64(data[i:]))
		if stop == 0 {
			continue
		}
		if i += bits.TrailingZeros64(stop) / 8; data[i] != '"' {
			return s.text(start, i)
		}
		s.pos = i + 1
		return data[start:i], false, true
	}
	return s.text(start, start)
}

// TextOr reads the string that comes next, as Text does, and returns String.
// Where a value of another kind comes next it reads nothing and returns that
// kind; None if there was an error.
func (s *Scanner) TextOr() (raw []byte, escaped bool, kind Kind) {
	if s.pos >= len(s.data) || s.data[s.pos] != '"' { // else Text does what Peek would
		if kind = s.Peek(); kind != String {
			return nil, false, kind
		}
	}
	raw, escaped, ok := s.Text()
	if !ok {
		return nil, false, None
	}
	return raw, escaped, String
}

// text is Text for a string that begins at start and of which the bytes before
// i have been read.
func (s *Scanner) text(start, i int) (raw []byte, escaped, ok bool) {
	for {
		i += plain(s.data, i)
		if i >= len(s.data) {
			return nil, false, s.fail(s.pos, msgUnclosed)
		}
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return s.data[start:i], escaped, true
		case c == '\\':
			n, message := escapeLen(s.data[i:])
			if n == 0 {
				return nil, false, s.fail(i, message)
			}
			escaped = true
			i += n
		case c < 0x20:
			return nil, false, s.fail(i, msgControl)
		default:
			r, n := utf8.DecodeRune(s.data[i:])
			if r == utf8.RuneError && n == 1 {
				return nil, false, s.fail(i, msgUTF8)
			}
			i += n
		}
	}
}

// escapeLen checks the escape at the start of b and returns its length in
// bytes, a surrogate pair counting as one; 0 and what is wrong if it is none.
func escapeLen(b []byte) (int, string) {
	if len(b) < 2 {
		return 0, msgCutEscape
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
		r, ok := hex4(b[2:])
		switch {
		case !ok:
			return 0, msgHex
		case r < 0xd800 || r > 0xdfff:
			return 6, ""
		case r >= 0xdc00 || len(b) < 12 || b[6] != '\\' || b[7] != 'u':
			return 0, msgSurrogate
		}
		if low, ok := hex4(b[8:]); !ok || low < 0xdc00 || low > 0xdfff {
			return 0, msgSurrogate
		}
		return 12, ""
	}
	return 0, msgNoEscape
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Unescape appends what raw means to dst. raw must come from Text or Key.
func Unescape(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		switch c := raw[1]; c {
		case 'u':
			r, _ := hex4(raw[2:])
			raw = raw[6:]
			if r >= 0xd800 && r < 0xdc00 {
				low, _ := hex4(raw[2:])
				r = (r-0xd800)<<10 + (low - 0xdc00) + 0x10000
				raw = raw[6:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, unescaped(c))
			raw = raw[2:]
		}
	}
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
