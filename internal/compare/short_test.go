package compare

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"postern/policy"
)

// randomPattern is a pattern of few letters, so that many cover one another.
func randomPattern(r *rand.Rand) string {
	out := []string{"", "", "b", "b/", "b/a", "c", "$"}[r.IntN(7)]
	for range r.IntN(5) {
		out += []string{"a", "b", "/", "*", "?", "*"}[r.IntN(6)]
	}
	if out == "" {
		return "*"
	}
	return out
}

// TestShortcutsOfResources: what is told of resources by their texts alone, or by a
// sample, is what the search tells that has no shortcut.
func TestShortcutsOfResources(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 4))
	var k Checker
	organization, bucket := k.organization(), k.bucket("b")
	told := map[bool]int{}
	for range 20_000 {
		in := bucket
		if r.IntN(2) == 0 {
			in = organization
		}
		read := func(n int) *clause {
			s := policy.Statement{Effect: policy.EffectAllow, Actions: []string{"s3:GetObject"}}
			for range n {
				s.Resources = append(s.Resources, randomPattern(r))
			}
			return in.read(&policy.Document{Statements: []policy.Statement{s}})[0]
		}
		inner, outer := read(1), read(1+r.IntN(3))
		demands := append(in.domain(), oneOf(inner.globs(true)...))
		_, f := search{maxStates: 20_000}.text(append(slices.Clone(demands), noneOf(outer.globs(true)...)))
		want := f == foundNothing
		if got := within(demands, outer.globs(true)); got != want {
			t.Fatalf("%s: within says %t of %q in %q, and the search %t", in.layer, got, inner.Resources, outer.Resources, want)
		}
		if got, known := in.plainly(inner.resources[0], outer); known {
			told[got]++
			if got != want {
				t.Fatalf("%s: plainly says %t of %q in %q, and the search %t", in.layer, got, inner.Resources, outer.Resources, want)
			}
		}
		_, f = search{maxStates: 20_000}.text(demands)
		if got := in.speaksOfNothing(inner); got != (f == foundNothing) {
			t.Fatalf("%s: %q speaks of nothing: %t", in.layer, inner.Resources, got)
		}
	}
	if told[true] < 1000 || told[false] < 500 {
		t.Errorf("told %v times by texts alone", told)
	}
}

// TestMayCoverLeavesOutNothing: two statements of a bucket's policy that mayCover parts
// by their texts do not cover one another.
func TestMayCoverLeavesOutNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 6))
	var k Checker
	in := k.bucket("b")
	covered, parted := 0, 0
	for range 20_000 {
		doc := &policy.Document{Variables: r.IntN(2) == 0}
		for range 2 {
			s := policy.Statement{
				Effect: []policy.Effect{policy.EffectAllow, policy.EffectDeny}[r.IntN(2)], Actions: []string{"s3:GetObject"}, NotResource: r.IntN(8) == 0,
				Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}},
			}
			for range 1 + r.IntN(3) {
				s.Resources = append(s.Resources, randomPattern(r))
			}
			doc.Statements = append(doc.Statements, s)
		}
		both := in.read(doc)
		a, b := both[0], both[1]
		if a.Effect == policy.EffectAllow && b.Effect == policy.EffectDeny {
			continue
		}
		may := mayCover("b", a.Statement, b.Statement)
		if !may {
			parted++
		}
		if in.covers(a, b) {
			if covered++; !may {
				t.Fatalf("%+v covers %+v, and mayCover parts them", a.Statement, b.Statement)
			}
		}
	}
	if covered < 1000 || parted < 500 {
		t.Errorf("%d pairs covered, %d parted", covered, parted)
	}
}

// TestNeighboursLeaveOutNothing: of many statements, those that an index does not
// name cover nothing.
func TestNeighboursLeaveOutNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 5))
	var k Checker
	in := k.organization()
	covered := 0
	for range 6 {
		doc := &policy.Document{File: "f"}
		for i := range manyStatements + 50 {
			s := policy.Statement{Name: fmt.Sprint(i), Effect: policy.EffectAllow, Actions: []string{"s3:GetObject"}}
			for range 1 + r.IntN(2) {
				s.Principals = append(s.Principals, []policy.PrincipalPattern{
					{Kind: policy.PrincipalEveryone},
					{Kind: policy.PrincipalExact, Name: "role/a"}, {Kind: policy.PrincipalExact, Name: "role/ab"}, {Kind: policy.PrincipalExact, Name: "user/a"},
					{Kind: policy.PrincipalPrefix, Name: "role/"}, {Kind: policy.PrincipalPrefix, Name: "role/a"},
				}[r.IntN(6)])
				s.Resources = append(s.Resources, randomPattern(r))
			}
			doc.Statements = append(doc.Statements, s)
		}
		clauses := in.read(doc)
		near := newNeighbours(in, clauses)
		if near.heads == nil || near.callers == nil {
			t.Fatal("there is no index")
		}
		for i, b := range clauses {
			named := map[int]bool{}
			near.of(i, func(i int) bool { named[i] = true; return true })
			for i, a := range clauses {
				if in.covers(a, b) {
					if covered++; !named[i] {
						t.Fatalf("%+v covers %+v, and the index does not name it", a.Statement, b.Statement)
					}
				}
			}
		}
	}
	if covered < 10_000 {
		t.Errorf("only %d statements were covered", covered)
	}
}
