package statements

import (
	"fmt"
	"testing"

	"postern/index/internal/block"
	"postern/index/lowered"
)

func allowEverything(n int) *Policies {
	statements := make([]lowered.Statement, n)
	for i := range statements {
		statements[i] = lowered.Statement{
			Index:             i,
			Principals:        lowered.Principals{Everyone: true},
			Actions:           lowered.Actions{Known: lowered.ActionBits{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}},
			Resources:         []string{programOf("*")},
			WholeOrganization: true,
		}
	}
	return new(Freezer).New(statements, []lowered.Document{{Name: "p", File: "o1/access-policies/p.json"}}, nil, "", lowered.FormAuto)
}

func roaringForm(p *Policies) bool { return block.At(p.words, 0).Narrowing() != block.ByWords }

// TestFormChosen: words narrow a part of a few statements, Roaring a larger one.
func TestFormChosen(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: false, 64: false, 65: false, wordParts: false, wordParts + 1: true, 1000: true} {
		if got := roaringForm(allowEverything(n)); got != want {
			t.Errorf("%d statements: Roaring %v, want %v", n, got, want)
		}
	}
}

// TestStatementsLieInTheirBuckets: what names a bucket literally is asked for
// that bucket alone.
func TestStatementsLieInTheirBuckets(t *testing.T) {
	for _, c := range []struct {
		resources []string
		buckets   int
		wide      int
	}{
		{[]string{"b", "b/*"}, 1, 0},
		{[]string{"b/x", "c/*/y"}, 2, 0},
		{[]string{"b*"}, 0, 1},
		{[]string{"b/x", "*"}, 0, 1},
		{[]string{"b?/x"}, 0, 1},
	} {
		s := lowered.Statement{Principals: lowered.Principals{Everyone: true}}
		for _, r := range c.resources {
			s.Resources = append(s.Resources, programOf(r))
		}
		p := new(Freezer).New([]lowered.Statement{s}, []lowered.Document{{}}, nil, "", lowered.FormAuto)
		buckets, wide := len(p.buckets.used), block.At(p.words, 0).Count()
		if buckets != c.buckets || wide != c.wide {
			t.Errorf("%v: %d bucket parts and %d wide statements, want %d and %d", c.resources, buckets, wide, c.buckets, c.wide)
		}
	}
	var many lowered.Statement
	for i := range maxBuckets + 1 {
		many.Resources = append(many.Resources, programOf(fmt.Sprintf("b%d/*", i)))
	}
	if p := new(Freezer).New([]lowered.Statement{many}, []lowered.Document{{}}, nil, "", lowered.FormAuto); len(p.buckets.used) != 0 {
		t.Errorf("a statement on %d buckets is copied into each", maxBuckets+1)
	}
}
