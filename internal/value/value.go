// Package value reads the texts that condition operators compare: numbers,
// dates, booleans, addresses, ranges, base64 (specification 1.7, Values). The
// parser uses it to check policies, the compiler to lower them, the index to
// read requests, so that a text means the same in all three. Nothing here
// allocates on success.
package value

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// Number reads a number in JSON's grammar as an IEEE double. Overflow, NaN and
// hexadecimal are unreadable; what is too small is zero.
func Number(s string) (float64, bool) {
	if n, ok := small(s); ok {
		return float64(n), true
	}
	if !isNumber(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	return f, true
}

// NumberWork returns roughly how many nanoseconds Number needs at most to read s. That is
// few for usual numbers. It grows with the square of the number of digits and of the size
// of the exponent, since the nearer of two doubles may have to be found digit by digit.
func NumberWork(s string) int {
	i := len(s)
	for i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
		i--
	}
	last, before := s[i:], s[:i]
	if before != "" && (before[i-1] == '-' || before[i-1] == '+') {
		before = before[:i-1]
	}
	places := len(s)
	if before != "" && before[len(before)-1]|0x20 == 'e' {
		exponent := 0
		for i := 0; i < len(last) && exponent < mostPlaces; i++ {
			exponent = 10*exponent + int(last[i]-'0')
		}
		places += exponent
	}
	if places <= fewPlaces {
		return len(s) + 5*places
	}
	places = min(places, mostPlaces)
	return len(s) + 600 + places*places/3
}

const (
	fewPlaces  = 19  // so many digits lie in 64 bits
	mostPlaces = 800 // more do not count
)

// small reads a whole number of at most 15 digits, as most are; a double holds
// every one of them exactly.
func small(s string) (n uint64, ok bool) {
	if s == "" || len(s) > 15 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = 10*n + uint64(c)
	}
	return n, true
}

// isNumber reports whether s is exactly one JSON number.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	switch {
	case s == "":
		return false
	case s[0] == '0':
		s = s[1:]
	default:
		n := digits(s)
		if n == 0 {
			return false
		}
		s = s[n:]
	}
	if rest, ok := strings.CutPrefix(s, "."); ok {
		n := digits(rest)
		if n == 0 {
			return false
		}
		s = rest[n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		if n == 0 {
			return false
		}
		s = s[n:]
	}
	return s == ""
}

func digits(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

// Bool reads `true` or `false` in any ASCII case; ok is false for any other text.
func Bool(s string) (v, ok bool) {
	switch {
	case EqualFoldASCII(s, "true"):
		return true, true
	case EqualFoldASCII(s, "false"):
		return false, true
	}
	return false, false
}

// EqualFoldASCII compares two texts without regard to ASCII case; every other
// byte has to be equal.
func EqualFoldASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) < 8 {
		return equalFoldBytes(a, b)
	}
	// Eight bytes at a time, the last eight overlapping those before.
	for i := 0; ; i = min(i+8, len(a)-8) {
		if x, y := word(a, i), word(b, i); x != y && ((x^y)&^cases != 0 || lowerWord(x) != lowerWord(y)) {
			return false
		}
		if i == len(a)-8 {
			return true
		}
	}
}

func equalFoldBytes(a, b string) bool {
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// cases has, in each byte of a word, the bit in which a letter's cases differ.
const cases = 0x2020202020202020

// word returns eight bytes of s from i on.
func word(s string, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

// lowerWord folds eight bytes: each from 'A' to 'Z' gets the bit of lower case. No sum
// carries into the next byte, since each byte has bit 7 clear.
func lowerWord(x uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	low := x &^ high
	fromA, aboveZ := low+(128-'A')*ones, low+(128-'Z'-1)*ones
	return x | (fromA&^aboveZ&^x&high)>>2
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// AppendFoldASCII appends s to dst with ASCII upper case folded to lower.
func AppendFoldASCII(dst []byte, s string) []byte {
	from := len(dst)
	dst = append(dst, s...)
	b := dst[from:]
	if len(b) < 8 {
		for i := range b {
			b[i] = lower(b[i])
		}
		return dst
	}
	for i := 0; ; i = min(i+8, len(b)-8) { // as in EqualFoldASCII
		eight := b[i : i+8]
		binary.LittleEndian.PutUint64(eight, lowerWord(binary.LittleEndian.Uint64(eight)))
		if i == len(b)-8 {
			return dst
		}
	}
}

// FoldASCII folds ASCII upper case to lower. It allocates only if there is any.
func FoldASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] != lower(s[i]) {
			return string(AppendFoldASCII(make([]byte, 0, len(s)), s))
		}
	}
	return s
}

