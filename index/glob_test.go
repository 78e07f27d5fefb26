package index

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// programOf reads `*` and `?` as wildcards.
func programOf(s string) string {
	var p Program
	for _, r := range s {
		switch r {
		case '*':
			p.AnyRun()
		case '?':
			p.AnyOne()
		default:
			p.Literal(string(r))
		}
	}
	return p.String()
}

// matchTable is the definition of a match: a table over all pairs of ends.
func matchTable(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	ok := make([][]bool, len(p)+1)
	for i := range ok {
		ok[i] = make([]bool, len(t)+1)
	}
	ok[0][0] = true
	for i := 1; i <= len(p); i++ {
		for j := 0; j <= len(t); j++ {
			switch {
			case p[i-1] == '*':
				ok[i][j] = ok[i-1][j] || j > 0 && ok[i][j-1]
			case j > 0 && (p[i-1] == '?' || p[i-1] == t[j-1]):
				ok[i][j] = ok[i-1][j-1]
			}
		}
	}
	return ok[len(p)][len(t)]
}

func FuzzGlob(f *testing.F) {
	for _, c := range [][2]string{
		{"", ""}, {"*", ""}, {"a*b*c", "aXbYc"}, {"?", "€"}, {"*??", "€"}, {"*?", "é"}, {"a?c", "abc"}, {"**a", "ba"}, {"a*", "b"},
		{"*\ufffd", "x\ufffd"}, {"a*b", "ab/b"}, {"*.*", "a.b.c"}, {"?*?", "ab"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 200 || !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			return
		}
		program := programOf(pattern)
		if got, want := glob(program, text), matchTable(pattern, text); got != want {
			t.Errorf("glob(%q, %q) = %v, want %v", pattern, text, got, want)
		}
		kind, literal := classify(program)
		switch {
		case kind == patternExact && (strings.ContainsAny(pattern, "*?") || literal != pattern):
			t.Errorf("%q is exact", pattern)
		case kind == patternPrefix && glob(program, text) != strings.HasPrefix(text, literal):
			t.Errorf("%q is a beginning, and %q", pattern, text)
		case glob(program, text) && !strings.HasPrefix(text, literal):
			t.Errorf("%q has the literal beginning %q and matches %q", pattern, literal, text)
		}
	})
}

func TestGlobAttack01Steps(t *testing.T) {
	// Attack class 1: eight runs on a long text took another engine 22 s. Here
	// it is bounded by pattern x text steps, 16 million of them at most.
	text := strings.Repeat("a", 8192)
	if glob(programOf(strings.Repeat("*a", 1000)+"b"), text) {
		t.Error("matched")
	}
}

func TestProgramKeepsVariablesApart(t *testing.T) {
	// A variable's number must not be taken for an operation by what follows.
	for _, n := range []int{0, 127, 128, 255, 16383, MaxVariables - 1} {
		var p Program
		p.Variable(n)
		p.AnyRun()
		if got := p.String(); len(got) != 5 || got[4] != opRun {
			t.Errorf("variable %d and a run give %x", n, got)
		}
		for _, c := range []byte(p.String()[1:4]) {
			if c >= utf8.RuneSelf {
				t.Errorf("variable %d gives %x", n, p.String())
			}
		}
	}
}
