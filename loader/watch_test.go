package loader

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"postern/policy"
)

// run starts watching and stops with the test.
func (tr *testTree) run() {
	tr.t.Helper()
	tr.background(func(ctx context.Context) error { return tr.l.Run(ctx) })
}

func (tr *testTree) background(run func(context.Context) error) {
	tr.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- run(ctx) }()
	tr.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tr.t.Errorf("Run: %v", err)
		}
	})
}

// soon waits until the bucket is decided as wanted.
func (tr *testTree) soon(what, org, bucket string, want policy.Reason) {
	tr.t.Helper()
	tr.eventually(what, func() bool { return tr.decide(org, bucket) == want })
}

func (tr *testTree) eventually(what string, ok func() bool) {
	tr.t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	tr.t.Fatalf("%s: not noticed\n%s", what, tr.describe())
}

// settled waits until the looks that events asked for are over.
func (tr *testTree) settled() {
	tr.t.Helper()
	quiet := 0
	tr.eventually("settled", func() bool {
		if tr.l.pending.Wait(0, 0) < 0 && tr.l.mu.TryLock() {
			tr.l.mu.Unlock()
			quiet++
		} else {
			quiet = 0
		}
		return quiet > 20
	})
}

func watched(t *testing.T, files ...string) *testTree {
	t.Helper()
	tr := emptyTree(t)
	tr.config.Rescan = time.Hour // only events
	tr.config.Observe = nil      // its list is not guarded
	tr.config.Logger = nil
	for i := 0; i < len(files); i += 2 {
		tr.write(files[i], files[i+1])
	}
	tr.start()
	tr.run()
	tr.settled()
	return tr
}

