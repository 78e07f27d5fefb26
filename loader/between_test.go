package loader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"postern/loader/internal/burst"
	"postern/policy"
)

// "a change that an event announces is looked at at once, also in the middle of
// a rescan": the rescan is stopped, and the change is in force all the same.
func TestEventInTheMiddleOfARescan(t *testing.T) {
	tr := emptyTree(t)
	tr.config = Config{Root: tr.root, Rescan: time.Hour, Workers: 2}
	for i := range 12 {
		org := fmt.Sprintf("o%02d", i)
		tr.write(org+"/access-policies/p.json", allowAll("p"))
		tr.write(org+"/buckets/"+org+".json", denyAll(org))
		tr.write(org+"/buckets/x"+org+".json", denyAll("x"+org))
	}
	tr.start()
	tr.run()
	tr.settled() // all is watched
	stopped, goOn := make(chan struct{}), make(chan struct{})
	first := true
	pieces := 0
	tr.l.mu.Lock()
	tr.l.onPiece = func() bool { // on the goroutine that looks
		if pieces++; pieces < 3 {
			return false
		}
		if first {
			first = false
			close(stopped)
		}
		select {
		case <-goOn:
			return false
		default:
			time.Sleep(time.Millisecond)
			return true
		}
	}
	tr.l.mu.Unlock()
	tr.write("o03/buckets/o03.json", allowBucket("o03"))
	tr.l.pending.Change(tr.path("o03/buckets/o03.json"), false, false) // not at rest yet
	tr.l.pending.Everything()
	<-stopped
	tr.soon("a change that was told of just before the rescan", "o03", "o03", allowed)
	tr.write("o00/buckets/o00.json", allowBucket("o00"))
	tr.soon("a change in what was looked at already, or not yet", "o00", "o00", allowed)
	tr.write("o11/buckets/o11.json", allowBucket("o11"))
	tr.soon("a change in what was looked at already, or not yet", "o11", "o11", allowed)
	tr.write("o05/access-policies/q.json", denyBucket("q", "xo05"))
	tr.soon("an organization's policies", "o05", "xo05", policy.OrganizationDeny)
	tr.write("o05/buckets/o05.json", "{")
	tr.eventually("a broken file", func() bool { return len(tr.l.Status().Quarantined) == 1 })
	select {
	case <-goOn:
		t.Fatal("the rescan went on")
	default:
	}
	close(goOn)
	tr.settled()
	tr.want("o00", "o00", allowed)
	tr.want("o11", "o11", allowed)
	tr.wantUnits("+o05/buckets/o05.json")
	tr.consistent()
}

// What SIGHUP confirms to be gone is gone, though the events of its removal have not been
// looked at when its look begins: that look is not interrupted by them.
func TestEventsInTheLookOfSIGHUP(t *testing.T) {
	tr := missing(t, "")
	tr.l.c.Quiet = 0
	tr.remove("o1/buckets/a.json")
	tr.remove("o1/buckets/b.json")
	tr.remove("o1/buckets/c.json")
	for _, file := range []string{"a", "b", "c"} {
		tr.l.pending.Change(tr.path("o1/buckets/"+file+".json"), true, false)
	}
	tr.sighup()
	tr.wantUnits()
	tr.wantAll(allowed, "a", "b", "c")
	if changes, _ := tr.l.pending.TakeChanges(0, 0); len(changes.Changes) != 3 {
		t.Errorf("%d changes are left to the next look, want 3", len(changes.Changes))
	}
}

// Whatever happens between the pieces of a look, the tree is in force at the
// end as a first look at it would have it, and nothing goes back on the way.
func TestChangesBetweenPieces(t *testing.T) {
	for seed := range rounds(t, 40) {
		r := rand.New(rand.NewPCG(uint64(seed), 77))
		tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b1.json", allowBucket("b1"), "o1/buckets/b2.json", denyAll("b2"),
			"o1/buckets.json", `{"buckets":["b1","b2","b3","b4"]}`, "o2/access-policies/a.json", allowAll("a"), "..s/p", denyAll("b1"), "..s/d/a.json", allowAll("a"))
		tr.l.c.Quiet = 0
		var done []string
		looks := 0
		tr.l.onPiece = func() bool {
			if looks++; looks > 400 || r.IntN(3) > 0 {
				return false
			}
			done = append(done, fmt.Sprintf("in piece %d", looks))
			told := r.IntN(4) > 0 // or its event is lost
			for _, path := range tr.random(r, &done) {
				if told {
					tr.l.pending.Change(tr.path(path), false, false)
				}
			}
			return true
		}
		for range 12 {
			done = append(done, "look at everything")
			p := burst.Batch{All: true}
			tr.l.lookAt(context.Background(), p)
			for _, path := range tr.random(r, &done) {
				tr.l.pending.Change(tr.path(path), false, false)
			}
		}
		tr.l.onPiece = nil
		tr.l.lookAt(context.Background(), tr.l.pending.Take(false))
		tr.sighup()
		tr.consistent()
		before := tr.describe()
		want := tr.l
		tr.sighup()
		if tr.describe() != before {
			t.Fatalf("seed %d: a second look found more\n%s\nthan\n%s\ndone\n%s", seed, tr.describe(), before, strings.Join(done, "\n"))
		}
		// What is good in the tree is in force: a loader that starts now agrees
		// wherever nothing is quarantined.
		if len(want.Status().Quarantined) > 0 {
			continue
		}
		mine := tr.answers()
		tr.start()
		if got := tr.answers(); got != mine {
			t.Fatalf("seed %d: in force\n%s\na first look says\n%s\ndone\n%s", seed, mine, got, strings.Join(done, "\n"))
		}
	}
}

