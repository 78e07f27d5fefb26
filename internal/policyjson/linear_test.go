package policyjson

import (
	"fmt"
	"strings"
	"testing"
)

// hostile are files of n things each that a careless reader takes quadratic
// time for.
func hostile() map[string]func(n int) string {
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
	return map[string]func(n int) string{
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
	}
}

// TestHostileFiles reads hostile files of nearly the size that -max-file
// allows. Quadratic time would take an hour here, past any test's timeout.
func TestHostileFiles(t *testing.T) {
	for name, text := range hostile() {
		data := []byte(text(200_000))
		if f, ds := Parse("f", data, Limits{}); f.Kind == 0 && len(ds) == 0 {
			t.Errorf("%s: nothing was read", name)
		}
	}
}

// BenchmarkHostileFiles shows the time for a file and for one four times as
// long: ns/op has to grow by four.
func BenchmarkHostileFiles(b *testing.B) {
	for name, text := range hostile() {
		for _, n := range []int{15_000, 60_000} {
			data := []byte(text(n))
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					Parse("f", data, Limits{})
				}
			})
		}
	}
}