func TestEvents(t *testing.T) {
	tr := watched(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"))
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.soon("a bucket file written", "o1", "b", allowed)
	tr.write("o1/buckets/new.json.tmp", denyAll("new"))
	tr.rename("o1/buckets/new.json.tmp", "o1/buckets/new.json")
	tr.soon("a bucket file renamed in", "o1", "new", bucketDeny)
	tr.remove("o1/buckets/new.json")
	tr.soon("a bucket file removed", "o1", "new", policy.OwnerUnknown)
	tr.write("o1/buckets.json", `{"buckets":["plain"]}`)
	tr.soon("a list", "o1", "plain", allowed)
	tr.write("o1/access-policies/b.json", denyBucket("b", "plain"))
	tr.soon("an organization policy", "o1", "plain", policy.OrganizationDeny)
	tr.write("o1/buckets/b.json", brokenFile)
	tr.eventually("a broken file", func() bool { return len(tr.l.Status().Quarantined) == 1 })
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.soon("mended", "o1", "b", bucketDeny)

	tr.write("o2/access-policies/a.json", allowAll("a"))
	tr.write("o2/buckets/c.json", denyAll("c"))
	tr.soon("a new organization", "o2", "c", bucketDeny)
	tr.settled()
	tr.write("o2/buckets/c.json", allowBucket("c"))
	tr.soon("a change in the new organization", "o2", "c", allowed)

	tr.rename("o2", "o3")
	tr.soon("an organization renamed", "o3", "c", allowed)
	tr.settled()
	tr.write("o3/buckets/c.json", denyAll("c"))
	tr.soon("a change in the renamed organization", "o3", "c", bucketDeny)
	tr.write("o3/access-policies/z.json", denyBucket("z", "c"))
	tr.soon("and in its policies", "o3", "c", policy.OrganizationDeny)

	tr.remove("o3")
	tr.write("o3/access-policies/a.json", allowAll("a"))
	tr.write("o3/buckets/c.json", denyAll("c"))
	tr.soon("made again", "o3", "c", bucketDeny)
	tr.settled()
	tr.write("o3/buckets/c.json", allowBucket("c"))
	tr.soon("a change in the folder made again", "o3", "c", allowed)
}

func TestEventsOfLinks(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Rescan, tr.config.Observe, tr.config.Logger = time.Hour, nil, nil
	base := filepath.Dir(tr.root)
	files := func(effect string) []string {
		return []string{"o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", bucketPolicy(effect, "b"), "o1/buckets/x.json", bucketPolicy("Deny", "x")}
	}
	tr.kubelet("1", files("Allow")...)
	tr.link("..data/o1", "o1")
	tr.write("..shared/p", denyAll("l"))
	tr.link("../../../..shared/p", "..v1/o1/buckets/l.json")
	os.Symlink(tr.root, filepath.Join(base, "link"))
	tr.config.Root = filepath.Join(base, "link")
	tr.start()
	tr.run()
	tr.settled()
	tr.want("o1", "b", allowed)
	tr.want("o1", "l", bucketDeny)

	tr.write("..shared/p", allowBucket("l"))
	tr.soon("a link's target written", "o1", "l", allowed)
	tr.write("..v1/o1/buckets/b.json", denyAll("b"))
	tr.soon("a file behind a linked folder", "o1", "b", bucketDeny)

	tr.settled()
	generation := tr.current.Load().Generation()
	tr.kubelet("2", files("Allow")...)
	tr.remove("..v1")
	tr.soon("a swap of ..data", "o1", "b", allowed)
	tr.settled()
	if got := tr.current.Load().Generation(); got != generation+1 {
		t.Errorf("%d generations of one swap", got-generation)
	}
	tr.write("..v2/o1/buckets/b.json", denyAll("b"))
	tr.soon("a file behind the swapped folder", "o1", "b", bucketDeny)

	tr.link("..later/o2", "o2")
	tr.eventually("a dangling link", func() bool { return len(tr.l.Status().Quarantined) == 4 })
	tr.write("..made/o2/access-policies/a.json", allowAll("a"))
	tr.write("..made/o2/buckets/c.json", allowBucket("c"))
	tr.rename("..made", "..later")
	tr.soon("its target", "o2", "c", allowed)

	tr.write("../rev2/o1/access-policies/a.json", allowAll("a"))
	tr.write("../rev2/o1/buckets/b.json", allowBucket("b"))
	os.Symlink("rev2", filepath.Join(base, "next"))
	os.Rename(filepath.Join(base, "next"), filepath.Join(base, "link"))
	tr.soon("the root re-pointed", "o1", "b", allowed)
	tr.soon("the root re-pointed", "o2", "c", policy.OwnerUnknown)
	tr.settled()
	tr.write("../rev2/o1/buckets/b.json", denyAll("b"))
	tr.soon("a file behind the new root", "o1", "b", bucketDeny)
}

func TestBurstIsOneGeneration(t *testing.T) {
	tr := emptyTree(t)
	tr.config.Rescan, tr.config.Observe, tr.config.Logger = time.Hour, nil, nil
	tr.config.Quiet, tr.config.MaxWait = 200*time.Millisecond, 10*time.Second
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.start()
	tr.run()
	tr.settled()
	for attempt := range 20 {
		before, last, longest := tr.current.Load().Generation(), time.Now(), time.Duration(0)
		for i := range 40 {
			name := fmt.Sprintf("b%d-%d", attempt, i)
			tr.write("o1/buckets/"+name+".json", denyAll(name))
			longest, last = max(longest, time.Since(last)), time.Now()
		}
		tr.soon("the last", "o1", fmt.Sprintf("b%d-39", attempt), bucketDeny)
		tr.settled()
		if longest < tr.config.Quiet/4 { // else this machine was too busy for it to be a burst
			tr.wantGeneration(before + 1)
			return
		}
	}
	t.Error("40 files were never written without a pause")
}

// fake is a notifier that sends nothing of its own.
type fake struct {
	mu     sync.Mutex
	err    error
	events chan fsnotify.Event
	errs   chan error
	paths  map[string]int
}

func newFake() *fake {
	return &fake{events: make(chan fsnotify.Event), errs: make(chan error), paths: map[string]int{}}
}

func (f *fake) Add(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.paths[path]++
	}
	return f.err
}

func (f *fake) Remove(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.paths, path)
	return nil
}

func (f *fake) Close() error {
	close(f.events)
	close(f.errs)
	return nil
}

func (f *fake) has(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.paths[path] > 0
}

