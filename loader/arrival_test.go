package loader

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"postern/index"
	"postern/loader/internal/burst"
	"postern/policy"
)

// surveyed looks once at everything and checks how many organizations are
// arriving then.
func (tr *testTree) surveyed(want int) {
	tr.t.Helper()
	p := burst.Batch{All: true}
	tr.l.lookAt(tr.t.Context(), p)
	if n, _ := tr.waits(); n != want {
		tr.t.Errorf("%d organizations are arriving, want %d", n, want)
	}
}

// "An organization's folder that appears is taken when it has been at rest for
// 250 ms (30 s at most), whole"
func TestOrganizationArrives(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Hold = time.Hour
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.start()
	tr.want("o1", "b", policy.OwnerUnknown) // not at the first load

	for _, step := range []func(){
		func() { tr.mkdir("o2/buckets/.~tmp~") },
		func() { tr.write("o2/access-policies/.~tmp~/p.json", allowAll("p")) },
		func() { tr.write("o2/buckets/.~tmp~/b.json", denyAll("b")) },
		func() { tr.write("o2/buckets/.c.json.Rk3", "") },
		func() { tr.write("o2/access-policies/p.json", allowAll("p")) },
		func() { tr.write("o2/buckets.json", `{"buckets":["b"]}`) },
		func() { tr.write("o2/buckets/b.json", denyAll("b")[:20]) },
		func() { tr.write("o2/buckets/b.json", denyAll("b")) },
		func() { tr.write("o2/iam/x.json", iamAllowed) },
	} {
		step()
		tr.surveyed(1) // it is not what it was, whatever time passed
		tr.rests()
		tr.want("o2", "b", policy.OwnerUnknown)
		tr.wantGeneration(1)
	}
	tr.surveyed(0)
	tr.wantGeneration(2)
	tr.want("o2", "b", bucketDeny)
	tr.write("o2/buckets/b.json", allowBucket("b"))
	tr.surveyed(0) // a known organization's change does not wait
	tr.want("o2", "b", allowed)

	// One that never rests.
	tr.write("o3/access-policies/p.json", allowAll("p"))
	tr.surveyed(1)
	tr.neverRests()
	tr.write("o3/buckets.json", `{"buckets":["x"]}`)
	tr.surveyed(0)
	tr.want("o3", "x", allowed)

	// One that is gone before it was taken, and one whose folder is another.
	tr.write("o4/access-policies/p.json", allowAll("p"))
	tr.write("o5/access-policies/p.json", allowAll("p"))
	tr.surveyed(2)
	tr.rests()
	tr.remove("o4")
	tr.rename("o5", "..o5")
	tr.write("o5/access-policies/p.json", allowAll("p"))
	tr.surveyed(1)
	tr.want("o5", "b", policy.NoOrganizationPolicy)
	tr.rests()
	tr.surveyed(0)
	tr.want("o5", "b", allowed) // o2's policy allows all
	tr.consistent()
}

// What changes while the folder is scanned is not taken in parts.
func TestOrganizationChangesWhileItIsTaken(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Hold = time.Hour
	tr.mkdir("o1")
	tr.start()
	tr.write("o2/access-policies/p.json", allowAll("p"))
	tr.write("o2/buckets.json", `{"buckets":["x"]}`)
	tr.surveyed(1)
	tr.rests()
	once := false
	tr.onRead(func(string) {
		if !once {
			once = true
			tr.write("o2/access-policies/q.json", denyBucket("q", "x"))
		}
	})
	tr.surveyed(1)
	tr.want("o2", "x", policy.OwnerUnknown)
	tr.rests()
	tr.surveyed(0)
	tr.want("o2", "x", policy.OrganizationDeny)
}

// A root that was re-pointed was swapped whole; so is what it holds.
func TestArrivalBehindANewRoot(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Hold = time.Hour
	tr.mkdir("o1")
	tr.link("policies", "../link")
	tr.config.Root = tr.path("../link")
	tr.start()
	tr.write("../next/o2/access-policies/p.json", allowAll("p"))
	tr.link("next", "../link")
	tr.surveyed(0)
	tr.want("o2", "x", policy.OwnerUnknown)
}

// A bucket policy that moves to an organization that arrives is in force until
// that is taken.
func TestMoveToAnArrivingOrganization(t *testing.T) {
	tr := missing(t, "")
	tr.rest(time.Hour)
	tr.mkdir("o3/buckets")
	tr.rename("o1/buckets/a.json", "o3/buckets/a.json")
	tr.surveyed(1)
	tr.rests()
	tr.write("o3/access-policies/.p.json.tmp", "") // o1 rests, and o3 does not
	tr.surveyed(1)
	tr.want("o1", "a", bucketDeny)
	tr.rests()
	tr.surveyed(0)
	tr.write("o1/buckets.json", `{"buckets":["b","c"]}`)
	tr.surveyed(0)
	tr.want("o1", "a", bucketDeny) // o3's, of which o1 has no part

	tr = missing(t, "")
	tr.rest(time.Hour)
	tr.write("o1/buckets.json", `{"buckets":[]}`)
	tr.mkdir("o3")
	tr.rename("o1/buckets", "o3/buckets")
	tr.surveyed(1)
	tr.wantUnits("+o1/buckets")
	tr.wantAll(bucketDeny, "a", "b", "c")
	tr.rests()
	tr.surveyed(0)
	tr.wantUnits()
	tr.wantAll(bucketDeny, "a", "b", "c")
}

// cp -r of an organization, its access-policies first, with events and under
// questions: nobody is allowed what its bucket policies deny.
func TestOrganizationIsCopiedIn(t *testing.T) {
	tr := emptyTree(t)
	tr.config = Config{Root: tr.root, Rescan: time.Hour}
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.start()
	tr.run()
	tr.settled()
	var stop, wide atomic.Bool
	tr.background(func(context.Context) error {
		sc := index.Scratch{}
		for !stop.Load() {
			r := get("o2", "b")
			if tr.current.Load().Decide(r, &sc).Outcome == policy.Allow {
				wide.Store(true)
			}
			r.Resource.Org = "o2"
			if tr.current.Load().Decide(r, &sc).Outcome == policy.Allow {
				wide.Store(true)
			}
		}
		return nil
	})
	for range rounds(t, 2) {
		tr.write("o2/access-policies/p.json", allowAll("p"))
		time.Sleep(80 * time.Millisecond)
		tr.write("o2/buckets.json", `{"buckets":["b","c"]}`)
		time.Sleep(80 * time.Millisecond)
		tr.write("o2/buckets/b.json", denyAll("b"))
		tr.soon("the organization", "o2", "b", bucketDeny)
		tr.remove("o2")
		tr.soon("its removal", "o2", "b", policy.OwnerUnknown)
	}
	stop.Store(true)
	if wide.Load() {
		t.Error("somebody was allowed what a bucket policy denies, while its organization was copied in")
	}
}
