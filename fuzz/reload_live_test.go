package fuzz

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/index"
	"postern/policy"
)

// questions are asked at each look, and all the time between.
var questions = func() (out []*policy.Request) {
	for _, org := range []string{"o1", "o2", "o3"} {
		for _, bucket := range []string{"b1", "b2", "b3", "bad!", "unheard"} {
			for _, owner := range []string{"", "o1", "o2", "o3"} {
				for _, action := range []string{"s3:GetObject", "s3:CreateBucket"} {
					q := &policy.Request{
						Principal: policy.Principal{Org: org, IDs: []string{"coreweave/u"}}, Action: action,
						Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: bucket + "/k", Org: owner},
					}
					if action == "s3:CreateBucket" {
						q.Resource.Kind, q.Resource.Type, q.Resource.ID = policy.ResourceBucket, "bucket", bucket
					}
					out = append(out, q)
				}
			}
		}
		out = append(out, &policy.Request{Principal: policy.Principal{Org: org, IDs: []string{"coreweave/u"}}, Action: "iam:ListUsers",
			Resource: policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"}})
	}
	return out
}()

// answers are those to all questions.
type answers [123]policy.Decision

func ask(s *index.Snapshot, sc *index.Scratch) (a answers) {
	for i, q := range questions {
		a[i] = s.Decide(q, sc)
	}
	return a
}

// clients ask all questions of whatever snapshot is in force, again and again,
// each time as a batch does: of one. Whatever they are told in one generation
// has to be the same.
type clients struct {
	stop chan struct{}
	done sync.WaitGroup
	seen map[uint64]*answers
	fail string
}

func observe(current *index.Current) *clients {
	c := &clients{stop: make(chan struct{}), seen: map[uint64]*answers{}}
	c.done.Go(func() {
		sc := new(index.Scratch)
		last := uint64(0)
		for {
			select {
			case <-c.stop:
				return
			case <-time.After(50 * time.Microsecond):
			}
			s := current.Load()
			if s == nil {
				continue
			}
			a := ask(s, sc)
			if s.Generation() < last {
				c.fail = "generations go back"
			}
			last = s.Generation()
			for _, d := range a {
				if d.Generation != last {
					c.fail = "an answer names another generation than its batch"
				}
			}
			if before := c.seen[last]; before == nil {
				c.seen[last] = &a
			} else if *before != a {
				c.fail = "one generation gave two answers"
			}
		}
	})
	return c
}

// end ends the clients and holds what they were told to what each generation
// that was looked at had to say.
func (c *clients) end(r *reload) {
	r.t.Helper()
	close(c.stop)
	c.done.Wait()
	if c.fail != "" {
		r.fatal("%s", c.fail)
	}
	for generation, a := range c.seen {
		want := r.told[generation]
		if want == nil {
			r.reached["a generation between two looks"]++
			continue
		}
		r.reached["a generation asked while in force"]++
		for i := range a {
			if a[i] != want[i] {
				r.fatal("in generation %d a client was told %+v on %+v, want %+v", generation, a[i], questions[i], want[i])
			}
		}
	}
	if last := r.current.Load(); last != nil {
		for generation := range c.seen {
			if generation > last.Generation() {
				r.fatal("a client was answered from generation %d, which was never in force", generation)
			}
		}
	}
}

// watch lets the loader watch, in a live run.
func (r *reload) watch() {
	if !r.live || r.stop != nil || r.down {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.l.Run(ctx) }()
	r.stop = func() {
		cancel()
		r.must(<-done)
		r.stop = nil
	}
}

func (r *reload) unwatch() {
	if r.stop != nil {
		r.stop()
	}
}

// boundary makes the model look while the loader may look at any time.
func (r *reload) boundary() {
	if r.stop != nil {
		r.look(false)
	}
}

// overflow loses the events of a few steps: a watch that begins knows nothing
// of what was before, and looks at everything, as after an overflow.
func (r *reload) overflow() {
	if r.stop == nil || r.lost || r.down {
		return
	}
	r.note("events are lost")
	r.lost = true
	r.unwatch()
	for range 1 + r.next(3) { // no boundaries: nobody looks
		r.step()
	}
	r.lost = false
	r.note("and everything is looked at")
	r.watch()
	r.boundary()
	r.reached["overflow"]++
}

// restart ends the process, and starts it again; or kills it after it published,
// and before it wrote the mirror. Sometimes there are changes in between.
func (r *reload) restart(kill bool) {
	if r.current.Load() == nil || r.down || r.unreadable() {
		return
	}
	r.unwatch()
	if kill = kill && r.state != ""; kill {
		r.kill()
	} else {
		r.note("stop")
		r.clients.end(r)
	}
	r.down = true
	for range max(0, r.next(6)-3) {
		r.step()
		r.reached["a start after changes"]++
	}
	r.down = false
	if r.unreadable() { // serve does not start
		r.note("the policy directory is back: %v, %v", os.Rename(r.root+".away", r.root), os.Chmod(r.root, 0o755))
	}
	if r.unreadable() {
		r.fatal("the policy directory cannot be read")
	}
	r.start(kill)
}

// kill has the process look once more, and killed before it writes the mirror.
func (r *reload) kill() {
	r.note("the next look is killed")
	lost := r.lost
	r.lost = true
	for range r.next(4) {
		r.step()
	}
	r.lost, r.dying, r.disk = lost, true, ""
	r.look(r.next(8) == 0)
	if r.dying = false; r.disk == "" { // there was no look
		r.copyDisk()
	}
	r.clients.end(r)
	r.note("killed")
}

// observed is called after each generation is published, and before the mirror
// is written.
func (r *reload) observed() {
	if r.dying {
		r.copyDisk()
	}
}

// copyDisk keeps the state directory as it is now: what a process that is
// killed now leaves.
func (r *reload) copyDisk() {
	r.trash++
	r.disk = filepath.Join(r.base, fmt.Sprint("state", r.trash))
	if err := os.CopyFS(r.disk, os.DirFS(r.state)); err != nil {
		panic(err)
	}
}

// start starts a process after one that was stopped, or killed.
func (r *reload) start(killed bool) {
	r.collect()
	var last *model
	if killed {
		r.reached["a start after a kill"]++
		if r.state = r.disk; !r.model.mirrored {
			r.reached["a kill before the mirror was written"]++
		}
	}
	if !r.model.mirrored {
		last = r.model
	}
	r.open(last)
	r.note("start")
	r.reached["a start"]++
	r.model.lookAtHold(r.root, r.now())
	switch {
	case !r.model.held():
	case r.model.startHeld():
		r.reached["a start under a transaction"]++
	default:
		r.note("which waits for the transaction")
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		err := r.l.Load(ctx)
		if cancel(); err == nil || r.current.Load() != nil || !r.l.Status().HeldTransaction {
			r.fatal("a start under a transaction without anything to start with: %v, %+v", err, r.l.Status())
		}
		r.reached["no start under a transaction"]++
		r.must(os.Remove(filepath.Join(r.root, ".hold")))
	}
	r.look(false)
	if !r.lost {
		r.watch()
	}
}

// collect adds up what the model came upon, before another takes its place.
func (r *reload) collect() {
	r.reached["first and broken, and denied"] += r.model.denied
	r.reached["a platform organization that vanished"] += r.model.kept
}

// repoint points the policy directory to another folder: one that it was pointed
// to before, as that is now, or else a copy of what it is.
func (r *reload) repoint(n int) {
	to := r.revision(n)
	if fi, err := os.Lstat(r.root); err != nil || fi.Mode()&os.ModeSymlink == 0 {
		return
	}
	if _, err := os.Stat(to); err != nil {
		copyTree(r.root, to)
	}
	next := r.root + ".tmp"
	r.must(os.Symlink(to, next))
	r.must(os.Rename(next, r.root))
	r.note("re-pointed to %s", filepath.Base(to))
	r.reached["re-pointed"]++
}

// copyTree copies what can be read, and no hold.
func copyTree(from, to string) {
	es, _ := os.ReadDir(from)
	os.Mkdir(to, 0o755)
	for _, e := range es {
		a, b := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case e.Name() == ".hold":
		case e.IsDir():
			copyTree(a, b)
		case e.Type() == os.ModeSymlink:
			if target, err := os.Readlink(a); err == nil {
				os.Symlink(target, b)
			}
		case e.Type().IsRegular():
			if data, err := os.ReadFile(a); err == nil {
				os.WriteFile(b, data, 0o644)
			}
		}
	}
}

// readAll is what a file holds; nil if it cannot be read.
func readAll(path string) []byte {
	data, _ := os.ReadFile(path)
	return data
}

// lostRoot reports whether a new folder would make a new policy directory, step
// by step, of which an empty one is seen or is not.
func (r *reload) lostRoot() bool { return r.stop != nil && r.unreadable() }

// unreadable reports whether the policy directory cannot be looked at.
func (r *reload) unreadable() bool {
	_, ok := list(r.root, r.root)
	return !ok
}

// unprivileged makes the process nobody, to whom permissions mean something,
// until the test ends.
func unprivileged(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := syscall.Seteuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Seteuid(0); err != nil {
			panic(err)
		}
	})
}