func withFake(t *testing.T, rescan time.Duration, f *fake) *testTree {
	t.Helper()
	tr := emptyTree(t)
	tr.config.Rescan, tr.config.Observe = rescan, nil
	tr.write("o1/access-policies/a.json", allowAll("a"))
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.start()
	if f == nil {
		tr.background(func(ctx context.Context) error { return tr.l.run(ctx) })
	} else {
		tr.background(func(ctx context.Context) error {
			tr.l.mu.Lock()
			stop := tr.dir().WatchWith(ctx, tr.l.pending, f, f.events, f.errs)
			tr.l.mu.Unlock()
			defer func() {
				tr.l.mu.Lock()
				defer tr.l.mu.Unlock()
				stop()
			}()
			return tr.l.run(ctx)
		})
	}
	if rescan > time.Minute { // else there is a look again and again
		tr.settled()
	}
	return tr
}

// "on overflow at once"
func TestOverflow(t *testing.T) {
	f := newFake()
	tr := withFake(t, time.Hour, f)
	tr.write("o1/buckets/b.json", allowBucket("b"))
	f.errs <- fsnotify.ErrEventOverflow
	tr.soon("an overflow", "o1", "b", allowed)
}

// "file systems without events are ... covered by a full rescan: ... every -rescan"
func TestTicker(t *testing.T) {
	for _, f := range []*fake{nil, newFake()} {
		tr := withFake(t, 20*time.Millisecond, f)
		tr.write("o1/buckets/b.json", allowBucket("b"))
		tr.soon("a rescan", "o1", "b", allowed)
	}
}

// "an exhausted watch limit"
func TestExhaustedWatches(t *testing.T) {
	f := newFake()
	f.err = syscall.ENOSPC
	tr := withFake(t, 20*time.Millisecond, f)
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.soon("a rescan", "o1", "b", allowed)
	tr.l.mu.Lock() // no look writes to the log meanwhile
	defer tr.l.mu.Unlock()
	if n := strings.Count(tr.log.String(), "cannot be watched"); n != 1 {
		t.Errorf("%d log lines about watches", n)
	}
}

// "a lost watch": the watch is set again with the next look at everything, and
// a folder that is gone is not watched any more.
func TestLostWatch(t *testing.T) {
	f := newFake()
	tr := withFake(t, time.Hour, f)
	dir := tr.path("o1/buckets")
	for _, d := range []string{"", "o1", "o1/access-policies", "o1/buckets"} {
		if !f.has(tr.path(d)) {
			t.Errorf("%q is not watched: %v", d, f.paths)
		}
	}
	f.Remove(dir)
	f.events <- fsnotify.Event{Name: dir, Op: fsnotify.Remove}
	tr.eventually("watched again", func() bool { return f.has(dir) })
	f.Remove(dir)
	f.errs <- fsnotify.ErrEventOverflow
	tr.eventually("watched again after an overflow", func() bool { return f.has(dir) })
	tr.remove("o1")
	tr.l.Rescan()
	tr.eventually("not watched", func() bool { return !f.has(dir) && !f.has(tr.path("o1")) })
}

// SIGHUP, while running.
func TestRescanWhileRunning(t *testing.T) {
	tr := watched(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", denyAll("c"))
	tr.rename("o1/buckets", "..gone")
	tr.eventually("the fault", func() bool { return len(tr.l.Status().Quarantined) == 1 })
	tr.want("o1", "b", bucketDeny)
	tr.l.Rescan()
	tr.soon("SIGHUP", "o1", "b", policy.OwnerUnknown)
}

// A policy directory that vanishes and comes back while running.
func TestRootVanishesWhileRunning(t *testing.T) {
	tr := watched(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", denyAll("b"))
	tr.rename("", "../away")
	tr.eventually("the failure", func() bool { return tr.l.Status().Result == policy.ReloadFailed })
	tr.want("o1", "b", bucketDeny)
	tr.write("../away/o1/buckets/b.json", allowBucket("b"))
	tr.rename("../away", "")
	tr.soon("it is back", "o1", "b", allowed)
	tr.settled()
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.soon("a change in it", "o1", "b", bucketDeny)
}
