package loader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/loader/internal/digest"
	"postern/loader/internal/tree"
	"postern/policy"
)

// mapped is a file of the tree through a shared mapping.
func (tr *testTree) mapped(file string) []byte {
	tr.t.Helper()
	f, err := os.OpenFile(tr.path(file), os.O_RDWR, 0)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		tr.t.Fatal(err)
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, int(fi.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.t.Cleanup(func() { syscall.Munmap(m) })
	return m
}

// silently stores content into a file in a way that moves no stamp of it, after
// the loader has come to trust that stamp.
func (tr *testTree) silently(file, content string, now *time.Time) {
	tr.t.Helper()
	m := tr.mapped(file)
	for range 20 {
		m[len(m)-1] = ' ' // the page is written to, and the stamp moves
		at := tree.Look(tr.root, filepath.Dir(tr.path(file)), filepath.Base(file)).Stamp
		*now = time.Now().Add(time.Hour)
		tr.load()
		tr.load()
		copy(m, content+strings.Repeat(" ", len(m)-len(content)))
		if tree.Look(tr.root, filepath.Dir(tr.path(file)), filepath.Base(file)).Stamp == at {
			return
		}
	}
	tr.t.Fatal("each store moved the stamp")
}

// round has every file read again once.
func (tr *testTree) round() {
	tr.l.rereads.began = time.Now().Add(-2 * tr.l.c.Reread)
	tr.l.rereads.leaf, tr.l.rereads.todo = 0, nil
	for began := tr.l.rereads.began; tr.l.rereads.began == began || len(tr.l.rereads.todo) > 0; {
		tr.l.readAgain(context.Background())
	}
}

// "Reads every file once in -reread whatever its stamps say; SIGHUP: at once":
// a store through a shared mapping, in each kind of unit, good or quarantined.
func TestSilentStores(t *testing.T) {
	group := func(members string) string { return fmt.Sprintf(iamGroup, members) }
	bucket := func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }
	for name, c := range map[string]struct {
		file, first, next string
		ask               func(tr *testTree) policy.Reason
		before, after     policy.Reason
	}{
		"bucket":       {"o1/buckets/b.json", allowBucket("b"), denyAll("b"), bucket, allowed, bucketDeny},
		"broken":       {"o1/buckets/b.json", strings.Replace(allowBucket("b"), "{", "[", 1), denyAll("b"), bucket, unavailable, bucketDeny},
		"organization": {"o1/access-policies/z.json", allowAll("z") + "  ", denyBucket("z", "c"), func(tr *testTree) policy.Reason { return tr.decide("o1", "c") }, allowed, policy.OrganizationDeny},
		"broken set":   {"o1/access-policies/z.json", strings.Replace(allowAll("z"), "{", "[", 1), denyBucket("z", "c"), func(tr *testTree) policy.Reason { return tr.decide("o1", "c") }, policy.OrganizationUnavailable, policy.OrganizationDeny},
		"list":         {"o1/buckets.json", `{"buckets":["c","d"]}`, `{"buckets":["c","e"]}`, func(tr *testTree) policy.Reason { return tr.decide("o1", "e") }, policy.OwnerUnknown, allowed},
		"iam":          {"o1/iam/g.json", group(`"u/alice"`), group(`"u/bobby"`), func(tr *testTree) policy.Reason { return tr.iam("u/bobby") }, policy.IAMNoMatch, allowed},
	} {
		for _, hangup := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, SIGHUP %v", name, hangup), func(t *testing.T) {
				tr := emptyTree(t)
				now := time.Now()
				tr.config.Now = func() time.Time { return now }
				for file, content := range map[string]string{"o1/access-policies/all.json": allowAll("all"), "o1/buckets.json": `{"buckets":["c"]}`,
					"o1/iam/bindings.json": iamBound, "o1/iam/g.json": group(`"u/alice"`), c.file: c.first + "  "} {
					tr.write(file, content)
				}
				tr.start()
				tr.silently(c.file, c.next, &now)
				tr.load()
				if got := c.ask(tr); got != c.before {
					t.Fatalf("a look that trusts stamps: %v, want %v", got, c.before)
				}
				if hangup {
					tr.sighup()
				} else {
					tr.round()
				}
				if got := c.ask(tr); got != c.after {
					t.Errorf("%v, want %v\n%s", got, c.after, tr.describe())
				}
			})
		}
	}
}

// A round reads each file once, a few at a time, and looks at nothing.
func TestRoundReadsEachFileOnce(t *testing.T) {
	tr := emptyTree(t)
	now := time.Now()
	tr.config.Now = func() time.Time { return now }
	const n = 300
	for i := range n {
		tr.write(fmt.Sprintf("o%d/buckets/b%d.json", i%3, i), denyAll(fmt.Sprintf("b%d", i)))
	}
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.write("o1/access-policies/b.json", allowAll("b"))
	tr.write("o1/iam/broken.json", "{")
	tr.start()
	now = now.Add(time.Hour)
	tr.load()
	for range 2 {
		seen := map[string]int{}
		pieces, files := 0, 0
		tr.onRead(func(path string) { seen[path]++; files++ })
		looks := tr.dir().Looks.Load()
		tr.l.rereads.began = time.Now().Add(-2 * tr.l.c.Reread)
		for began := tr.l.rereads.began; tr.l.rereads.began == began || len(tr.l.rereads.todo) > 0; pieces++ {
			before := files
			tr.l.readAgain(context.Background())
			if files-before > rereadAtOnce {
				t.Fatalf("%d files at once", files-before)
			}
		}
		if len(seen) != n+3 || files != n+3 || tr.dir().Looks.Load() != looks {
			t.Errorf("%d files read, %d times, with %d names looked at", len(seen), files, tr.dir().Looks.Load()-looks)
		}
		tr.wantGeneration(1)
	}
	// The first half of the time reads about half of the files.
	read := 0
	tr.onRead(func(string) { read++ })
	tr.l.rereads = rereads{began: time.Now().Add(-tr.l.c.Reread / 2)}
	for range 2 * digest.Leaves {
		tr.l.readAgain(context.Background())
	}
	if read < n/3 || read > n*2/3 {
		t.Errorf("%d of %d files are read in half of the time", read, n)
	}
}

// While it runs, what no event tells is found within Config.Reread, and a
// rescan alone does not find it.
func TestRereadWhileItRuns(t *testing.T) {
	tr := emptyTree(t)
	now := time.Now()
	tr.config.Now = func() time.Time { return now }
	tr.config.Rescan, tr.config.Reread = time.Hour, 500*time.Millisecond
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.write("o1/buckets/b.json", allowBucket("b")+strings.Repeat(" ", rand.IntN(9)+1))
	tr.start()
	tr.silently("o1/buckets/b.json", denyAll("b"), &now)
	tr.want("o1", "b", allowed)
	tr.background(func(ctx context.Context) error { return tr.l.Run(ctx) })
	for end := time.Now().Add(time.Minute); tr.decide("o1", "b") != bucketDeny; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is not found")
		}
	}
}
