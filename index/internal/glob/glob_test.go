package glob

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"postern/internal/reference"
)

// programOf reads `*` and `?` as wildcards.
func programOf(s string) string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	return strings.NewReplacer("*", "\xff", "?", "\xfe").Replace(s)
}

// spent matches, and returns what that took of a budget: the steps and the
// other work.
func spent(program, text string) (matched bool, steps, work int) {
	m := Matcher{budget: budget{left: math.MaxInt, free: math.MaxInt}}
	matched = m.Glob(program, text)
	return matched, math.MaxInt - m.left, math.MaxInt - m.free
}

// FuzzGlob holds matching to the reference's, and what it spends to the formula
// of specification 1.6. Both texts are repeated, so that patterns of up to 2,048
// bytes with many wildcards meet long texts; what stands before and behind
// makes it differ.
func FuzzGlob(f *testing.F) {
	for _, c := range [][2]string{
		{"", ""}, {"*", ""}, {"a*b*c", "aXbYc"}, {"?", "€"}, {"*??", "€"}, {"*?", "é"}, {"a?c", "abc"}, {"**a", "ba"}, {"a*", "b"},
		{"*\ufffd", "x\ufffd"}, {"a*b", "ab/b"}, {"*.*", "a.b.c"}, {"?*?", "ab"}, {"*a?", "aé"}, {"é?", "éa"}, {"a?é?", "aaéé"},
	} {
		f.Add(c[0], c[1], "", "", uint16(1))
		f.Add(c[0], c[1], "*", "b*", uint16(40))
		f.Add(c[0], c[1], "*a?b*", "?é*?", uint16(700))
	}
	f.Add("a?", "a", "*", "b1", uint16(1000))
	f.Add("é?", "éa", "*", "?*", uint16(300))
	f.Add("?", "€", "*", "b*", uint16(131))
	f.Fuzz(func(t *testing.T, pattern, text, before, behind string, times uint16) {
		for _, s := range []string{pattern, text, before, behind} {
			if !utf8.ValidString(s) {
				return
			}
		}
		repeat := func(s string, most int) string {
			return strings.Repeat(s, max(1, min(int(times), most/max(1, len(s)))))
		}
		pattern = before + repeat(pattern, 2048-len(before)-len(behind)) + behind
		text = repeat(text, 2048)
		if len(pattern) > 2048 || len(text) > 2048 {
			return
		}
		program := programOf(pattern)
		got, steps, work := spent(program, text)
		if want := reference.Match(pattern, text); got != want {
			t.Errorf("glob(%q, %q) = %v, want %v", pattern, text, got, want)
		}
		// The formula, or nothing where the ends settle it; other work is about
		// the ends, where an operation takes a character of four bytes at most, and
		// what it takes to begin.
		if formula := (len(program) + 63) / 64 * len(text); steps != 0 && steps != formula {
			t.Errorf("glob(%q, %q) took %d steps, want %d or none", pattern, text, steps, formula)
		}
		if most := 4*EndsWork + 16*len(program) + (EndsWork+200)*(1+strings.Count(pattern, "*")); work > most {
			t.Errorf("glob(%q, %q) took %d of other work, which is more than %d", pattern, text, work, most)
		}
		kind, literal := Classify(program)
		switch {
		case kind == Exact && (strings.ContainsAny(pattern, "*?") || literal != pattern):
			t.Errorf("%q is exact", pattern)
		case kind == Prefix && got != strings.HasPrefix(text, literal):
			t.Errorf("%q is a beginning, and %q", pattern, text)
		case got && !strings.HasPrefix(text, literal):
			t.Errorf("%q has the literal beginning %q and matches %q", pattern, literal, text)
		}
	})
}

// Steps are those of specification 1.6 where a test is made, whatever it finds,
// and none where the ends of the pattern say it all.
func TestGlobSteps(t *testing.T) {
	long := strings.Repeat("a", 2048)
	for _, c := range []struct {
		pattern, text string
		steps         int
	}{
		{"a*b", long + "b", 0},
		{"a*b", long, 0},
		{"x*a*a", long, 0},
		{"*" + strings.Repeat("a?", 1023) + "b", long, 0},
		{"*a*" + strings.Repeat("a", 2044), long[:2000], 0}, // too short a text
		{"*a*", long, 2048},
		{"*b*", long, 2048},
		{"*" + strings.Repeat("a?", 1000) + "*", long, 32 * 2048},
		{"*" + strings.Repeat("a?", 31) + "*", long, 2048},
		{"*" + strings.Repeat("a?", 31) + "a*", long, 2 * 2048},
		{strings.Repeat("*a?a", 500) + "b1", long + "b1", 32 * 2050},
	} {
		if _, steps, _ := spent(programOf(c.pattern), c.text); steps != c.steps {
			t.Errorf("%.20q... of %d bytes takes %d steps on %d bytes, want %d", c.pattern, len(c.pattern), steps, len(c.text), c.steps)
		}
	}
}

// Nothing matches once the budget is spent, and it stays spent.
func TestGlobOverBudget(t *testing.T) {
	m := Matcher{budget: budget{left: 99}}
	text := strings.Repeat("a", 100)
	if m.Glob("*", text); m.Over() {
		t.Fatalf("%d are left", m.left)
	}
	if m.Glob(programOf("*a*"), text) || !m.Over() || m.Glob("a", "a") {
		t.Errorf("%d are left, and it matches", m.left)
	}
	if zero := new(Matcher); zero.Glob("a", "a") {
		t.Error("a matcher without a budget matches")
	}
}

// A step takes about a nanosecond, whatever the pattern: this reports how long.
func BenchmarkGlobStep(b *testing.B) {
	for _, c := range []struct{ name, pattern, text string }{
		{"one word", "*" + strings.Repeat("a?", 30) + "b*", strings.Repeat("a", 8192)},
		{"two words", "*" + strings.Repeat("é?", 40) + "b*", strings.Repeat("éa", 2730)},
		{"three words", "*" + strings.Repeat("a?", 92) + "b*", strings.Repeat("éaa", 2048)},
		{"32 words", "*" + strings.Repeat("a?", 1020) + "b*", strings.Repeat("a", 2048)},
		{"32 words, short text", "*" + strings.Repeat("a?", 1020) + "b*", strings.Repeat("a", 2042)},
		{"many segments", strings.Repeat("*a?a", 500) + "b*", strings.Repeat("a", 2048)},
		{"many literals", strings.Repeat("*a", 1000) + "b*", strings.Repeat("a", 2048)},
		{"small", "*a?b*", "aaaaaaaa"},
	} {
		b.Run(c.name, func(b *testing.B) {
			program, total := programOf(c.pattern), 0
			m := new(Matcher)
			for b.Loop() {
				m.left, m.free = math.MaxInt, 0
				m.Glob(program, c.text)
				total += math.MaxInt - m.left
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(total), "ns/step")
		})
	}
}
