package loader

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/loader/source"
	"postern/policy"
)

// moving is a tree in which o1 denies everything in c, and o2 is there too; o1
// lists c, or c has an owner by its file only. files are written before it
// starts; with is "state" for one with a mirror.
func moving(t *testing.T, listed bool, with string, files ...string) *testTree {
	t.Helper()
	tr := emptyTree(t)
	if with == "state" {
		tr.config.StateDir = t.TempDir()
	}
	for _, o := range []string{"o1", "o2", "o3"} {
		tr.write(o+"/access-policies/p.json", allowAll("p"))
		tr.mkdir(o + "/buckets")
	}
	if listed {
		tr.write("o1/buckets.json", `{"buckets":["c"]}`)
	}
	tr.write("o1/buckets/c.json", denyAll("c"))
	for i := 0; i < len(files); i += 2 {
		tr.write(files[i], files[i+1])
	}
	tr.start()
	tr.want("o1", "c", bucketDeny)
	return tr
}

// wantShut checks that nobody may read c, whatever owner the request states.
func (tr *testTree) wantShut() {
	tr.t.Helper()
	for _, org := range []string{"o1", "o2", "o3"} {
		for _, owner := range []string{"", "o1", "o2", "o3"} {
			r := get(org, "c")
			r.Resource.Org = owner
			if d := tr.current.Load().Explain(r).Decision; d.Outcome == policy.Allow {
				tr.t.Errorf("%s reads c, said to be of %q: %v\n%s", org, owner, d.Reason, tr.describe())
			}
		}
	}
	tr.want("o1", "c", unavailable)
	tr.want("o2", "c", unavailable)
}

// wantOpen checks that c has no policy.
func (tr *testTree) wantOpen() {
	tr.t.Helper()
	r := get("o1", "c")
	r.Resource.Org = "o1"
	if d := tr.current.Load().Explain(r).Decision; d.Reason != allowed {
		tr.t.Errorf("c has no policy: %v\n%s", d.Reason, tr.describe())
	}
}

func eachMoving(t *testing.T, do func(t *testing.T, listed bool)) {
	t.Run("listed", func(t *testing.T) { do(t, true) })
	t.Run("by file alone", func(t *testing.T) { do(t, false) })
}

// Attack class 21: a bucket policy that moves to another organization and
// arrives broken does not become none, however it gets there.
func TestAttack21MovedAndBroken(t *testing.T) {
	for name, move := range map[string]func(tr *testTree){
		"moved": func(tr *testTree) {
			tr.write("o1/buckets/c.json", brokenFile)
			tr.rename("o1/buckets/c.json", "o2/buckets/c.json")
			tr.load()
		},
		"moved, SIGHUP": func(tr *testTree) {
			tr.rename("o1/buckets/c.json", "o2/buckets/c.json")
			tr.write("o2/buckets/c.json", brokenFile)
			tr.sighup()
		},
		"copied, removed later": func(tr *testTree) {
			tr.write("o2/buckets/c.json", brokenFile)
			tr.load()
			tr.wantUnits("+o2/buckets/c.json")
			tr.want("o1", "c", bucketDeny)
			tr.remove("o1/buckets/c.json")
			tr.load()
		},
		"copied, folder removed": func(tr *testTree) {
			tr.write("o2/buckets/c.json", brokenFile)
			tr.load()
			tr.remove("o1/buckets")
			tr.load()
		},
		"broken while the removal is held": func(tr *testTree) {
			tr.rest(time.Hour)
			tr.remove("o1/buckets/c.json")
			tr.held(1, "o1/buckets/c.json")
			tr.write("o2/buckets/c.json", brokenFile)
			tr.held(1, "o2/buckets/c.json")
			tr.want("o1", "c", bucketDeny)
			tr.rests()
			tr.held(0)
			tr.rest(time.Millisecond)
		},
		"moved twice": func(tr *testTree) {
			tr.write("o1/buckets/c.json", brokenFile)
			tr.rename("o1/buckets/c.json", "o3/buckets/c.json")
			tr.load()
			tr.wantUnits("o3/buckets/c.json")
			tr.rename("o3/buckets/c.json", "o2/buckets/c.json")
			tr.load()
		},
		"by way of a good one": func(tr *testTree) {
			tr.write("o2/buckets/c.json", brokenFile)
			tr.rename("o1/buckets/c.json", "o3/buckets/c.json")
			tr.load()
			tr.wantUnits("+o2/buckets/c.json") // c has a policy still
			tr.remove("o3/buckets/c.json")
			tr.load()
		},
		"a folder swapped for a link": func(tr *testTree) {
			tr.write("..new/c.json", brokenFile)
			tr.remove("o2/buckets")
			tr.load()
			tr.link("../..new", "o2/buckets")
			tr.rename("o1/buckets", "..old")
			tr.mkdir("o1/buckets")
			tr.sighup()
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachMoving(t, func(t *testing.T, listed bool) {
				tr := moving(t, listed, "")
				move(tr)
				for range 2 { // nor at the next look
					tr.wantUnits("o2/buckets/c.json")
					tr.wantShut()
					tr.load()
				}
				tr.write("o2/buckets/c.json", "{")
				tr.load()
				tr.wantUnits("o2/buckets/c.json")
				tr.wantShut()
				tr.remove("o2/buckets/c.json") // "A file that vanishes is a removal and takes effect."
				tr.load()
				tr.wantUnits()
				tr.wantOpen()
				tr.write("o2/buckets/c.json", brokenFile) // and the next one is a first again
				tr.load()
				tr.wantUnits("+o2/buckets/c.json")
				tr.wantOpen()
			})
		})
	}
}

