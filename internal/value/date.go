package value

import (
	"cmp"
	"strconv"
	"time"
)

// Instant is a point in time: seconds since 1970 in UTC, and nanoseconds.
type Instant struct {
	Seconds int64
	Nanos   int32 // 0 to 999,999,999
}

// Compare returns -1, 0 or +1 if a is before, at or after b.
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
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return Instant{}, false
	}
	century, rest, month, day := two(s, 0), two(s, 2), two(s, 5), two(s, 8)
	if century|rest|month|day < 0 || month < 1 || month > 12 || day < 1 {
		return Instant{}, false
	}
	year := 100*century + rest
	if day > daysIn(year, month) {
		return Instant{}, false
	}
	out := Instant{Seconds: 86400 * days(year, month, day)}
	if len(s) == 10 {
		return out, true
	}
	if len(s) < 16 || s[10] != 'T' || s[13] != ':' {
		return Instant{}, false
	}
	hour, minute := two(s, 11), two(s, 14)
	if hour|minute < 0 || hour > 23 || minute > 59 {
		return Instant{}, false
	}
	out.Seconds += int64(hour)*3600 + int64(minute)*60
	zone := s[16:]
	if len(zone) >= 3 && zone[0] == ':' {
		second := two(zone, 1)
		if second < 0 || second > 59 {
			return Instant{}, false
		}
		out.Seconds += int64(second)
		if zone = zone[3:]; zone != "" && zone[0] == '.' {
			n := digits(zone[1:])
			if n < 1 || n > 9 {
				return Instant{}, false
			}
			for i := 1; i <= 9; i++ {
				out.Nanos *= 10
				if i <= n {
					out.Nanos += int32(zone[i] - '0')
				}
			}
			zone = zone[1+n:]
		}
	}
	if zone == "Z" {
		return out, true
	}
	if len(zone) != 6 || zone[3] != ':' || zone[0] != '+' && zone[0] != '-' {
		return Instant{}, false
	}
	h, m := two(zone, 1), two(zone, 4)
	if h|m < 0 || h > 23 || m > 59 {
		return Instant{}, false
	}
	offset := int64(h)*3600 + int64(m)*60
	if zone[0] == '+' {
		offset = -offset
	}
	out.Seconds += offset
	return out, true
}

// two returns the number that the two digits of s from i on are; it is negative if they
// are no digits.
func two(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return 10*int(a) + int(b)
}

// days returns the number of days from 1970-01-01 to a day of the years 0 to 9999.
func days(year, month, day int) int64 {
	// From March on, so that a leap day is a year's last; five months have 153
	// days, and 400 years 146,097. 719,468 days are from 0000-03-01 to 1970.
	if month -= 3; month < 0 {
		month += 12
		year--
	}
	year += 400 // not below 0
	return int64(365*year+year/4-year/100+year/400+(153*month+2)/5+day-1) - 719_468 - 146_097
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
