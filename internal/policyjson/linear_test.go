package policyjson

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Reading a file takes time linear in its size, whatever stands in it: four
// times the file may take nine times as long, not the sixteen of a square.
func TestLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	statement := func(rest string) string {
		return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Resource": "*", ` + rest + `}}`
	}
	for name, text := range map[string]func(n int) string{
		"unknown fields": func(n int) string { return "{" + repeat(n, `"field%07d": 1`) + "}" },
		"one tag":        func(n int) string { return "{" + repeat(n, `"%07dfield-of-one-tag": 1`) + "}" },
		"condition keys": func(n int) string {
			return statement(`"Action": "*", "Condition": {"StringEquals": {` + repeat(n, `"k%07d": "v"`) + `}}`)
		},
		"for all values": func(n int) string {
			return statement(`"Action": "*", "Condition": {"ForAllValues:StringEquals": {` + repeat(n, `"k%07d": "v"`) + `}}`)
		},
		"operators": func(n int) string {
			return statement(`"Action": "*", "Condition": {` + repeat(n, `"Op%07d": {"k": "v"}`) + `}`)
		},
		"unknown actions":  func(n int) string { return statement(`"Action": [` + repeat(n, `"s3:GetObjec%07d"`) + `]`) },
		"wildcard actions": func(n int) string { return statement(`"Action": [` + repeat(n, `"s3:*e*t*%07d"`) + `]`) },
		"dollars": func(n int) string {
			return statement(`"Action": "*", "Condition": {"StringEquals": {"k": "` + strings.Repeat("${$}$", n) + `"}}`)
		},
		"open variables": func(n int) string {
			return statement(`"Action": "*", "Condition": {"StringEquals": {"k": [` + repeat(n, `"${${${ %d"`) + `]}}`)
		},
		"statement names": func(n int) string { return `{"statements": [` + repeat(n, `{"name": "s%07d"}`) + `]}` },
		"line ends": func(n int) string {
			return `{"statements": [` + strings.Repeat("\n", 10*n) + repeat(n, "\n{\"effect\": %d}") + `]}`
		},
		"escapes": func(n int) string { return `{"name": "` + strings.Repeat(`\u00e9`, n) + `"}` },
		"buckets": func(n int) string { return `{"buckets": [` + repeat(n, `"b%07d"`) + `]}` },
	} {
		measure := func(n int) time.Duration {
			data := []byte(text(n))
			best := time.Hour
			for range 3 {
				start := time.Now()
				Parse("f", data, Limits{})
				best = min(best, time.Since(start))
			}
			return best
		}
		// Advice is bounded by count, so both sizes lie past its bounds.
		const n = 15_000
		// A busy machine may slow one measurement; what is not linear is slow
		// each time.
		const tries = 5
		for try := 1; ; try++ {
			small, large := measure(n), measure(4*n)
			t.Logf("%-16s %v, %v", name, small, large)
			if large <= 9*small+20*time.Millisecond {
				break
			}
			if try == tries {
				t.Errorf("%s: %v for %d, %v for %d", name, small, n, large, 4*n)
				break
			}
		}
	}
}
