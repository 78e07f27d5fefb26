package fuzz

import (
	"math/rand/v2"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

// TestTreesAsLowered holds the lowering of Pulumi's trees to their direct
// evaluation, which the reference does, on a million random pairs of a tree
// and a request.
func TestTreesAsLowered(t *testing.T) {
	const each = 100
	trees := 10_000
	if testing.Short() {
		trees = 300
	}
	r := rand.New(rand.NewPCG(12, 34))
	reasons := map[policy.Reason]int{}
	var sc index.Scratch
	for i := range trees {
		effect := policy.EffectAllow
		if i%4 == 3 {
			effect = policy.EffectDeny
		}
		d, requests := policygen.SmallTreeFrom(r, effect, each)
		s, ds := compile.Compiler{}.Directory(d, 0)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		ref := reference.New(d)
		for _, request := range requests {
			got, want := s.Decide(request, &sc), ref.Evaluate(request).Decision
			if got != want {
				t.Fatalf("tree %d, %v, request %+v: decided %+v, want %+v", i, effect, *request, got, want)
			}
			reasons[got.Reason]++
		}
	}
	// The trees must say both yes and no, as Allows and as Denies.
	if n := trees * each; reasons[policy.Allowed] < n/100 || reasons[policy.IAMDeny] < n/100 || reasons[policy.IAMNoMatch] < n/10 {
		t.Errorf("of %d: %v", n, reasons)
	}
}