// Once it is good, it is in force.
func TestMovedBrokenAndMended(t *testing.T) {
	tr := moving(t, false, "")
	tr.rename("o1/buckets/c.json", "o2/buckets/c.json")
	tr.write("o2/buckets/c.json", brokenFile)
	tr.load()
	tr.wantShut()
	tr.write("o2/buckets/c.json", allowBucket("c"))
	tr.load()
	tr.wantUnits()
	tr.want("o2", "c", allowed)
	tr.write("o2/buckets/c.json", brokenFile)
	tr.load()
	tr.wantUnits("+o2/buckets/c.json")
	tr.want("o2", "c", allowed)
}

// An organization that is renamed, one of its bucket files broken.
func TestRenamedAndBroken(t *testing.T) {
	tr := moving(t, false, "", "o1/buckets/d.json", denyAll("d"))
	tr.write("o1/buckets/c.json", brokenFile)
	tr.rename("o1", "o4")
	tr.load()
	tr.wantUnits("o4/buckets/c.json")
	tr.want("o4", "c", unavailable)
	tr.want("o4", "d", bucketDeny)
}

// What was never good at a cold start could have said anything, wherever it
// moves.
func TestNeverGoodMoves(t *testing.T) {
	eachMoving(t, func(t *testing.T, listed bool) {
		tr := moving(t, listed, "")
		tr.write("o1/buckets/c.json", brokenFile)
		tr.start()
		tr.want("o1", "c", unavailable)
		tr.rename("o1/buckets/c.json", "o2/buckets/c.json")
		tr.load()
		tr.wantShut()
		// A second one beside it is no reason to open up when the first goes.
		tr.write("o3/buckets/c.json", brokenFile)
		tr.load()
		tr.remove("o2/buckets/c.json")
		tr.load()
		tr.wantUnits("o3/buckets/c.json")
		tr.want("o1", "c", unavailable)
		tr.want("o3", "c", unavailable)
		// Nor does it matter that all happens in one look.
		tr.rename("o3/buckets/c.json", "o1/buckets/c.json")
		tr.write("o2/buckets/c.json", allowBucket("c"))
		tr.sighup()
		tr.wantUnits("o1/buckets/c.json")
		tr.wantShut()
	})
}

// A blank file stays what it is while the bucket has another policy, and while
// other buckets lose theirs.
func TestBlankFileLeavesTheBucketAsItWas(t *testing.T) {
	tr := moving(t, true, "", "o1/buckets/d.json", denyAll("d"), "o1/buckets/e.json", denyAll("e"))
	tr.write("o2/buckets/c.json", brokenFile)
	tr.write("o1/buckets/never.json", brokenFile)
	tr.write("o1/buckets.json", `{"buckets":["c","never"]}`)
	tr.load()
	generation := tr.current.Load().Generation()
	tr.load()
	tr.wantGeneration(generation)
	tr.remove("o1/buckets/d.json")
	tr.rename("o1/buckets/c.json", "o3/buckets/c.json")
	tr.write("o1/buckets.json", `{"buckets":["never"]}`)
	tr.load()
	tr.wantUnits("+o1/buckets/never.json", "+o2/buckets/c.json")
	tr.want("o3", "c", bucketDeny)
	tr.want("o1", "never", allowed)
	tr.want("o1", "d", policy.OwnerUnknown)
	if n := len(tr.l.claims.blank); n != 2 {
		t.Errorf("%d buckets with a blank file, want 2", n)
	}
	tr.remove("o2")
	tr.write("o1/buckets/never.json", denyAll("never"))
	tr.load()
	tr.wantUnits()
	tr.want("o1", "never", bucketDeny)
	if n := len(tr.l.claims.blank); n != 0 {
		t.Errorf("%d buckets with a blank file, want none", n)
	}
}

