package policygen

import (
	"cmp"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postern/internal/request"
	"postern/policy"
)

// TestRequestsAreLetThrough: every request is one that internal/request lets
// through, and to which it has nothing to add.
func TestRequestsAreLetThrough(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out whether all that the generator asks is well formed")
	}
	checked := 0
	check := func(from string, r *policy.Request) {
		t.Helper()
		if len(r.Principal.IDs) == 0 {
			return // what is left of a token, which nobody knows
		}
		after := *r
		after.Context = slices.DeleteFunc(slices.Clone(r.Context), func(a policy.Attribute) bool { return derived(r, a) })
		after.Resource.Kind = policy.ResourceNone
		if err := request.Check(&after); err != nil {
			t.Fatalf("%s: %v: %+v", from, err, r)
		}
		byKey := func(a, b policy.Attribute) int { return cmp.Compare(a.Key, b.Key) }
		before := *r
		before.Context = slices.SortedFunc(slices.Values(r.Context), byKey)
		after.Context = slices.SortedFunc(slices.Values(after.Context), byKey)
		if !reflect.DeepEqual(after, before) {
			t.Fatalf("%s: became\n%+v\nfrom\n%+v", from, after, before)
		}
		checked++
	}
	for seed := range uint64(600) {
		_, requests := Small(seed)
		for _, r := range requests {
			check("small", r)
		}
		_, requests = SmallAccess(seed)
		for _, r := range requests {
			check("small with an iam layer", r)
		}
		_, requests = SmallTreeFrom(rand.New(rand.NewPCG(seed, 5)), policy.EffectAllow, 3)
		for _, r := range requests {
			check("tree", r)
		}
	}
	for _, shape := range shapes {
		questions := shape.make(5).Requests(100)
		for i := range questions {
			check(shape.name, &questions[i].Request)
		}
	}
	if checked < 10_000 {
		t.Errorf("only %d requests", checked)
	}
}

// derived tells the time keys that internal/request has added to what r
// states.
func derived(r *policy.Request, a policy.Attribute) bool {
	epochStated := slices.ContainsFunc(r.Context, func(a policy.Attribute) bool {
		return strings.EqualFold(a.Key, "aws:EpochTime") && len(a.Values) == 1 && a.Values[0].Text == derivedFrom
	})
	if epochStated {
		return strings.EqualFold(a.Key, "aws:CurrentTime")
	}
	return strings.EqualFold(a.Key, "aws:EpochTime")
}
