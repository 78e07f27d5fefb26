package loader

import (
	"fmt"
	"testing"

	"postern/policy"
)

// "With -state the last good content of every quarantined unit survives a
// restart": also of a bucket policy that comes while others are missed, where
// buckets/ cannot be listed then.
func TestNewBesideMissedOutlivesARestart(t *testing.T) {
	for _, down := range []bool{false, true} {
		tr := missing(t, "state")
		tr.remove("o1/buckets")
		tr.load()
		tr.write("o1/buckets/n.json", denyAll("n"))
		tr.load()
		tr.wantAll(bucketDeny, "a", "b", "c", "n")
		tr.rename("o1/buckets", "..b")
		tr.link("nowhere", "o1/buckets")
		if !down {
			tr.load()
		}
		for range 2 {
			tr.start()
			for _, b := range []string{"a", "b", "c", "n"} {
				tr.never(b, tr.decide("o1", b), allowed)
			}
		}
	}
}

// "A process killed at any moment never restarts behind what was in force":
// what went while the process was down was overtaken by the look that did not
// find it, whether the mirror was written after that or not.
func TestGoneWhileDownIsOvertaken(t *testing.T) {
	for _, gone := range []string{"o1/buckets/b.json", "o1/buckets", "o1", "o1/access-policies"} {
		t.Run(gone, func(t *testing.T) {
			tr := stateTree(t, "o1/access-policies/p.json", allowAll("p"), "o1/buckets/b.json", allowBucket("b"),
				"o2/access-policies/p.json", allowAll("p"))
			tr.want("o1", "b", allowed)
			tr.want("o2", "b", allowed)
			tr.remove(gone)
			for i := range 2 {
				tr.open()
				tr.lookAndDie()
				if gone != "o1/access-policies" {
					tr.never(fmt.Sprint("in force ", i), tr.decide("o2", "b"), allowed)
				}
			}
			tr.write("o1/access-policies/p.json", "{")
			tr.write("o1/buckets/b.json", "{")
			for i := range 2 {
				tr.start()
				if gone == "o1/access-policies" || gone == "o1" {
					tr.want("o1", "b", policy.OrganizationUnavailable)
				}
				if gone != "o1/access-policies" {
					tr.never(fmt.Sprint("restart ", i), tr.decide("o2", "b"), allowed)
				}
			}
		})
	}
}

// What buckets/ held while it was at fault is not taken for what it holds once a
// process found it in order, though that is killed before the mirror says so.
func TestHeldIsOvertakenByAStart(t *testing.T) {
	tr := backFromFault(t)
	tr.open()
	tr.lookAndDie()
	tr.want("o1", "c", bucketDeny)
	tr.rename("o1/buckets", "..b")
	tr.link("nowhere", "o1/buckets")
	for range 2 {
		tr.start()
		tr.never("c", tr.decide("o1", "c"), allowed)
	}
}

// What was overtaken stays so where its organization vanishes before the mirror
// could be written, and the mirror remembers its bucket policies.
func TestOvertakenAndVanished(t *testing.T) {
	tr := missing(t, "state")
	for _, b := range []string{"a", "b", "c"} {
		tr.write("o1/buckets/"+b+".json", allowBucket(b))
	}
	tr.load()
	for _, b := range []string{"a", "b"} {
		tr.write("o1/buckets/"+b+".json", denyAll(b))
	}
	tr.lookAndDie()
	tr.wantAll(bucketDeny, "a", "b")
	tr.rename("o1", "..o")
	tr.start()
	tr.policies()
	for range 2 {
		tr.load()
		tr.wantUnits("o1/buckets")
		for _, b := range []string{"a", "b"} {
			tr.never(b, tr.decide("o1", b), allowed)
		}
		tr.want("o1", "c", allowed) // as it was
		tr.open()
	}
}

// What the mirror may not have had all of denies: so a broken file of an
// organization that vanished while the process was down, and is back.
func TestVanishedWhileDownIsBackBroken(t *testing.T) {
	tr := missing(t, "state")
	tr.write("o1/buckets/n.json", denyAll("n"))
	tr.lookAndDie() // the mirror has no n
	tr.rename("o1", "..o")
	tr.start()
	tr.rename("..o", "o1")
	tr.write("o1/buckets/n.json", "{")
	tr.load()
	tr.wantUnits("o1/buckets/n.json")
	tr.want("o1", "n", unavailable)
	tr.wantAll(bucketDeny, "a", "b", "c")
}

