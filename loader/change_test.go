package loader

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/loader/internal/burst"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// "A look at a unit that something changed under (names, links' targets, size,
// mtime or inode differ at its end) is repeated."
// Attack class 21: nothing half-written is put in force.
func TestAttack21LookIsRepeated(t *testing.T) {
	base := []string{"o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", allowBucket("c")}
	longer := denyAll("c") + " "
	for _, c := range []struct {
		name, trigger string
		change        func(tr *testTree)
	}{
		{"bucket written", "c.json", func(tr *testTree) { tr.write("o1/buckets/c.json", longer) }},
		{"bucket renamed over", "c.json", func(tr *testTree) {
			tr.write("o1/buckets/c.json.tmp", longer)
			tr.rename("o1/buckets/c.json.tmp", "o1/buckets/c.json")
		}},
		{"bucket becomes a link", "c.json", func(tr *testTree) {
			tr.write("..c", longer)
			tr.link("../../..c", "o1/buckets/c.json")
		}},
		{"policy written", "a.json", func(tr *testTree) { tr.write("o1/access-policies/a.json", denyBucket("a", "c")) }},
		{"policy added", "a.json", func(tr *testTree) { tr.write("o1/access-policies/b.json", denyBucket("b", "c")) }},
		{"policies exchanged", "a.json", func(tr *testTree) {
			tr.write("..p/a.json", denyBucket("a", "c"))
			tr.rename("o1/access-policies", "..old")
			tr.rename("..p", "o1/access-policies")
		}},
		{"buckets exchanged", "c.json", func(tr *testTree) {
			tr.write("..b/c.json", longer)
			tr.rename("o1/buckets", "..oldb")
			tr.rename("..b", "o1/buckets")
		}},
		{"organization exchanged", "c.json", func(tr *testTree) {
			tr.write("..o/access-policies/a.json", allowAll("a"))
			tr.write("..o/buckets/c.json", longer)
			tr.rename("o1", "..oldo")
			tr.rename("..o", "o1")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := emptyTree(t)
			for i := 0; i < len(base); i += 2 {
				tr.write(base[i], base[i+1])
			}
			tr.config.Workers = 1
			tr.open()
			var once atomic.Bool
			tr.onRead(func(p string) {
				if path.Base(p) == c.trigger && once.CompareAndSwap(false, true) {
					c.change(tr)
				}
			})
			tr.load()
			if !once.Load() {
				t.Fatal("nothing was changed")
			}
			tr.wantUnits()
			tr.wantGeneration(1)
			if got := tr.decide("o1", "c"); got == allowed {
				t.Errorf("the old content of c is in force: %v", got)
			}
		})
	}
}

// A unit that keeps changing is a fault of that unit alone.
func TestKeepsChanging(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Workers = 1
	for o, b := range map[string]string{"o1": "b", "o2": "d"} {
		tr.write(o+"/access-policies/a.json", allowAll("a"))
		tr.write(o+"/buckets/"+b+".json", denyAll(b))
	}
	tr.write("o1/buckets/c.json", denyAll("c"))
	tr.start()
	n := 0
	tr.onRead(func(p string) {
		n++
		switch path.Base(p) {
		case "b.json":
			tr.write("o1/buckets/b.json", strings.Repeat(" ", n)+allowBucket("b"))
		}
	})
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.write("o1/buckets/c.json", allowBucket("c"))
	tr.load()
	tr.wantUnits("+o1/buckets/b.json")
	tr.wantError("o1/buckets/b.json: this kept changing")
	tr.want("o1", "b", bucketDeny)
	tr.want("o1", "c", allowed)
	tr.dir().Reader.OnRead = nil
	tr.load()
	tr.wantUnits()
	tr.want("o1", "b", allowed)

	// An organization that is exchanged again and again.
	tr.onRead(func(p string) {
		if p == "b.json" {
			n++
			tr.write("..x/buckets/b.json", strings.Repeat(" ", n)+denyAll("b"))
			tr.rename("o1", "..o"+strconv.Itoa(n))
			tr.rename("..x", "o1")
		}
	})
	tr.write("o2/buckets/d.json", allowBucket("d"))
	tr.write("o1/buckets/b.json", allowBucket("b")+" ")
	tr.load()
	tr.wantUnits("+o1/access-policies", "+o1/buckets", "+o1/buckets.json", "+o1/iam")
	tr.want("o2", "d", allowed)
	tr.want("o1", "b", allowed)
}

// "No request sees half of a change": ..data that is swapped in the middle of
// a look does not give half of each.
func TestSwapDuringALook(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Workers = 1
	files := func(effect string) (out []string) {
		for i := range 8 {
			o := "o" + strconv.Itoa(i)
			out = append(out, o+"/access-policies/a.json", allowAll("a"), o+"/buckets/b"+strconv.Itoa(i)+".json", bucketPolicy(effect, "b"+strconv.Itoa(i)))
		}
		return out
	}
	tr.kubelet("1", files("Allow")...)
	for i := range 8 {
		tr.link("..data/o"+strconv.Itoa(i), "o"+strconv.Itoa(i))
	}
	tr.start()
	second := files("Allow")
	for i := 1; i < len(second); i += 2 {
		second[i] += " "
	}
	tr.kubelet("2", second...)
	n := 0
	tr.onRead(func(string) {
		if n++; n == 9 {
			tr.kubelet("3", files("Deny")...)
		}
	})
	tr.load()
	tr.wantGeneration(2)
	for i := range 8 {
		tr.want("o"+strconv.Itoa(i), "b"+strconv.Itoa(i), bucketDeny)
	}
}

// "A rescan of unchanged files parses nothing (size, mtime, ctime, inode; then the
// content)."
func TestRescanParsesNothing(t *testing.T) {
	tr := emptyTree(t)
	now := time.Now()
	tr.config.Now = func() time.Time { return now }
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.write("o1/buckets.json", `{"buckets":["x"]}`)
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.write("o1/buckets/broken.json", "{")
	tr.start()
	count := func(what string, reads, parses int64) {
		t.Helper()
		r, p := tr.dir().Reader.Reads.Load(), tr.parses()
		tr.load()
		if r, p = tr.dir().Reader.Reads.Load()-r, tr.parses()-p; r != reads || p != parses {
			t.Errorf("%s: %d files read, %d parsed; want %d, %d", what, r, p, reads, parses)
		}
		tr.wantGeneration(1)
	}
	count("fresh files are read again", 4, 0)
	now = now.Add(time.Hour)
	count("an hour later", 4, 0)
	count("and again", 0, 0)
	now = now.Add(time.Hour)
	touched := now
	for _, f := range []string{"o1/access-policies/a.json", "o1/buckets/b.json"} {
		os.Chtimes(tr.path(f), touched, touched)
	}
	count("touched", 2, 0)
	now = now.Add(time.Hour)
	count("touched an hour ago", 2, 0)
	count("and again", 0, 0)
	tr.write("o1/buckets/b.json.new", denyAll("b"))
	tr.rename("o1/buckets/b.json.new", "o1/buckets/b.json")
	tr.remove("o1/buckets/b.json.new")
	count("renamed over with the same content", 1, 0)
}

// Two states of a file may bear one stamp if they follow one another quickly.
func TestSameStampOtherContent(t *testing.T) {
	tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b")+"  ")
	before := tr.l.orgs["o1"].Buckets["b.json"].Seen.Version
	tr.write("o1/buckets/b.json", bucketPolicy("Deny", "b")+"   ")
	at := tree.Look(tr.root, tr.path("o1/buckets"), "b.json").Stamp
	tr.l.orgs["o1"].Buckets["b.json"].Seen.Version = source.Version{uint64(at.Size), uint64(at.Mtime), uint64(at.Ctime), at.Inode, at.Device}
	if before[0] != tr.l.orgs["o1"].Buckets["b.json"].Seen.Version[0] {
		t.Fatal("the sizes differ")
	}
	tr.load()
	tr.want("o1", "b", bucketDeny)
}

// "one changed bucket policy among 100,000 rebuilds that bucket's part only;
// unchanged organizations and buckets are shared between snapshots"; an event
// looks at what it names, and at nothing else.
func TestCostOfAChange(t *testing.T) {
	tr := emptyTree(t)
	tr.write("o1/access-policies/a.json", allowAll("a"))
	const n = 3000
	for i := range n {
		tr.write("o1/buckets/b"+strconv.Itoa(i)+".json", allowBucket("b"+strconv.Itoa(i)))
	}
	tr.start()
	before := tr.current.Load()
	tr.write("o1/buckets/b7.json", denyAll("b7"))
	tr.remove("o1/buckets/b8.json")
	looks, reads := tr.dir().Looks.Load(), tr.dir().Reader.Reads.Load()
	tr.event("o1/buckets/b7.json", "o1/buckets/b8.json", "o1/buckets/.b9.json.swp")
	if l, r := tr.dir().Looks.Load()-looks, tr.dir().Reader.Reads.Load()-reads; l != 3 || r != 1 { // what vanished, twice: it is held
		t.Errorf("%d names looked at, %d files read; want 3, 1", l, r)
	}
	tr.want("o1", "b7", bucketDeny)
	tr.want("o1", "b8", policy.OwnerUnknown)
	tr.wantGeneration(3)
	after := tr.current.Load()
	for i := range n {
		name := "b" + strconv.Itoa(i)
		x, _ := before.Bucket(name)
		y, _ := after.Bucket(name)
		if (x.Policy == y.Policy) != (i != 7 && i != 8) {
			t.Fatalf("%s: shared %v", name, x.Policy == y.Policy)
		}
	}
	x, _ := before.Organization("o1")
	y, _ := after.Organization("o1")
	if x.Policies != y.Policies {
		t.Error("the organization's policies were compiled again")
	}
}

// An event on a name in a folder that was exchanged meanwhile must not be read
// as a removal.
func TestEventInAnExchangedFolder(t *testing.T) {
	tr := emptyTree(t)
	tr.kubelet("1", "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", denyAll("c"))
	tr.link("..data/o1", "o1")
	tr.start()
	tr.kubelet("2", "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", allowBucket("c"))
	tr.remove("..v1")
	tr.event("..v1/o1/buckets/b.json")
	tr.want("o1", "b", bucketDeny)
	tr.want("o1", "c", allowed) // it was all looked at
	tr.wantUnits()
}

// event does what Run does when these paths have events, and with what they
// leave held.
func (tr *testTree) event(paths ...string) {
	tr.t.Helper()
	p := burst.Batch{Changes: map[string]struct{}{}}
	for _, path := range paths {
		p.Changes[tr.path(path)] = struct{}{}
	}
	tr.l.lookAt(tr.t.Context(), p)
	for due, ok := tr.l.departing(); ok; due, ok = tr.l.departing() {
		time.Sleep(time.Until(due))
		tr.l.lookAt(tr.t.Context(), burst.Batch{})
	}
}

// An event on one of several organizations that moved together moves all.
func TestEventOnOneOfASwap(t *testing.T) {
	tr := emptyTree(t)
	files := func(effect string) []string {
		return []string{"o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", bucketPolicy(effect, "b"),
			"o2/access-policies/a.json", allowAll("a"), "o2/buckets/c.json", bucketPolicy(effect, "c")}
	}
	tr.kubelet("1", files("Allow")...)
	tr.link("..data/o1", "o1")
	tr.link("..data/o2", "o2")
	tr.start()
	tr.kubelet("2", files("Deny")...)
	tr.event("o1")
	tr.wantGeneration(2)
	tr.want("o1", "b", bucketDeny)
	tr.want("o2", "c", bucketDeny)
}

// An event of before the root was re-pointed must not be read as a removal.
func TestEventBeforeTheRootWasRepointed(t *testing.T) {
	tr := emptyTree(t)
	base := filepath.Dir(tr.root)
	for _, rev := range []string{"../rev1", "../rev2"} {
		tr.write(rev+"/o1/access-policies/a.json", allowAll("a"))
		tr.write(rev+"/o1/buckets/b.json", denyAll("b"))
		tr.write(rev+"/o1/buckets/c.json", denyAll("c"))
		tr.write(rev+"/o2/access-policies/a.json", allowAll("a"))
		tr.write(rev+"/o2/buckets/d.json", denyAll("d"))
	}
	tr.write("../rev2/o1/buckets/c.json", allowBucket("c"))
	tr.write("../rev2/o2/buckets/d.json", allowBucket("d"))
	tr.remove("")
	tr.link("rev1", "../policies")
	tr.start()
	tr.link("rev2", "../policies")
	if err := os.RemoveAll(filepath.Join(base, "rev1/o1/buckets/b.json")); err != nil {
		t.Fatal(err)
	}
	tr.event("../rev1/o1/buckets/b.json")
	tr.wantGeneration(2)
	tr.want("o1", "b", bucketDeny)
	tr.want("o1", "c", allowed)
	tr.want("o2", "d", allowed) // one generation of all of it
}
