// Package value reads the texts that condition operators compare: numbers,
// dates, booleans, addresses, ranges, base64 (specification 1.7, Values). The
// parser uses it to check policies, the compiler to lower them, the index to
// read requests, so that a text means the same in all three. Nothing here
// allocates on success.
package value

import (
	"net/netip"
	"strconv"
	"strings"
)

// Number reads a number in JSON's grammar as an IEEE double. Overflow, NaN and
// hexadecimal are unreadable; what is too small is zero.
func Number(s string) (float64, bool) {
	if !isNumber(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	return f, true
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
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// AppendFoldASCII appends s to dst with ASCII upper case folded to lower.
func AppendFoldASCII(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		dst = append(dst, lower(s[i]))
	}
	return dst
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
	if !addressText(s) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// addressText keeps texts from netip.ParseAddr that it would refuse with an
// error that allocates: only the characters of an address, in sane length.
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

// Prefix reads an address or a CIDR range; an address is the range of itself.
// Host bits are cleared, and reported. A mapped range of /96 and longer is its
// IPv4 range.
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

// Contains reports whether the range of Prefix holds the address of Address.
// An IPv4 range holds no IPv6 address, and the reverse.
func Contains(p netip.Prefix, a netip.Addr) bool { return p.Contains(a) }

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
