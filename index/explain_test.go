package index_test

import (
	"slices"
	"testing"

	"postern/compile"
	"postern/internal/policygen"
	"postern/policy"
)

// TestNearestHasItsConditions: over random worlds, a nearest Allow that fails on
// its condition tells which, by an operator that policies know, within bounds;
// and one that does not tells none.
func TestNearestHasItsConditions(t *testing.T) {
	told := 0
	for seed := range uint64(80) {
		d, requests := policygen.Small(seed)
		s, ds := compile.Compiler{}.Directory(d, 1)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		for _, r := range requests {
			n := s.Explain(r).Nearest
			if n == nil || n.Statement.Layer == policy.LayerIAM {
				continue
			}
			if slices.Contains(n.Failed, "condition") != (len(n.Conditions) > 0) {
				t.Fatalf("seed %d: %+v of %+v", seed, n, r)
			}
			for _, c := range n.Conditions {
				if _, ok := policy.ParseOperator(c.Operator); !ok || c.Key == "" || len(c.Values) == 0 || len(c.Values) > policy.MaxFailedConditions+1 {
					t.Fatalf("seed %d: %+v", seed, c)
				}
				told++
			}
		}
	}
	if told < 100 {
		t.Errorf("only %d conditions; the test says little", told)
	}
}
