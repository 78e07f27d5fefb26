package compare

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

// FuzzDead removes what Dead names from random directories: no decision
// changes, by the reference.
func FuzzDead(f *testing.F) {
	for i := range 64 {
		f.Add(uint64(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		r := rand.New(&byteSource{data: data, rest: rand.NewPCG(seed, 8)})
		d, requests := policygen.SmallFrom(r)
		removingDeadChangesNothing(t, withRelatives(r, d), mixed(r, requests, 100))
	})
}

var deadStatements atomic.Int64

// allDead finds the dead statements of all layers of a directory.
func allDead(d *policy.Directory) []Dead {
	var k Checker
	var out []Dead
	for _, name := range slices.Sorted(maps.Keys(d.Organizations)) {
		out = append(out, k.DeadInOrganization(d.Organizations[name].Policies)...)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Buckets)) {
		if doc := d.Buckets[name].Policy; doc != nil {
			out = append(out, k.DeadInBucket(name, doc)...)
		}
	}
	return out
}

func removingDeadChangesNothing(t *testing.T, d *policy.Directory, requests []*policy.Request) {
	t.Helper()
	named := allDead(d)
	deadStatements.Add(int64(len(named)))
	dead := map[string]map[int]bool{} // file and index
	for _, n := range named {
		if dead[n.Statement.File] == nil {
			dead[n.Statement.File] = map[int]bool{}
		}
		dead[n.Statement.File][n.Statement.Index] = true
	}
	for _, n := range named {
		if dead[n.Cover.File][n.Cover.Index] {
			t.Fatalf("%+v is covered by %+v, which is dead itself", n.Statement, n.Cover)
		}
	}
	without := edited(d, func(doc *policy.Document) {
		kept := doc.Statements[:0]
		for i, s := range doc.Statements {
			if !dead[doc.File][i] {
				kept = append(kept, s)
			}
		}
		doc.Statements = kept
	})
	before, after := reference.New(d), reference.New(without)
	for _, r := range requests {
		was, is := before.Evaluate(r).Decision, after.Evaluate(r).Decision
		if was != is {
			for _, n := range named {
				t.Logf("dead: %+v by %+v", n.Statement, n.Cover)
			}
			t.Fatalf("without %d dead statements %+v turned from %v into %v", len(named), *r, was, is)
		}
	}
}

// TestDeadOfManyWorlds is FuzzDead over many seeds, and sees that it finds
// something.
func TestDeadOfManyWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the dead statements of many worlds: FuzzDead runs its seeds")
	}
	deadStatements.Store(0)
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 9))
		d, requests := policygen.SmallFrom(r)
		removingDeadChangesNothing(t, withRelatives(r, d), mixed(r, requests, 60))
	}
	if n := deadStatements.Load(); n < 1000 {
		t.Errorf("%d dead statements in 100 worlds: the worlds or the search went wrong", n)
	} else {
		t.Logf("%d dead statements in 100 worlds", n)
	}
}