// "for all when SIGHUP confirms": an organization whose removal was confirmed is
// held to nothing, also by a process that starts after one that was killed.
func TestConfirmedRemovalOutlivesAKill(t *testing.T) {
	tr := missing(t, "state")
	tr.rename("o1", "..o")
	tr.publish() // SIGHUP, and killed
	tr.policies()
	tr.mkdir("o1/buckets")
	tr.start()
	tr.wantUnits()
	tr.wantAll(allowed, "a", "b", "c", "n")
}

// An organization that vanished before a start under a transaction is held to
// what its buckets/ had, too.
func TestVanishedBeforeAStartUnderATransaction(t *testing.T) {
	tr := missing(t, "state")
	tr.write("o2/access-policies/p.json", allowAll("p"))
	tr.load()
	tr.rename("o1", "..o")
	tr.load()
	tr.write(".hold", "transaction 1")
	tr.start()
	tr.wantGeneration(1)
	tr.policies()
	tr.remove(".hold")
	tr.load()
	tr.wantUnits("+o1/buckets")
	tr.wantAll(bucketDeny, "a", "b", "c")
}

// What the mirror has of a unit that was never good is not its last good
// content, though no mark says that it was overtaken: SIGHUP let go of it.
func TestNeverGoodAfterAConfirmedRemoval(t *testing.T) {
	tr := stateTree(t, "o1/access-policies/p.json", allowAll("p"), "o2/access-policies/p.json", allowAll("p"), "o2/buckets/b.json", allowBucket("b"))
	tr.rename("o2", "..o")
	tr.write("o1/buckets/b.json", "{") // at a start: it could have said anything
	tr.start()
	tr.rename("..o", "o2")
	tr.write("o2/buckets/b.json", "{")
	tr.sighup()
	tr.wantUnits("o1/buckets/b.json", "o2/buckets/b.json")
	tr.want("o2", "b", unavailable)
	tr.remove("o1/buckets/b.json")
	for i := range 2 {
		tr.load()
		tr.wantUnits("o2/buckets/b.json")
		tr.never(fmt.Sprint("restart ", i), tr.decide("o2", "b"), allowed)
		tr.open()
	}
}

// A policy that went with its organization, which is back without it, went: the
// first, broken one of the bucket in another organization is not taken for none,
// whether the policy was last seen by this process or by one before.
func TestBackWithoutThePolicyThatIsBrokenElsewhere(t *testing.T) {
	for _, down := range []bool{false, true} {
		tr := stateTree(t, "o1/access-policies/p.json", allowAll("p"), "o1/buckets/b.json", denyAll("b"), "o2/access-policies/p.json", allowAll("p"))
		tr.rename("o1", "..o")
		if tr.load(); down {
			tr.start()
		}
		tr.write("o1/access-policies/p.json", allowAll("p"))
		tr.write("o1/buckets.json", `{"buckets":["b"]}`)
		tr.write("o2/buckets/b.json", "{")
		for range 2 {
			tr.load()
			tr.wantUnits("o2/buckets/b.json")
			tr.want("o1", "b", unavailable)
			tr.open()
		}
	}
}

// A bucket policy that an organization is back without was overtaken by the look
// that found that, whether the mirror was written after it or not.
func TestBackWithoutAPolicyIsOvertaken(t *testing.T) {
	for _, down := range []bool{false, true} {
		tr := stateTree(t, "o1/access-policies/p.json", allowAll("p"), "o1/buckets/b.json", allowBucket("b"), "o2/access-policies/p.json", allowAll("p"))
		tr.rename("o1", "..o")
		if tr.load(); down {
			tr.start()
		}
		tr.write("o1/access-policies/p.json", allowAll("p"))
		tr.lookAndDie()
		tr.wantUnits()
		tr.write("o1/buckets/b.json", "{")
		for range 2 {
			tr.start()
			tr.wantUnits("o1/buckets/b.json")
			tr.want("o2", "b", unavailable)
		}
	}
}
