package value

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	for s, want := range map[string]float64{
		"0": 0, "-0": 0, "10": 10, "1e3": 1000, "1E+3": 1000, "-1.50": -1.5, "1e-400": 0, "9007199254740993": 9007199254740992,
	} {
		if got, ok := Number(s); !ok || got != want {
			t.Errorf("Number(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "-", "+1", "01", "1.", ".5", "1e", "1e400", "-1e400", "NaN", "Inf", "0x10", "1_000", " 1", "1 ", "١"} {
		if got, ok := Number(s); ok {
			t.Errorf("Number(%q) = %v, want unreadable", s, got)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1e5", "-0.1", "00", "1.e1", "1e999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want json.Number
		isJSON := json.Unmarshal([]byte(s), &want) == nil && string(want) == s
		_, err := want.Float64()
		if got, ok := Number(s); ok != (isJSON && err == nil) || math.IsInf(got, 0) || math.IsNaN(got) {
			t.Errorf("Number(%q) = %v, %v", s, got, ok)
		}
	})
}

func TestDate(t *testing.T) {
	for s, want := range map[string]string{
		"2026-02-28":                     "2026-02-28T00:00:00Z",
		"2024-02-29T23:59Z":              "2024-02-29T23:59:00Z",
		"2026-01-02T03:04:05+02:30":      "2026-01-02T00:34:05Z",
		"2026-01-02T03:04:05.5-01:00":    "2026-01-02T04:04:05.5Z",
		"2026-01-02T03:04:05.123456789Z": "2026-01-02T03:04:05.123456789Z",
		"0":                              "1970-01-01T00:00:00Z",
		"1767225600":                     "2026-01-01T00:00:00Z",
		"0000-01-01":                     "0000-01-01T00:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339Nano, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := Date(s); !ok || got != (Instant{at.Unix(), int32(at.Nanosecond())}) {
			t.Errorf("Date(%q) = %v, %v, want %s", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-32", "2026-1-01", "2026-01-01T", "2026-01-01T24:00Z", "2026-01-01T00:60Z",
		"2026-01-01T00:00:60Z", "2026-01-01T00:00", "2026-01-01t00:00Z", "2026-01-01T00:00z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z",
		"2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00+2:00", "2026-01-01T00:00+02", "2026-01-01T00:00+24:00", "2026-01-01T00:00+02:60",
		"-1", "9223372036854775808", "12345678901234567890", "1.5", "2026-01-01 00:00Z", "2026-01-01Z", "2026-01-01T00:00ZZ", "2026-01-01T00:00:00+02:000",
	} {
		if got, ok := Date(s); ok {
			t.Errorf("Date(%q) = %v, want unreadable", s, got)
		}
	}
}

func TestAppendTimeReadsBack(t *testing.T) {
	for _, n := range []int64{0, 1767225599, 4102444800} {
		if got, ok := Date(string(AppendTime(nil, n))); !ok || got.Seconds != n {
			t.Errorf("%d became %v, %v", n, got, ok)
		}
	}
}

func TestBool(t *testing.T) {
	for s, want := range map[string][2]bool{"true": {true, true}, "FALSE": {false, true}, "True": {true, true}, "1": {}, "": {}, "tru\u0435": {}} {
		if v, ok := Bool(s); v != want[0] || ok != want[1] {
			t.Errorf("Bool(%q) = %v, %v", s, v, ok)
		}
	}
}

func TestAddress(t *testing.T) {
	for s, want := range map[string]string{"10.0.0.1": "10.0.0.1", "::ffff:10.0.0.1": "10.0.0.1", "2001:DB8::1": "2001:db8::1", "::": "::"} {
		if got, ok := Address(s); !ok || got != netip.MustParseAddr(want) {
			t.Errorf("Address(%q) = %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "10.0.0.01", "10.0.0", "10.0.0.1:80", "fe80::1%eth0", "10.0.0.0/8", " 10.0.0.1", "1", "[::1]", "256.1.1.1"} {
		if got, ok := Address(s); ok {
			t.Errorf("Address(%q) = %v, want unreadable", s, got)
		}
	}
}

func TestPrefix(t *testing.T) {
	for s, want := range map[string]string{
		"10.1.2.3/8": "10.0.0.0/8", "10.0.0.1": "10.0.0.1/32", "::ffff:10.1.0.0/112": "10.1.0.0/16", "::ffff:0:0/90": "::ffc0:0:0/90", "2001:db8::/32": "2001:db8::/32", "0.0.0.0/0": "0.0.0.0/0",
	} {
		got, hostBits, ok := Prefix(s)
		if s == "::ffff:0:0/90" {
			if !ok || !got.Addr().Is6() {
				t.Errorf("Prefix(%q) = %v, %v, want an IPv6 range", s, got, ok)
			}
			continue
		}
		if !ok || got.String() != want || hostBits != (s == "10.1.2.3/8") {
			t.Errorf("Prefix(%q) = %v, %v, %v", s, got, hostBits, ok)
		}
	}
	for _, s := range []string{"10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "10.0.0/8", "/8", "10.0.0.0/8/8"} {
		if got, _, ok := Prefix(s); ok {
			t.Errorf("Prefix(%q) = %v, want unreadable", s, got)
		}
	}
	v4, _, _ := Prefix("0.0.0.0/0")
	if a, _ := Address("2001:db8::1"); v4.Contains(a) {
		t.Error("an IPv4 range holds an IPv6 address")
	}
}

func FuzzBinary(f *testing.F) {
	for _, s := range []string{"", "AA==", "AB==", "AAA=", "AAAA", "AA=\n=", "A===", "AA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		want := err == nil && base64.StdEncoding.EncodeToString(b) == s
		if Binary(s) != want {
			t.Errorf("Binary(%q) = %v, want %v", s, !want, want)
		}
	})
}

// Overflow alone is left out: strconv makes its error.
func TestNothingAllocates(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		Number("1.5e3")
		Date("2026-01-02T03:04:05.5+01:00")
		Address("2001:db8::1")
		Address("not an address")
		Prefix("10.0.0.0/8")
		_ = Binary("AAAA")
		_, _ = Bool("True")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Every text of few characters, and what lies close to the edges of ASCII
// letters, is compared with a comparison byte by byte.
func TestEqualFoldASCIIByWords(t *testing.T) {
	letters := "@AZ[`az{\x00\x20\xc1\xe1\x7f\xff"
	for n := range 20 {
		base := []byte("aws:SourceIp/x:Y-1.z")[:n]
		for at := range base {
			for _, x := range []byte(letters) {
				for _, y := range []byte(letters) {
					a, b := bytes.Clone(base), bytes.ToUpper(base)
					a[at], b[at] = x, y
					if got, want := EqualFoldASCII(string(a), string(b)), lower(x) == lower(y); got != want {
						t.Fatalf("EqualFoldASCII(%q, %q) = %v", a, b, got)
					}
					if got := AppendFoldASCII([]byte("Keep"), string(b)); string(got) != "Keep"+string(lowered(b)) {
						t.Fatalf("AppendFoldASCII(Keep, %q) = %q", b, got)
					}
				}
			}
		}
	}
}

func lowered(b []byte) (out []byte) {
	for _, c := range b {
		out = append(out, lower(c))
	}
	return out
}

// A day is what package time says it is, and the day after it is the next.
func TestDateEveryDay(t *testing.T) {
	for at := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 10_000; at = at.AddDate(0, 0, 1) {
		if got := days(at.Year(), int(at.Month()), at.Day()); got*86400 != at.Unix() {
			t.Fatalf("%v: day %d", at, got)
		}
		if y, m, d := at.Date(); d == 1 && at.AddDate(0, 1, -1).Day() != daysIn(y, int(m)) {
			t.Fatalf("%v has %d days", at, daysIn(y, int(m)))
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-02-28", "2024-02-29T23:59Z", "2026-01-02T03:04:05+02:30", "2026-01-02T03:04:05.5-01:00", "2026-01-02T03:04:", "2026-01-02T03:04:0", "17"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Date(s)
		if digits(s) == len(s) {
			return
		}
		for _, layout := range []string{"2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00", time.RFC3339Nano} {
			at, err := time.Parse(layout, s)
			if err != nil {
				continue
			}
			// Package time reads more: hours of one digit, a comma, long fractions.
			if !ok && at.Format(layout) == s {
				t.Errorf("Date(%q) is unreadable, want %v", s, at)
			}
			if ok && (got.Seconds != at.Unix() || int(got.Nanos) != at.Nanosecond()) {
				t.Errorf("Date(%q) = %v, want %v", s, got, at)
			}
			return
		}
		if ok {
			t.Errorf("Date(%q) = %v, which package time cannot read", s, got)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "255.255.255.255", "256.1.1.1", "10.0.0.01", "1.2.3", "1.2.3.4.5", "1.2.3.4.", "::ffff:10.0.0.1", "1..2.3", "0.0.0.0", "1000.1.1.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		if got, ok := Address(s); ok != (err == nil && want.Zone() == "" && !strings.Contains(s, "%")) || ok && got != want.Unmap() {
			t.Errorf("Address(%q) = %v, %v, want %v", s, got, ok, want)
		}
	})
}

// What a number may take to read is told by its digits and by how far its
// exponent moves them, however that is written.
func TestNumberWork(t *testing.T) {
	for _, c := range []struct {
		text        string
		least, most int
	}{
		{"5", 1, 20}, {"-1000", 1, 50}, {"1769903999.25", 1, 100}, {"1e3", 1, 50},
		{"9007199254740993.000000001", 600, 1000},
		{"5e-324", 30_000, 40_000}, {"5E-0000000000000000324", 35_000, 50_000}, {"4.9406564584124654e-324", 35_000, 50_000},
		{"1e308", 30_000, 40_000}, {"1e+308", 30_000, 40_000}, {"1e99999999999999999999999", 200_000, 250_000},
		{"0." + strings.Repeat("0", 323) + "5", 30_000, 40_000},
		{strings.Repeat("1", 8192), 200_000, 250_000},
		{"", 0, 10}, {"e", 0, 20}, {"-", 0, 20}, {"e9", 0, 100}, {"+9", 0, 100},
	} {
		if got := NumberWork(c.text); got < c.least || got > c.most {
			t.Errorf("NumberWork(%.30q) = %d, want %d to %d", c.text, got, c.least, c.most)
		}
	}
}