// Address reads an IPv4 or IPv6 address. An IPv4-mapped IPv6 address is its
// IPv4 address; a zone, a port or a leading zero is unreadable.
func Address(s string) (netip.Addr, bool) {
	if a, ok := dotted(s); ok {
		return a, true
	}
	if !addressText(s) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// dotted reads an IPv4 address.
func dotted(s string) (netip.Addr, bool) {
	var parts [4]byte
	at := 0
	for i := range parts {
		if i > 0 {
			if at == len(s) || s[at] != '.' {
				return netip.Addr{}, false
			}
			at++
		}
		first, n := at, uint32(0)
		for ; at < len(s) && at < first+3 && s[at]-'0' <= 9; at++ {
			n = 10*n + uint32(s[at]-'0')
		}
		if at == first || n > 255 || s[first] == '0' && at > first+1 {
			return netip.Addr{}, false
		}
		parts[i] = byte(n)
	}
	return netip.AddrFrom4(parts), at == len(s)
}

// addressText reports whether s has only characters of an address, and not too many of
// them. It spares netip.ParseAddr other texts, for which that allocates an error.
func addressText(s string) bool {
	if len(s) < 2 || len(s) > 45 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := lower(s[i]); {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c == ':', c == '.':
		default:
			return false
		}
	}
	return true
}

// Prefix reads a CIDR range, or an address as the range that has it alone. hostBits says
// that bits past the length were set; they are cleared. An IPv4-mapped range of /96 or
// longer is returned as the IPv4 range.
func Prefix(s string) (p netip.Prefix, hostBits, ok bool) {
	text, length, found := strings.Cut(s, "/")
	if !found {
		a, ok := Address(s)
		if !ok {
			return netip.Prefix{}, false, false
		}
		return netip.PrefixFrom(a, a.BitLen()), false, true
	}
	if !addressText(text) || len(length) == 0 || len(length) > 3 || digits(length) != len(length) ||
		length[0] == '0' && len(length) > 1 {
		return netip.Prefix{}, false, false
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false, false
	}
	n, _ := strconv.Atoi(length)
	if n > a.BitLen() {
		return netip.Prefix{}, false, false
	}
	if a.Is4In6() && n >= 96 {
		a, n = a.Unmap(), n-96
	}
	p = netip.PrefixFrom(a, n)
	masked := p.Masked()
	return masked, masked.Addr() != a, true
}

// Binary reports whether s is standard padded base64, strictly: no white
// space, no superfluous bits in the last character. Two such texts are equal
// exactly if their bytes are.
func Binary(s string) bool {
	if len(s)%4 != 0 {
		return false
	}
	if s == "" {
		return true
	}
	body := strings.TrimRight(s, "=")
	pad := len(s) - len(body)
	if pad > 2 {
		return false
	}
	var last byte
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c >= 'A' && c <= 'Z':
			last = c - 'A'
		case c >= 'a' && c <= 'z':
			last = c - 'a' + 26
		case c >= '0' && c <= '9':
			last = c - '0' + 52
		case c == '+':
			last = 62
		case c == '/':
			last = 63
		default:
			return false
		}
	}
	return pad == 0 || pad == 1 && last&3 == 0 || pad == 2 && last&15 == 0
}
