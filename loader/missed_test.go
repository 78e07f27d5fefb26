package loader

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"postern/policy"
)

// missing is a tree in which o1 lists and denies a, b and c; with is "state"
// for one with a mirror.
func missing(t *testing.T, with string) *testTree {
	tr := emptyTree(t)
	if with == "state" {
		tr.config.StateDir = t.TempDir()
	}
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.write("o1/buckets.json", `{"buckets":["a","b","c","n"]}`)
	for _, b := range []string{"a", "b", "c"} {
		tr.write("o1/buckets/"+b+".json", denyAll(b))
	}
	tr.mkdir("o2")
	tr.start()
	return tr
}

func (tr *testTree) wantAll(want policy.Reason, buckets ...string) {
	tr.t.Helper()
	for _, b := range buckets {
		tr.want("o1", b, want)
	}
}

// losses are the ways in which buckets/ loses all that it held.
var losses = map[string]func(tr *testTree){
	"vanished": func(tr *testTree) { tr.rename("o1/buckets", "..aside") },
	"removed":  func(tr *testTree) { tr.remove("o1/buckets") },
	"emptied": func(tr *testTree) {
		for _, b := range []string{"a", "b", "c"} {
			tr.remove("o1/buckets/" + b + ".json")
		}
	},
	"exchanged": func(tr *testTree) { tr.rename("o1/buckets", "..aside"); tr.mkdir("o1/buckets") },
	"without .json": func(tr *testTree) {
		tr.remove("o1/buckets")
		tr.write("o1/buckets/.gitkeep", "")
		tr.write("o1/buckets/README.md", "")
	},
	"other files":     func(tr *testTree) { tr.remove("o1/buckets"); tr.write("o1/buckets/n.json", denyAll("n")) },
	"another, broken": func(tr *testTree) { tr.remove("o1/buckets"); tr.write("o1/buckets/n.json", "{") },
	"a link elsewhere": func(tr *testTree) {
		tr.rename("o1/buckets", "..aside")
		tr.mkdir("..b")
		tr.link("../..b", "o1/buckets")
	},
	"the folder's link": func(tr *testTree) { tr.rename("o1", "..o"); tr.mkdir("..new"); tr.link("..new", "o1"); tr.policies() },
	"some in another":   func(tr *testTree) { tr.rename("o1/buckets", "..aside"); tr.write("o2/buckets/a.json", denyAll("a")) },
	"the organization":  func(tr *testTree) { tr.rename("o1", "..o"); tr.load(); tr.policies() },
	"and the other files": func(tr *testTree) {
		tr.rename("o1", "..o")
		tr.load()
		tr.policies()
		tr.write("o1/buckets/n.json", denyAll("n"))
	},
}

// policies writes what o1 has beside its buckets/.
func (tr *testTree) policies() {
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.write("o1/buckets.json", `{"buckets":["a","b","c","n"]}`)
}