// answers are what everybody is told of the buckets of the tests.
func (tr *testTree) answers() string {
	var b strings.Builder
	for _, org := range []string{"o1", "o2", "o3"} {
		for _, bucket := range []string{"b1", "b2", "b3", "b4"} {
			fmt.Fprintf(&b, "%s reads %s: %v\n", org, bucket, tr.decide(org, bucket))
		}
	}
	return b.String()
}

// What a look read before a change never takes the place of what a look in
// between read after it, for each kind of unit and in each piece of the look.
func TestNothingGoesBack(t *testing.T) {
	for file, c := range map[string]goneBack{
		"o1/buckets/b.json":         {denyAll("b"), allowBucket("b")},
		"o1/access-policies/q.json": {denyBucket("q", "b"), denyBucket("q", "x")},
		"o1/buckets/":               {denyAll("b"), ""},
		"o1/":                       {denyAll("b"), ""},
	} {
		pieces := 1
		for c.inPiece(t, file, pieces) {
			pieces++
		}
		if pieces < 5 {
			t.Errorf("%s: only %d pieces", file, pieces-1)
		}
	}
}

// goneBack is the content of a file that is right, and one that it has while a look
// begins.
type goneBack struct{ right, stale string }

// inPiece puts the right content back between two pieces of a look. It returns false
// if the look has not as many.
func (c goneBack) inPiece(t *testing.T, file string, piece int) bool {
	tr := emptyTree(t)
	write := func(content string) {
		switch at, isFolder := strings.CutSuffix(file, "/"); {
		case !isFolder:
			tr.write(file, content)
		case content == "":
			tr.rename(at, "..aside")
		default:
			tr.rename("..aside", at)
		}
	}
	tr.write("o1/buckets.json", `{"buckets":["b"]}`)
	tr.write("o1/access-policies/p.json", allowAll("p"))
	if strings.HasSuffix(file, "/") {
		tr.write("o1/buckets/b.json", c.right)
	} else {
		tr.write(file, c.right)
	}
	tr.write("o2/buckets/x.json", denyAll("x"))
	var seen []policy.Reason
	tr.config.Observe = func(*policy.Status) {
		if tr.l != nil {
			seen = append(seen, tr.decide("o1", "b"))
		}
	}
	tr.start()
	tr.l.c.Quiet = 0
	want := tr.decide("o1", "b")
	write(c.stale)
	pieces, put := 0, 0
	tr.rest(time.Hour) // what is gone stays
	tr.l.onPiece = func() bool {
		if pieces++; pieces != piece {
			return false
		}
		write(c.right)
		tr.l.pending.Change(tr.path(strings.TrimSuffix(file, "/")), false, false)
		put, seen = pieces, nil
		return true
	}
	tr.l.lookAt(t.Context(), burst.Batch{All: true})
	if put == 0 {
		return false
	}
	if got := tr.decide("o1", "b"); got != want {
		t.Errorf("%s, piece %d: %v in the end, want %v", file, piece, got, want)
	}
	for _, got := range seen {
		if got != want {
			t.Errorf("%s, piece %d: %v was in force after the look in between, want %v; all: %v", file, piece, got, want, seen)
		}
	}
	return true
}

// A look at everything finds what vanished without an event, whatever a look in
// between takes out of the model meanwhile: names are not counted against a model
// that is another one by then.
func TestVanishedBesideALookBetween(t *testing.T) {
	for piece := 1; ; piece++ {
		tr := newTree(t, "o1/access-policies/p.json", allowAll("p"), "o1/buckets.json", `{"buckets":["a"]}`,
			"o1/buckets/a.json", denyAll("a"), "o1/buckets/b.json", denyAll("b"), "o1/buckets/c.json", denyAll("c"),
			"o2/access-policies/p.json", allowAll("p"), "o2/buckets/d.json", denyAll("d"))
		tr.l.c.Quiet = 0
		tr.rest(time.Hour)
		tr.remove("o1/buckets/a.json") // nobody tells of it
		pieces := 0
		tr.l.onPiece = func() bool {
			if pieces++; pieces != piece {
				return false
			}
			// It has moved, and so does not wait for its folder to be at rest.
			tr.rename("o1/buckets/b.json", "o2/buckets/b.json")
			tr.l.pending.Change(tr.path("o1/buckets/b.json"), false, false)
			tr.l.pending.Change(tr.path("o2/buckets/b.json"), false, false)
			return true
		}
		tr.l.lookAt(t.Context(), burst.Batch{All: true})
		if pieces < piece {
			if piece < 8 {
				t.Errorf("only %d pieces", pieces)
			}
			return
		}
		if _, waits := tr.waits(); waits != 1 {
			t.Errorf("change in piece %d: a.json vanished, and %d folders wait", piece, waits)
		}
		tr.want("o2", "b", bucketDeny)
		tr.l.onPiece = nil
		tr.sighup()
		tr.want("o1", "a", allowed)
	}
}
