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
	access := func(rest string) string { return `{"apiVersion": "postern/v1", ` + rest + `}` }
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

		"unknown scopes": func(n int) string {
			return access(`"defaults": {}, "bindings": [{"actions": [` + repeat(n, `"stack:rea%07d"`) + `]}]`)
		},
		"unknown services": func(n int) string { return access(`"bindings": [{"actions": [` + repeat(n, `"s%07d:read"`) + `]}]`) },
		"wildcard scopes": func(n int) string {
			return access(`"bindings": [{"actions": [` + repeat(n, `"stack:*e*d*%07d"`) + `]}]`)
		},
		"binding ids": func(n int) string { return access(`"bindings": [` + repeat(n, `{"id": "b%07d"}`) + `]`) },
		"group members": func(n int) string {
			return access(`"groups": {"g": {"members": [` + repeat(n, `"pulumi/u%07d"`) + `]}}`)
		},
		"groups": func(n int) string {
			return access(`"groups": {` + repeat(n, `"g%07d": {"members": ["group/g"]}`) + `}`)
		},
		"properties": func(n int) string {
			return access(`"entities": {"stack:x": {"properties": {` + repeat(n, `"p%07d": 1`) + `}}}`)
		},
		"claims": func(n int) string {
			return access(`"issuers": {"i": {"rules": [{"claims": {` + repeat(n, `"\"a.b\".%07d": "x"`) + `}}]}}`)
		},
		"claim paths": func(n int) string {
			return access(`"issuers": {"i": {"rules": [{"claims": {"` + strings.Repeat(`a.\"b.c\".`, n) + `": "x"}}]}}`)
		},
		"records":       func(n int) string { return `{"roles": [` + repeat(n, `{"id": "r%07d"}`) + `]}` },
		"record fields": func(n int) string { return `{"id": "1", "uxPurpose": "x", ` + repeat(n, `"f%07d": 1`) + `}` },
		"options": func(n int) string {
			return `{"details": {"options": [` + repeat(n, `{"value": {"__type": "PermissionLiteralExpressionNumber", "value": %d}}`) + `]}}`
		},
		"deep": func(n int) string {
			deep := strings.Repeat(`{"subNode":`, 50) + `{}` + strings.Repeat(`, "__type": "PermissionDescriptorCondition"}`, 50)
			return `{"details": {"entries": [` + strings.Repeat(deep+",", n/50) + deep + `]}}`
		},
	}
}

// TestHostileFiles reads hostile files of nearly the size that -max-file
// allows. Quadratic time would take an hour here, past any test's timeout.
func TestHostileFiles(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 10_000
	}
	for name, text := range hostile() {
		data := []byte(text(n))
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