// With a mirror: that o2's file was not there must not come back by a restart.
func TestMovedAndBrokenSurvivesARestart(t *testing.T) {
	eachMoving(t, func(t *testing.T, listed bool) {
		tr := moving(t, listed, "state")
		tr.write("o2/buckets/c.json", brokenFile)
		tr.load()
		for range 2 { // it says nothing while o1's is there, now and after a restart
			tr.wantUnits("+o2/buckets/c.json")
			tr.want("o1", "c", bucketDeny)
			tr.start()
		}
		tr.remove("o1/buckets/c.json")
		tr.load()
		for range 3 {
			tr.wantUnits("o2/buckets/c.json")
			tr.wantShut()
			tr.start()
		}
		tr.rename("o2/buckets/c.json", "o3/buckets/c.json") // while it is down
		tr.start()
		tr.want("o3", "c", unavailable)
		tr.remove("o3/buckets/c.json")
		tr.load()
		tr.wantUnits()
		tr.wantOpen()
		tr.start()
		tr.wantOpen()
	})
}

// What said something of the bucket is removed while the process is down.
func TestOtherFileRemovedWhileDown(t *testing.T) {
	for _, what := range []string{"o1/buckets/c.json", "o1/buckets", "o1"} {
		tr := moving(t, false, "state")
		tr.write("o2/buckets/c.json", brokenFile)
		tr.load()
		tr.remove(what)
		for range 3 {
			tr.start()
			tr.wantUnits("o2/buckets/c.json")
			tr.want("o2", "c", unavailable)
		}
	}

	// One that was never good, with another beside it that came later.
	tr := emptyTree(t)
	tr.config.StateDir = t.TempDir()
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.write("o1/buckets.json", `{"buckets":["c"]}`)
	tr.write("o2/access-policies/p.json", allowAll("p"))
	tr.write("o2/buckets/c.json", brokenFile)
	tr.start()
	tr.write("o3/buckets/c.json", brokenFile)
	tr.load()
	tr.want("o1", "c", unavailable)
	tr.remove("o2/buckets/c.json")
	tr.start()
	tr.wantUnits("o3/buckets/c.json")
	tr.want("o1", "c", unavailable)
}

// Killed once the other file's removal is mirrored, but nothing after.
func TestForsakenIsMirroredFirst(t *testing.T) {
	tr := moving(t, true, "state")
	tr.write("o2/buckets/c.json", brokenFile)
	tr.load()
	tr.remove("o1/buckets/c.json")
	tr.l.mu.Lock()
	err := tr.l.look(t.Context(), &source.Scope{All: true, Confirm: true})
	tr.l.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	// No flush yet: but what is mirrored does not say that there was no file.
	if _, err := os.Lstat(filepath.Join(tr.config.StateDir, "o2/buckets/c.json")); err == nil {
		t.Error("the mirror says that o2 had no file")
	}
	if _, err := os.Lstat(filepath.Join(tr.config.StateDir, "o1/buckets/c.json")); err != nil {
		t.Error("the mirror was written otherwise than this test needs:", err)
	}
}

// A file that was blank when its folder became unreadable, across a restart.
func TestBlankBehindAFault(t *testing.T) {
	tr := moving(t, true, "state")
	tr.write("o2/buckets/c.json", brokenFile)
	tr.write("o2/buckets/d.json", denyAll("d"))
	tr.load()
	tr.rename("o2/buckets", "..b")
	tr.load()
	tr.start()
	tr.want("o1", "c", bucketDeny)
	tr.remove("o1/buckets/c.json")
	tr.load()
	for range 2 {
		tr.wantUnits("+o2/buckets")
		tr.wantShut()
		tr.start()
	}
	tr.rename("..b", "o2/buckets")
	tr.load()
	tr.wantUnits("o2/buckets/c.json")
	tr.wantShut()
}