// "`buckets/` that holds none of the policies that it held at the last look
// ... is ... a fault if it held more. That fault ends for each policy when its
// file is back, and for all when SIGHUP confirms."
func TestBucketsHoldNone(t *testing.T) {
	for name, lose := range losses {
		for _, with := range []string{"", "state"} {
			t.Run(name+" "+with, func(t *testing.T) {
				tr := missing(t, with)
				lose(tr)
				unit := "+o1/buckets"
				for i := range 4 {
					if i == 2 && with == "state" {
						tr.start() // it outlives a restart
					} else {
						tr.load()
					}
					if !strings.Contains(tr.describe(), "o1/buckets (last good true)") {
						t.Fatalf("look %d: %s is not quarantined\n%s", i, unit, tr.describe())
					}
					for _, f := range []string{"o1/buckets/a.json: ", "o1/buckets/b.json: ", "o1/buckets/c.json: "} {
						tr.wantError(f + "this bucket policy is missed")
					}
					tr.wantAll(bucketDeny, "b", "c")
					if name != "some in another" {
						tr.want("o1", "a", bucketDeny)
					} else {
						tr.want("o1", "a", unavailable) // two organizations claim it
					}
				}
				tr.remove("o2/buckets")

				// New files are taken, the fault ends for each file that is back.
				tr.write("o1/buckets/n.json", allowBucket("n"))
				tr.load()
				tr.want("o1", "n", allowed)
				tr.write("o1/buckets/b.json", allowBucket("b"))
				tr.load()
				tr.want("o1", "b", allowed)
				tr.wantAll(bucketDeny, "a", "c")
				if strings.Contains(tr.describe(), "b.json") {
					t.Error("b.json is back, and missed\n", tr.describe())
				}
				tr.write("o1/buckets/a.json", brokenFile)
				tr.load()
				tr.wantUnits("+o1/buckets", "+o1/buckets/a.json")
				tr.wantAll(bucketDeny, "a", "c")
				tr.write("o1/buckets/a.json", denyAll("a"))
				tr.write("o1/buckets/c.json", denyAll("c"))
				tr.load()
				tr.wantUnits()
				tr.wantAll(bucketDeny, "a", "c")
				tr.remove("o1/buckets/b.json")
				tr.load() // one of several: a removal
				tr.wantUnits()
				tr.wantAll(allowed, "b")
				tr.consistent()

				// And for all with SIGHUP.
				tr.remove("o1/buckets")
				tr.load()
				tr.wantAll(bucketDeny, "a", "c")
				tr.sighup()
				tr.wantUnits()
				tr.wantAll(allowed, "a", "b", "c", "n")
				if with == "state" {
					tr.start()
					tr.wantUnits()
					tr.wantAll(allowed, "a", "b", "c", "n")
				}
				tr.consistent()
			})
		}
	}
}

// The very same files that are back, as after umount or mv away and back.
func TestMissedAreBack(t *testing.T) {
	for _, with := range []string{"", "state"} {
		tr := missing(t, with)
		tr.rename("o1/buckets", "..aside")
		tr.mkdir("o1/buckets")
		tr.load()
		tr.wantUnits("+o1/buckets")
		tr.rename("..aside/c.json", "o1/buckets/c.json")
		tr.load()
		tr.wantError("o1/buckets/a.json: this bucket policy is missed")
		if strings.Contains(tr.describe(), "c.json") {
			t.Error("c.json is back, and missed\n", tr.describe())
		}
		tr.remove("o1/buckets/c.json")
		tr.rename("..aside/a.json", "o1/buckets/a.json")
		tr.load() // of the two that it is to hold one is back, the third was removed
		tr.want("o1", "c", allowed)
		tr.wantAll(bucketDeny, "a", "b")
		tr.rename("..aside/b.json", "o1/buckets/b.json")
		tr.load()
		tr.wantUnits()
		tr.wantAll(bucketDeny, "a", "b")
		tr.consistent()
	}
}

