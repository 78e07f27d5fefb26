package reference

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Readers of values (1.7, Values). Each returns false for a text that its
// operators cannot read.

var numberGrammar = regexp.MustCompile(`\A-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z`)

// readNumber: "JSON's number grammar, as IEEE double; an overflow, NaN, hex
// are unreadable".
func readNumber(text string) (float64, bool) {
	if !numberGrammar.MatchString(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// instant is a date: seconds since 1970 and nanoseconds into that second.
type instant struct{ seconds, nanoseconds int64 }

func (a instant) before(b instant) bool {
	return a.seconds < b.seconds || a.seconds == b.seconds && a.nanoseconds < b.nanoseconds
}

var (
	digits      = regexp.MustCompile(`\A[0-9]+\z`)
	dateGrammar = regexp.MustCompile(`\A([0-9]{4})-([0-9]{2})-([0-9]{2})` +
		`(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:Z|([+-])([0-9]{2}):([0-9]{2})))?\z`)
)

// readDate: "YYYY-MM-DD (midnight UTC), or with Thh:mm[:ss[.fraction]] and Z
// or +hh:mm, upper case, two digits each, no :60; or only digits: epoch
// seconds". The day has to exist, the seconds to fit 64 bits.
func readDate(text string) (instant, bool) {
	if digits.MatchString(text) {
		seconds, err := strconv.ParseInt(text, 10, 64)
		return instant{seconds: seconds}, err == nil
	}
	m := dateGrammar.FindStringSubmatch(text)
	if m == nil {
		return instant{}, false
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(m[i]) // an optional part that is missing is 0
		return n
	}
	year, month, day := number(1), number(2), number(3)
	hour, minute, second := number(4), number(5), number(6)
	offsetHour, offsetMinute := number(9), number(10)
	if hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59 {
		return instant{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return instant{}, false // time.Date moved a day that does not exist
	}
	offset := int64(offsetHour*3600 + offsetMinute*60)
	if m[8] == "-" {
		offset = -offset
	}
	nanoseconds, _ := strconv.ParseInt((m[7] + "000000000")[:9], 10, 64)
	return instant{t.Unix() - offset, nanoseconds}, true
}

// readBool: "true / false in any ASCII case".
func readBool(text string) (value, ok bool) {
	switch lowerASCII(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// readBinary: "the bytes of standard padded base64", with no line breaks and
// no stray bits.
func readBinary(text string) ([]byte, bool) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return b, err == nil
}

// readAddress reads an address of a request: "IPv4, IPv6 ... An IPv4-mapped
// IPv6 address is its IPv4 address ... A zone, a port, a leading zero are
// unreadable".
func readAddress(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// readRange reads an address or CIDR of a policy. "Host bits of a CIDR are
// cleared." A mapped CIDR of /96 or longer is a range of IPv4 addresses.
func readRange(text string) (netip.Prefix, bool) {
	if !strings.Contains(text, "/") {
		a, ok := readAddress(text)
		return netip.PrefixFrom(a, a.BitLen()), ok
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
