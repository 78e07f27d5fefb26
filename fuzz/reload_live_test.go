package fuzz

import (
	"context"
	"os"
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
