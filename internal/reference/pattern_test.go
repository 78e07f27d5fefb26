package reference

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPatterns: 1.6.
func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"*", "", true}, {"?", "", false}, {"**", "", true},
		{"*", "a/b", true}, {"a*", "a", true}, {"a*", "ab/c", true}, {"*a", "ba", true}, {"*a", "ab", false},
		{"a*b", "ab", true}, {"a*b", "aXXb", true}, {"a*b", "aXXbc", false}, {"a*b*c", "abXbc", true},
		{"a?c", "abc", true}, {"a?c", "a/c", true}, {"a?c", "ac", false}, {"a?c", "aéc", true}, {"a?c", "a日c", true}, {"a??c", "aéc", false},
		{"a?c", "ae\u0301c", false}, {"a??c", "ae\u0301c", true}, {"?*", "", false}, {"?*", "x", true}, {"*?*", "", false},
		{"logs-*", "logs-1/key", true}, {"logs-*", "logs", false}, {"b/*", "b", false}, {"b/*", "b/", true}, {"b", "B", false},
		{"[a-z]", "a", false}, {"[a-z]", "[a-z]", true}, {`\*`, `\x`, true}, {`\*`, "*", false}, {"${x}", "${x}", true},
		{"é", "e\u0301", false}, {"*\x00?", "a\x00b", true},
		{"a*a*a*a*a*a*a*a*b", strings.Repeat("a", 300), false},
	} {
		if got := plainPattern(c.pattern).matches(c.text); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.text, got)
		}
	}
}

// TestPatternsAgainstRecursion holds the matcher against the definition of 1.6
// as a recursion, on all kinds of short patterns and texts.
func TestPatternsAgainstRecursion(t *testing.T) {
	var recursive func(p, s string) bool
	recursive = func(p, s string) bool {
		if p == "" {
			return s == ""
		}
		_, size := utf8.DecodeRuneInString(s)
		switch p[0] {
		case '*':
			return recursive(p[1:], s) || s != "" && recursive(p, s[size:])
		case '?':
			return s != "" && recursive(p[1:], s[size:])
		}
		return s != "" && p[0] == s[0] && recursive(p[1:], s[1:])
	}
	random := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet []string, n int) string {
		var b strings.Builder
		for range random.IntN(n) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	matched := 0
	for range 20_000 {
		p, s := text([]string{"a", "b", "é", "*", "?", "*"}, 7), text([]string{"a", "b", "é"}, 8)
		want := recursive(p, s)
		if got := plainPattern(p).matches(s); got != want {
			t.Fatalf("%q matches %q: %v, want %v", p, s, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 2000 {
		t.Errorf("only %d pairs matched", matched)
	}
}

// TestActionNames: 1.2.
func TestActionNames(t *testing.T) {
	for _, c := range []struct {
		pattern, action string
		want            bool
	}{
		{"s3:GetObject", "s3:HeadObject", true}, {"s3:HeadObject", "s3:GetObject", false}, {"s3:head*", "s3:HeadObject", true},
		{"s3:PutLifecycleConfiguration", "s3:PutBucketLifecycleConfiguration", true},
		{"s3:PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", true},
		{"s3:ListBucket", "s3:ListObjectsV2", true}, {"s3:DeleteObject", "s3:DELETEOBJECTS", true}, {"s3:PutObject", "s3:UploadPart", true},
		{"S3:getobject", "s3:GetObject", true}, {"s3:Get?bject", "s3:GetObject", true}, {"s3:Frob*", "s3:Frobnicate", true},
		{"s3:Get*", "s3:PutObject", false}, {"s3:*", "s3:", true}, {"*", "s3:Frobnicate", true}, {"s3:\u212aey", "s3:key", false},
	} {
		got := false
		for _, n := range actionNames(c.action) {
			got = got || plainPattern(lowerASCII(c.pattern)).matches(lowerASCII(n))
		}
		if got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.action, got)
		}
	}
}

// TestBehind: 1.2, against every key of a few characters. Keys of one more than
// a pattern has characters tell all that longer ones would.
func TestBehind(t *testing.T) {
	const beginning = "a/"
	patterns, keys := []string{""}, []string{}
	for from, n := 0, 0; n < 4; n++ {
		to := len(patterns)
		for ; from < to; from++ {
			for _, c := range []string{"a", "/", "é", "*", "?"} {
				patterns = append(patterns, patterns[from]+c)
			}
		}
	}
	grow := []string{""}
	for range 5 {
		var longer []string
		for _, k := range grow {
			for _, c := range []string{"a", "/", "é"} {
				longer = append(longer, k+c)
			}
		}
		grow = longer
		keys = append(keys, longer...)
	}
	some, all := 0, 0
	for _, text := range patterns {
		p := plainPattern(text)
		wantSome, wantAll := false, true
		for _, key := range keys {
			if p.matches(beginning + key) {
				wantSome = true
			} else {
				wantAll = false
			}
		}
		if got := p.matchesSomeBehind(beginning); got != wantSome {
			t.Fatalf("%q matches some behind: %v", text, got)
		}
		if got := p.matchesAllBehind(beginning); got != wantAll {
			t.Fatalf("%q matches all behind: %v", text, got)
		}
		if wantSome {
			some++
		}
		if wantAll {
			all++
		}
	}
	if some < 100 || all < 20 {
		t.Errorf("of %d patterns %d match some and %d all", len(patterns), some, all)
	}
}
