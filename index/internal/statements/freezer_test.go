package statements

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"postern/index/internal/block"
	"postern/index/lowered"
)

// TestFreezerForgets: what New freezes does not depend on what was frozen
// before with the same memory, and refers to nothing that it was given.
func TestFreezerForgets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	random := func(n int) (list []lowered.Statement, texts [][]byte) {
		text := func(format string, args ...any) string {
			b := fmt.Appendf(nil, format, args...)
			texts = append(texts, b)
			return block.Alias(b)
		}
		for i := range n {
			s := lowered.Statement{Index: i, Name: text("s%d", i), Deny: r.IntN(4) == 0, Actions: lowered.Actions{Known: lowered.ActionBits{1 << r.IntN(3)}}}
			for range 1 + r.IntN(3) {
				s.Principals.Exact = append(s.Principals.Exact, lowered.Name{Org: text("o%d", r.IntN(2)), Text: text("role/%d", r.IntN(40))})
			}
			if r.IntN(5) == 0 {
				s.Principals.Prefix = []lowered.Name{{Text: text("saml/%d", r.IntN(9))}, {Text: text("saml/")}}
			}
			for range 1 + r.IntN(2) {
				s.Resources = append(s.Resources, text("b%d/p%d/\xff", r.IntN(5), r.IntN(9)))
			}
			s.Conditions = []lowered.Condition{{Operator: lowered.Operator{Compare: lowered.CompareText}, Key: lowered.Key{Name: text("k%d", i%3)}, Values: []lowered.Value{{Text: text("v%d", i%5)}}}}
			list = append(list, s)
		}
		return list, texts
	}
	documents := []lowered.Document{{Name: "p", File: "o1/access-policies/p.json"}}
	var f freezer
	for range 200 {
		list, texts := random(r.IntN(30) * r.IntN(30))
		for _, bucket := range []string{"", "b1"} {
			used := f.policies(list, documents, nil, bucket, lowered.FormAuto)
			first := new(freezer).policies(list, documents, nil, bucket, lowered.FormAuto)
			if !slices.Equal(used.words, first.words) || !slices.Equal(used.buckets.used, first.buckets.used) {
				t.Fatalf("%d statements of %q: frozen otherwise with memory that was used before", len(list), bucket)
			}
			words := slices.Clone(used.words)
			if bucket != "" { // the last time
				for _, b := range texts {
					clear(b)
				}
				if !slices.Equal(used.words, words) {
					t.Fatal("the words changed with the texts")
				}
				for _, x := range used.roaring {
					for name := range x.names {
						if name[0] == 0 {
							t.Fatal("the names of a large part changed with the texts")
						}
					}
				}
			}
		}
	}
}
