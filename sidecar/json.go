package sidecar

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"postern/policy"
)

// appendString appends s as a JSON string. What is no UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < 0x80:
			b = append(b, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}

// appendStrings appends a list of strings.
func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, text)
	}
	return append(b, ']')
}

// appendCount appends a member that is a number, behind others.
func appendCount(b []byte, name string, n int) []byte {
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return strconv.AppendInt(b, int64(n), 10)
}

// appendDigest appends 64 hexadecimal digits, or an empty text before the first
// generation.
func appendDigest(b []byte, d policy.Digest) []byte {
	b = append(b, '"')
	if d != (policy.Digest{}) {
		b = hex.AppendEncode(b, d[:])
	}
	return append(b, '"')
}

// appendTime appends a time in UTC, null for none.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return append(t.UTC().AppendFormat(append(b, '"'), "2006-01-02T15:04:05.000Z"), '"')
}

// appendError appends the body of an answer that is no decision.
func appendError(b []byte, message string) []byte {
	b = append(b, `{"error":`...)
	return append(appendString(b, message), '}')
}

func itoa(n int) string { return strconv.Itoa(n) }
