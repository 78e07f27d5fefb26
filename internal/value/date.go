package value

import (
	"cmp"
	"strconv"
	"time"
)

// Instant is a point of time: seconds since 1970 (UTC) and nanoseconds.
type Instant struct {
	Seconds int64
	Nanos   int32 // 0 to 999,999,999
}

// Compare orders instants in time.
func (a Instant) Compare(b Instant) int {
	return cmp.Or(cmp.Compare(a.Seconds, b.Seconds), cmp.Compare(a.Nanos, b.Nanos))
}

// Date reads `YYYY-MM-DD` (midnight UTC), the same with `Thh:mm[:ss[.fraction]]`
// and `Z` or an offset `+hh:mm` / `-hh:mm`, or only digits: epoch seconds
// (specification 1.7). Upper case, two digits each, a day that exists, no `:60`,
// a fraction of one to nine digits.
func Date(s string) (Instant, bool) {
	if s == "" {
		return Instant{}, false
	}
	if digits(s) == len(s) {
		if len(s) > 19 {
			return Instant{}, false
		}
		n, err := strconv.ParseUint(s, 10, 63)
		return Instant{Seconds: int64(n)}, err == nil
	}
	year, ok1 := fixed(s, 0, 4, 0, 9999)
	month, ok2 := fixed(s, 5, 2, 1, 12)
	day, ok3 := fixed(s, 8, 2, 1, 31)
	if !ok1 || !ok2 || !ok3 || s[4] != '-' || s[7] != '-' || day > daysIn(year, month) {
		return Instant{}, false
	}
	out := Instant{Seconds: time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()}
	if len(s) == 10 {
		return out, true
	}
	hour, ok1 := fixed(s, 11, 2, 0, 23)
	minute, ok2 := fixed(s, 14, 2, 0, 59)
	if !ok1 || !ok2 || s[10] != 'T' || s[13] != ':' {
		return Instant{}, false
	}
	out.Seconds += int64(hour)*3600 + int64(minute)*60
	rest := s[16:]
	if rest != "" && rest[0] == ':' {
		second, ok := fixed(rest, 1, 2, 0, 59)
		if !ok {
			return Instant{}, false
		}
		out.Seconds += int64(second)
		rest = rest[3:]
		if rest != "" && rest[0] == '.' {
			n := digits(rest[1:])
			if n < 1 || n > 9 {
				return Instant{}, false
			}
			for i := 1; i <= 9; i++ {
				out.Nanos *= 10
				if i <= n {
					out.Nanos += int32(rest[i] - '0')
				}
			}
			rest = rest[1+n:]
		}
	}
	if rest == "Z" {
		return out, true
	}
	h, ok1 := fixed(rest, 1, 2, 0, 23)
	m, ok2 := fixed(rest, 4, 2, 0, 59)
	if !ok1 || !ok2 || len(rest) != 6 || rest[3] != ':' || rest[0] != '+' && rest[0] != '-' {
		return Instant{}, false
	}
	offset := int64(h)*3600 + int64(m)*60
	if rest[0] == '+' {
		offset = -offset
	}
	out.Seconds += offset
	return out, true
}

// fixed reads n digits of s from at; the number must lie within low and high.
func fixed(s string, at, n, low, high int) (int, bool) {
	if len(s) < at+n || digits(s[at:at+n]) != n {
		return 0, false
	}
	v := 0
	for i := at; i < at+n; i++ {
		v = v*10 + int(s[i]-'0')
	}
	return v, v >= low && v <= high
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// AppendTime appends seconds since 1970 as aws:CurrentTime spells them,
// 2006-01-02T15:04:05Z.
func AppendTime(dst []byte, seconds int64) []byte {
	return time.Unix(seconds, 0).UTC().AppendFormat(dst, "2006-01-02T15:04:05Z")
}