// No fault: what went to other organizations, what POLICIES was re-pointed
// away from, a single policy, file by file.
func TestBucketsHoldNoneAndNoFault(t *testing.T) {
	tr := missing(t, "")
	for _, b := range []string{"a", "b"} {
		tr.mkdir("o2/buckets")
		tr.rename("o1/buckets/"+b+".json", "o2/buckets/"+b+".json")
	}
	tr.mkdir("o3/buckets")
	tr.rename("o1/buckets/c.json", "o3/buckets/c.json")
	tr.load()
	tr.wantUnits()
	tr.wantAll(unavailable, "a", "b", "c") // o1 lists them
	tr.write("o1/buckets.json", `{"buckets":[]}`)
	tr.load()
	for _, b := range []string{"a", "b", "c"} {
		tr.want("o1", b, bucketDeny)
	}

	// One that is late ends the fault, as each is elsewhere then.
	tr = missing(t, "state")
	tr.mkdir("o2/buckets")
	tr.rename("o1/buckets/a.json", "o2/buckets/a.json")
	tr.rename("o1/buckets", "..late")
	tr.load()
	tr.wantUnits("+o1/buckets")
	tr.wantAll(unavailable, "a")
	tr.wantAll(bucketDeny, "b", "c")
	tr.rename("..late/b.json", "o2/buckets/b.json")
	tr.rename("..late/c.json", "o2/buckets/c.json")
	tr.write("o1/buckets.json", `{"buckets":[]}`)
	tr.load()
	tr.wantUnits()
	tr.wantAll(bucketDeny, "a", "b", "c")
	tr.start()
	tr.wantUnits()
	tr.consistent()

	// Moved and broken: not taken for none.
	tr = missing(t, "")
	tr.mkdir("o2/buckets")
	for _, b := range []string{"a", "b", "c"} {
		tr.remove("o1/buckets/" + b + ".json")
		tr.write("o2/buckets/"+b+".json", "{")
	}
	tr.load()
	tr.wantAll(unavailable, "a", "b", "c")

	tr = missing(t, "state")
	base := filepath.Dir(tr.root)
	if err := os.Symlink("policies", filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	tr.config.Root = filepath.Join(base, "link")
	tr.start()
	tr.write("../next/o1/access-policies/p.json", allowAll("p"))
	tr.write("../next/o1/buckets.json", `{"buckets":["a","b","c"]}`)
	tr.link("next", "../link")
	tr.load()
	tr.wantUnits()
	tr.wantAll(allowed, "a", "b", "c")

	tr = missing(t, "state")
	for _, b := range []string{"a", "b", "c"} {
		tr.remove("o1/buckets/" + b + ".json")
		tr.load()
		tr.wantUnits()
		tr.want("o1", b, allowed)
	}
	tr.start()
	tr.wantUnits()
}

// A mount that covers buckets/ with nothing, and one that is gone again.
func TestBucketsCovered(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mount takes root")
	}
	tr := missing(t, "")
	at := tr.path("o1/buckets")
	if err := syscall.Mount("none", at, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("a tmpfs cannot be mounted here:", err)
	}
	mounted := true
	defer func() {
		if mounted {
			syscall.Unmount(at, syscall.MNT_DETACH)
		}
	}()
	tr.load()
	tr.wantUnits("+o1/buckets")
	tr.wantAll(bucketDeny, "a", "b", "c")
	tr.write("o1/buckets/n.json", denyAll("n"))
	tr.load()
	tr.wantAll(bucketDeny, "a", "b", "c", "n")
	if err := syscall.Unmount(at, 0); err != nil {
		t.Fatal(err)
	}
	mounted = false
	tr.load()
	tr.wantUnits()
	tr.wantAll(bucketDeny, "a", "b", "c")
	tr.want("o1", "n", allowed)
}

// A branch that has only .gitkeep in buckets/, and the way back.
func TestBranchWithoutBuckets(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git is missing")
	}
	tr := missing(t, "")
	git := func(args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", tr.root, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "-b", "main")
	git("add", "-A")
	git("commit", "-q", "-m", "all")
	git("switch", "-q", "-c", "bare")
	git("rm", "-q", "-r", "o1/buckets")
	tr.write("o1/buckets/.gitkeep", "")
	git("add", "-A")
	git("commit", "-q", "-m", "none")
	tr.load()
	tr.wantUnits("+o1/buckets")
	tr.wantAll(bucketDeny, "a", "b", "c")
	git("switch", "-q", "main")
	tr.load()
	tr.wantUnits()
	tr.wantAll(bucketDeny, "a", "b", "c")
}

// A slow refill in any order, by events alone, under questions.
func TestSlowRefill(t *testing.T) {
	for _, order := range [][]string{{"a", "b", "c"}, {"c", "a", "b"}, {"b", "c", "a"}} {
		tr := watched(t, "o1/access-policies/p.json", allowAll("p"), "o1/buckets.json", `{"buckets":["a","b","c"]}`,
			"o1/buckets/a.json", denyAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", denyAll("c"))
		tr.remove("o1/buckets")
		tr.eventually("the fault", func() bool { return len(tr.l.Status().Quarantined) == 1 })
		tr.wantAll(bucketDeny, "a", "b", "c")
		for i, b := range order {
			tr.write("o1/buckets/"+b+".json", denyAll(b))
			tr.eventually("the file that is back", func() bool {
				left := 0
				for _, q := range tr.l.Status().Quarantined {
					left = len(q.Diagnostics) - 1
				}
				return left == len(order)-1-i
			})
			tr.settled()
			tr.wantAll(bucketDeny, "a", "b", "c")
		}
		tr.wantUnits()
	}
}
