package loader

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"postern/index"
	"postern/loader/internal/burst"
	"postern/policy"
)

// held looks at what the paths' events are about, once, and checks in how many
// folders something is held then; -1 checks nothing.
func (tr *testTree) held(want int, paths ...string) {
	tr.t.Helper()
	p := burst.Batch{Changes: map[string]struct{}{}}
	for _, path := range paths {
		p.Changes[tr.path(path)] = struct{}{}
	}
	tr.l.lookAt(tr.t.Context(), p)
	if _, n := tr.waits(); n != want && want >= 0 {
		tr.t.Errorf("%d folders with something held, want %d", n, want)
	}
}

const iamDenied = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "metadata": {"name": "guard"},
	"bindings": [{"id": "never", "effect": "Deny", "actions": ["iam:*"], "resources": ["*"], "members": ["*"]}]}`

const iamAllowed = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "metadata": {"name": "open"},
	"bindings": [{"id": "all", "roles": ["iam-viewer"], "members": ["*"]}]}`

// departing is a tree in which each folder holds a Deny and an Allow, and
// nothing is held for long enough by itself.
func departing(t *testing.T) *testTree {
	tr := emptyTree(t)
	tr.config.Hold = time.Hour
	tr.write("o1/access-policies/allow.json", allowAll("allow"))
	tr.write("o1/access-policies/deny.json", denyBucket("deny", "locked"))
	tr.write("o1/iam/allow.json", iamAllowed)
	tr.write("o1/iam/deny.json", iamDenied)
	tr.write("o1/buckets.json", `{"buckets":["locked","b","c"]}`)
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.write("o1/buckets/c.json", denyAll("c"))
	tr.start()
	tr.want("o1", "locked", policy.OrganizationDeny)
	tr.want("o1", "b", bucketDeny)
	if got := tr.iam("u/x"); got != policy.IAMDeny {
		t.Fatal(got)
	}
	return tr
}

// A look inside `rm -rf` of a folder takes no part for the whole.
func TestRemovalFileByFile(t *testing.T) {
	tr := departing(t)
	for i, f := range []string{"o1/buckets/b.json", "o1/buckets/c.json", "o1/buckets"} {
		tr.remove(f)
		tr.held([]int{1, 0, 0}[i], f, "o1")
		tr.want("o1", "b", bucketDeny)
	}
	tr.wantUnits("+o1/buckets") // all that it held is in force
	tr.want("o1", "c", bucketDeny)

	tr = departing(t)
	for _, dir := range []string{"access-policies", "iam"} {
		tr.remove("o1/" + dir + "/deny.json")
		tr.held(1, "o1/"+dir+"/deny.json")
		tr.remove("o1/" + dir)
		tr.held(1, "o1/"+dir, "o1")
		if got := tr.iam("u/x"); got != policy.IAMDeny {
			t.Errorf("inside rm -rf %s: %v", dir, got)
		}
		if dir == "access-policies" {
			tr.want("o1", "locked", policy.OrganizationDeny)
		}
		tr.rests()
		tr.held(0)
	}
	tr.wantUnits()
	tr.want("o1", "locked", policy.NoOrganizationPolicy)
	if got := tr.iam("u/x"); got != policy.IAMNoMatch {
		t.Error("without iam:", got)
	}
}

// An organization goes whole, whatever of it went first.
func TestRemovalOfAnOrganizationFolderByFolder(t *testing.T) {
	tr := departing(t)
	tr.remove("o1/buckets/c.json")
	tr.held(1, "o1/buckets/c.json")
	tr.rests()
	tr.held(0) // one is left: its folder's vanishing is no fault
	generation := tr.current.Load().Generation()
	for _, f := range []string{"o1/buckets/b.json", "o1/buckets", "o1/iam/deny.json", "o1/iam", "o1/access-policies/deny.json", "o1/access-policies"} {
		tr.remove(f)
		tr.held(-1, f, filepath.Dir(f))
		tr.want("o1", "b", bucketDeny)
		tr.want("o1", "locked", policy.OrganizationDeny)
	}
	tr.wantGeneration(generation)
	tr.remove("o1")
	tr.held(0, "o1")
	tr.want("o1", "b", policy.OwnerUnknown)
	tr.wantGeneration(generation + 1)
}

// What is held takes effect once nothing comes to or goes from its folder any
// more, or at last.
func TestRemovalTakesEffect(t *testing.T) {
	tr := departing(t)
	tr.remove("o1/buckets/b.json")
	tr.held(1, "o1/buckets/b.json")
	tr.rests()
	tr.remove("o1/buckets/c.json")
	tr.held(1) // the folder did not rest, though no event says so
	tr.want("o1", "b", bucketDeny)
	tr.rests()
	tr.write("o1/buckets/d.json", denyAll("d"))
	tr.held(1, "o1/buckets/d.json")
	tr.want("o1", "d", bucketDeny) // what comes is not held
	tr.want("o1", "b", bucketDeny)
	tr.write("o1/buckets/c.json", allowBucket("c"))
	tr.held(1, "o1/buckets/c.json") // it is back
	tr.want("o1", "c", allowed)
	tr.rests()
	tr.held(0)
	tr.want("o1", "b", allowed)
	tr.want("o1", "c", allowed)
	tr.want("o1", "d", bucketDeny)

	// All are back: nothing is held.
	tr.remove("o1/buckets/c.json")
	tr.held(1, "o1/buckets/c.json")
	tr.write("o1/buckets/c.json", denyAll("c"))
	tr.held(0, "o1/buckets/c.json")
	tr.want("o1", "c", bucketDeny)

	// A folder that never rests.
	tr.write("o1/buckets/e.json", denyAll("e"))
	tr.held(0, "o1/buckets/e.json")
	tr.remove("o1/buckets/c.json")
	tr.held(1, "o1/buckets/c.json")
	tr.neverRests()
	tr.remove("o1/buckets/d.json")
	tr.held(0, "o1/buckets/d.json")
	tr.want("o1", "c", allowed)

	// SIGHUP confirms.
	tr.remove("o1/access-policies/deny.json")
	tr.held(1, "o1/access-policies/deny.json")
	tr.sighup()
	tr.want("o1", "locked", allowed)
}

