package compare

import (
	"math/rand/v2"
	"strings"
	"testing"

	"postern/internal/reference"
)

func globs(patterns ...string) []glob {
	var out []glob
	for _, p := range patterns {
		g, _ := readGlob(p, false)
		out = append(out, g)
	}
	return out
}

func TestShortestText(t *testing.T) {
	for _, c := range []struct {
		name    string
		demands []demand
		avoid   []string
		want    string
		found   found
	}{
		{"nothing is asked", nil, nil, "", foundText},
		{"a literal", []demand{oneOf(globs("ab")...)}, nil, "ab", foundText},
		{"both", []demand{oneOf(globs("a*")...), oneOf(globs("*b")...)}, nil, "ab", foundText},
		{"one and not the other", []demand{oneOf(globs("a*")...), noneOf(globs("ab*", "a")...)}, nil, "ax", foundText},
		{"exactly three", []demand{oneOf(globs("???")...), noneOf(globs("x*", "*x", "?x?")...)}, nil, "yyy", foundText},
		{"a length that cannot be", []demand{oneOf(globs("??")...), oneOf(globs("???*")...)}, nil, "", foundNothing},
		{"covered together", []demand{oneOf(globs("a*")...), noneOf(globs("a", "a?*")...)}, nil, "", foundNothing},
		{"heads that differ", []demand{oneOf(globs("a*")...), oneOf(globs("b*")...)}, nil, "", foundNothing},
		{"one of none", []demand{oneOf()}, nil, "", foundNothing},
		{"none of none", []demand{noneOf()}, nil, "", foundText},
		{"a known word is avoided", []demand{oneOf(globs("a?")...)}, []string{"ax"}, "ay", foundText},
		{"the only word is avoided", []demand{oneOf(globs("ab")...)}, []string{"ab"}, "", foundNothing},
		{"a word behind an avoided one", []demand{oneOf(globs("ab*")...), noneOf(globs("*c*")...)}, []string{"ab", "abd"}, "abx", foundText},
		{"long patterns", []demand{oneOf(globs(strings.Repeat("a", 100) + "*" + strings.Repeat("b", 70))...)}, nil, strings.Repeat("a", 100) + strings.Repeat("b", 70), foundText},
	} {
		s := search{prefer: "xyz"}
		if c.avoid != nil {
			s.avoid = newWordTree(c.avoid...)
		}
		got, f := s.text(c.demands)
		if got != c.want || f != c.found {
			t.Errorf("%s: found %q (%d), want %q (%d)", c.name, got, f, c.want, c.found)
		}
	}
}

// TestLimitsAreTold: a search that ends at a limit never says that there is
// nothing.
func TestLimitsAreTold(t *testing.T) {
	hard := []demand{oneOf(globs("*a????????????????")...), noneOf(globs("*")...)}
	hard[1] = noneOf(globs("*b", "*c", "*x", "*a")...)
	if _, f := (search{maxStates: 1000, prefer: "x"}).text(hard); f != foundLimit {
		t.Errorf("states: %d", f)
	}
	if _, f := (search{maxChars: 3}).text([]demand{oneOf(globs("????")...)}); f != foundLimit {
		t.Errorf("characters: %d", f)
	}
}

// TestProductAgainstReference: globs match what the reference says, and what is
// found meets the demands; where nothing is found, no short text does.
func TestProductAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	word := func(letters string, n int) string {
		var b strings.Builder
		for range r.IntN(n + 1) {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	var texts []string
	for n := range 5 {
		for i := range pow(3, n) {
			text := ""
			for range n {
				text += string("abx"[i%3])
				i /= 3
			}
			texts = append(texts, text)
		}
	}
	nothing := 0
	for range 3000 {
		var demands []demand
		var patterns [][]string
		for range 1 + r.IntN(3) {
			var ps []string
			for range 1 + r.IntN(2) {
				ps = append(ps, word("ab*?", 5))
			}
			patterns = append(patterns, ps)
			demands = append(demands, demand{globs(ps...), r.IntN(3) > 0})
		}
		meets := func(text string) bool {
			for i, d := range demands {
				any := false
				for j, p := range patterns[i] {
					m := reference.Match(p, text)
					if m != d.globs[j].matches(text) {
						t.Fatalf("%q matches %q: the reference says %t", p, text, m)
					}
					any = any || m
				}
				if any == d.none {
					return false
				}
			}
			return true
		}
		text, f := search{prefer: "x"}.text(demands)
		if f == foundText && !meets(text) {
			t.Fatalf("found %q for %q %v", text, patterns, demands)
		}
		if f == foundNothing {
			nothing++
		}
		for _, other := range texts {
			if meets(other) && (f == foundNothing || len(other) < len(text)) {
				t.Fatalf("found %q (%d) for %q %v, and %q does", text, f, patterns, demands, other)
			}
		}
	}
	if nothing < 100 {
		t.Errorf("nothing was found %d times: the demands went wrong", nothing)
	}
}

func pow(a, n int) int {
	p := 1
	for range n {
		p *= a
	}
	return p
}

// TestBucketsOfGlobs: a bucket is among those of a glob if and only if the glob
// matches one of its objects.
func TestBucketsOfGlobs(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	word := func(letters string, n int) string {
		var b strings.Builder
		for range 1 + r.IntN(n) {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	met := 0
	for range 3000 {
		g := globs(word("ab/*?", 6))[0]
		bucket := word("ab", 3)
		got := false
		for _, b := range g.buckets() {
			got = got || b.matches(bucket)
		}
		object, f := search{}.text([]demand{oneOf(g), oneOf(behind(bucket))})
		if want := f == foundText; got != want {
			t.Fatalf("%v: the bucket %s is among its buckets: %t; an object %q (%d)", g, bucket, got, object, f)
		}
		if got {
			met++
		}
	}
	if met < 300 {
		t.Errorf("met %d times: the words went wrong", met)
	}
}
