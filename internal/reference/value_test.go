package reference

import (
	"math"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-0": 0, "10": 10, "10.50": 10.5, "1e2": 100, "1E+2": 100, "1e-2": 0.01, "-3": -3, "1e308": 1e308, "1e-999": 0,
		"9007199254740993": 9007199254740992,
	} {
		if got, ok := readNumber(text); !ok || got != want {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", " 1", "1 ", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "0x10", "NaN", "Inf", "-Infinity", "1_000", "1e309", "-1e309", "１", "1\n", "true", "1,0"} {
		if got, ok := readNumber(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]instant{
		"1970-01-01": {0, 0}, "0": {0, 0}, "007": {7, 0}, "2026": {2026, 0}, "9223372036854775807": {math.MaxInt64, 0},
		"2026-01-02": {1767312000, 0}, "2024-02-29": {1709164800, 0}, "2000-02-29T00:00Z": {951782400, 0},
		"1970-01-01T00:01Z": {60, 0}, "1970-01-01T00:00:01Z": {1, 0}, "1970-01-01T00:00:01.5Z": {1, 500000000},
		"1970-01-01T00:00:00.000000001Z": {0, 1}, "1969-12-31T23:59:59.25Z": {-1, 250000000}, "1970-01-01T01:00+01:00": {0, 0},
		"1970-01-01T00:00:00-23:59": {86340, 0}, "1969-12-31T23:30:00.0-00:30": {0, 0}, "1970-01-01T23:59:59Z": {86399, 0},
	} {
		if got, ok := readDate(text); !ok || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "-5", "+5", "9223372036854775808", "1.5", "1970-1-1", "1970-01-00", "1970-00-01", "1970-13-01", "1970-01-32", "2023-02-29",
		"1900-02-29", "1970-01-01T00:00", "1970-01-01T00:00:00", "1970-01-01t00:00Z", "1970-01-01T00:00z", "1970-01-01 00:00Z",
		"1970-01-01T24:00Z", "1970-01-01T00:60Z", "1970-01-01T00:00:60Z", "1970-01-01T0:00Z", "1970-01-01T00Z", "1970-01-01T00:00:00.Z",
		"1970-01-01T00:00:00.0000000001Z", "1970-01-01T00:00+0100", "1970-01-01T00:00+24:00", "1970-01-01T00:00+01:60", "1970-01-01T00:00+01",
		"1970-01-01Z", "01970-01-01", "1970-01-01T00:00.5Z", "1970-01-01T00:00:00,5Z", "1970-01-01\n", "١٩٧٠",
	} {
		if got, ok := readDate(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestBooleansAndBinaries(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "TRUE": true, "False": false} {
		if got, ok := readBool(text); !ok || got != want {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1", "yes", " true", "tru", "fal\u017fe"} {
		if _, ok := readBool(text); ok {
			t.Errorf("%q is read", text)
		}
	}
	for text, want := range map[string]string{"": "", "YQ==": "a", "YWE=": "aa", "YWFh": "aaa", "+/+/": "\xfb\xff\xbf"} {
		if got, ok := readBinary(text); !ok || string(got) != want {
			t.Errorf("%q is %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"YQ", "YQ=", "YR==", "Y", "YQ==\n", "YW\r\nFh", "-_-_", " YWFh", "YQ== "} {
		if _, ok := readBinary(text); ok {
			t.Errorf("%q is read", text)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		wanted  string
		holds   string
		without string
	}{
		{"10.0.0.0/8", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3", "11.0.0.0 9.255.255.255 ::10.0.0.1 ::"},
		{"10.1.2.3/8", "10.0.0.0 10.255.255.255", "11.0.0.0"}, // host bits are cleared
		{"10.1.2.3", "10.1.2.3 ::ffff:a01:203", "10.1.2.4 ::a01:203"},
		{"0.0.0.0/0", "0.0.0.0 255.255.255.255 ::ffff:1.2.3.4", ":: ::1"},
		{"::/0", ":: ffff::", "1.2.3.4 ::ffff:1.2.3.4"},
		{"::ffff:10.0.0.0/104", "10.0.0.1 ::ffff:10.9.9.9", "11.0.0.1 ::1"},
		{"::ffff:0.0.0.0/96", "1.2.3.4", "::1"},
		{"::ffff:10.0.0.0/95", "::fffe:1.2.3.4", "10.0.0.1 ::ffff:10.0.0.1"},
		{"::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"},
		{"2001:DB8::/32", "2001:db8:1::1 2001:0db8:0001::1", "2001:db9::"},
		{"10.0.0.1/32", "10.0.0.1", "10.0.0.2"}, {"::1/128", "::1", "::2"},
	} {
		r, ok := readRange(c.wanted)
		if !ok {
			t.Errorf("%s is not read", c.wanted)
			continue
		}
		for text, want := range addresses(c.holds, c.without) {
			a, ok := readAddress(text)
			if !ok || r.Contains(a) != want {
				t.Errorf("%s holds %s: %v, want %v", c.wanted, text, !want, want)
			}
		}
	}
	for _, text := range []string{"", "10.0.0", "10.0.0.01", "010.0.0.1", "10.0.0.1:80", "[::1]", "fe80::1%eth0", "::1%", "10.0.0.0/8", "1.2.3.4 ", "0x1.2.3.4", "256.1.1.1", "::ffff:1.2.3.04", "*"} {
		if a, ok := readAddress(text); ok {
			t.Errorf("%q is read as %s", text, a)
		}
	}
	for _, text := range []string{"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "::/129", "fe80::1%eth0/64", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.0/255.0.0.0"} {
		if r, ok := readRange(text); ok {
			t.Errorf("%q is read as %s", text, r)
		}
	}
}

func addresses(holds, without string) map[string]bool {
	out := map[string]bool{}
	for _, a := range strings.Fields(holds) {
		out[a] = true
	}
	for _, a := range strings.Fields(without) {
		out[a] = false
	}
	return out
}