// A folder that a link leads elsewhere is another folder: what it lacks was
// never in it. Neither is a bucket held that went to another organization.
func TestSwapIsNotHeld(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Hold = time.Hour
	tr.kubelet("1", "o1/access-policies/a.json", allowAll("a"), "o1/access-policies/b.json", denyBucket("b", "b"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", denyAll("c"))
	tr.link("..data/o1", "o1")
	tr.mkdir("o2/buckets")
	tr.start()
	tr.kubelet("2", "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b"), "o1/buckets/d.json", denyAll("d"))
	tr.held(0, "..data", "o1")
	tr.wantGeneration(2)
	tr.want("o1", "b", allowed)
	tr.want("o1", "c", policy.OwnerUnknown)
	tr.want("o1", "d", bucketDeny)

	tr.rename("..v2/o1/buckets/d.json", "o2/buckets/d.json")
	tr.held(0, "..v2/o1/buckets/d.json", "o2/buckets/d.json")
	tr.wantGeneration(3)
	tr.want("o1", "d", bucketDeny) // not unavailable, as it were with two owners

	tr.remove("..v2/o1/access-policies/a.json")
	tr.held(1, "..v2/o1/access-policies/a.json")
	tr.want("o1", "b", allowed)
	tr.kubelet("3", "o1/buckets/e.json", denyAll("e"))
	tr.held(0, "..data", "o1")
	tr.want("o1", "e", policy.NoOrganizationPolicy)
}

// rounds is how often a test that needs luck is played: as often as
// POSTERN_TEST_ROUNDS says, else few times, and with -short a quarter of that.
func rounds(t *testing.T, few int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("POSTERN_TEST_ROUNDS"))
	if err != nil {
		if testing.Short() {
			return max(few/4, 1)
		}
		return few
	}
	return n
}

// TestRemovalUnderRequests removes folders with rm -rf while requests run: not
// one of them may be allowed what the folder forbade.
func TestRemovalUnderRequests(t *testing.T) {
	const buckets = 60
	for round := range rounds(t, 3) {
		tr := emptyTree(t)
		tr.config = Config{Root: tr.root, Rescan: time.Hour}
		list := `{"buckets":["locked"`
		for i := range buckets {
			b := fmt.Sprintf("b%d", i)
			list += `,"` + b + `"`
			tr.write("o1/buckets/"+b+".json", denyAll(b))
			tr.write("o1/access-policies/deny"+b+".json", denyBucket("deny"+b, "locked"))
			tr.write("o1/access-policies/allow"+b+".json", allowAll("allow"+b))
		}
		tr.write("o1/buckets.json", list+"]}")
		tr.write("o1/iam/allow.json", iamAllowed)
		tr.write("o1/iam/deny.json", iamDenied)
		tr.start()
		tr.run()
		tr.settled()
		var stop atomic.Bool
		var asked atomic.Int64
		wide := make(chan string, 1)
		tr.background(func(context.Context) error {
			sc := index.Scratch{}
			bucket := 0
			iam := &policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"u/x"}}, Action: "iam:ListUsers",
				Resource: policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"}}
			for !stop.Load() {
				bucket = (bucket + 1) % buckets
				for _, r := range []*policy.Request{get("o1", fmt.Sprintf("b%d", bucket)), get("o1", "locked"), iam} {
					if d := tr.current.Load().Decide(r, &sc); d.Outcome == policy.Allow {
						select {
						case wide <- fmt.Sprintf("%s on %s is %v in generation %d", r.Action, r.Resource.ID, d.Reason, d.Generation):
						default:
						}
					}
					asked.Add(1)
				}
			}
			return nil
		})
		before := asked.Load()
		what := [][]string{{"o1/buckets"}, {"o1/access-policies"}, {"o1/iam"}, {"o1"}}[round/2%4]
		if round%2 == 0 { // slow enough for looks to land inside
			files, _ := filepath.Glob(tr.path(what[0] + "/*"))
			for _, f := range files {
				os.RemoveAll(f)
				time.Sleep(5 * time.Millisecond)
			}
		}
		if out, err := exec.Command("rm", "-rf", tr.path(what[0])).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
		switch what[0] {
		case "o1/buckets":
			tr.eventually("the fault", func() bool { return len(tr.l.Status().Quarantined) == 1 })
		case "o1/access-policies", "o1":
			tr.eventually("the removal", func() bool { r := tr.decide("o1", "locked"); return r != policy.OrganizationDeny })
		case "o1/iam":
			tr.eventually("the removal", func() bool { return tr.iam("u/x") == policy.IAMNoMatch })
		}
		stop.Store(true)
		if asked.Load() == before {
			t.Error("nothing was asked")
		}
		select {
		case w := <-wide:
			t.Fatalf("round %d, rm -rf %s: %s", round, what[0], w)
		default:
		}
	}
}
