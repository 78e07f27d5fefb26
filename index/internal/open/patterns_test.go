package open

import (
	"math/rand/v2"
	"strings"
	"testing"

	"postern/index/internal/glob"
)

// programOf reads `*` and `?` as wildcards.
func programOf(s string) string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	return strings.NewReplacer("*", "\xff", "?", "\xfe").Replace(s)
}

func random(r *rand.Rand, alphabet string, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// TestPatternsAreWide: what MayMeet and Covers say of two programs is so of every
// short text: two that match one text may meet, and one that covers another
// matches whatever that does. Both stays with what both match.
func TestPatternsAreWide(t *testing.T) {
	var texts []string
	for n := range 6 {
		for bits := range 1 << n {
			text := ""
			for i := range n {
				text += string("ab"[bits>>i&1])
			}
			texts = append(texts, text)
		}
	}
	r := rand.New(rand.NewPCG(13, 2))
	met, covered, apart := 0, 0, 0
	for range 4000 {
		a, b := programOf(random(r, "ab*?", 5)), programOf(random(r, "ab*?", 5))
		p := &Patterns{}
		may, covers := p.MayMeet(a, b), Covers(a, b)
		both := p.Both([]Admitted{{Program: a}}, []Admitted{{Program: b}})
		for _, text := range texts {
			inA, inB := glob.Match(a, text), glob.Match(b, text)
			if inA && inB {
				met++
				if !may {
					t.Fatalf("%q and %q match %q, and may not meet", a, b, text)
				}
				if len(both) != 1 || !glob.Match(both[0].Program, text) {
					t.Fatalf("%q and %q match %q, which is not in what both admit: %+v", a, b, text, both)
				}
			}
			if covers {
				covered++
				if inB && !inA {
					t.Fatalf("%q covers %q, which alone matches %q", a, b, text)
				}
			}
		}
		if !may {
			apart++
		}
	}
	if met < 1000 || covered < 1000 || apart < 1000 {
		t.Errorf("%d texts of two, %d under a cover, %d pairs apart: too few to tell", met, covered, apart)
	}
}

// TestPatternsEnd: the work on patterns ends at its bound, or when it is told to,
// and says so.
func TestPatternsEnd(t *testing.T) {
	p := &Patterns{}
	for range maxWork {
		if !p.Look() {
			t.Fatal("the work ends before its bound")
		}
	}
	if p.Look() || !p.Truncated || p.Stopped {
		t.Errorf("past the bound: %+v", p)
	}
	asked := 0
	p = &Patterns{More: func() bool { asked++; return asked < 3 }}
	looks := 0
	for p.Look() {
		looks++
	}
	if looks != 3*looksBetween-1 || !p.Truncated || !p.Stopped {
		t.Errorf("told to stop at the third question: %d looks, %+v", looks, p)
	}
}
