package loader

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"postern/index"
	"postern/loader/internal/burst"
	"postern/loader/internal/hold"
	"postern/loader/source"
	"postern/policy"
)

// holding is a tree in which o1 denies b, lists b and c, and something may be held.
func holding(t *testing.T, with string) *testTree {
	tr := missing(t, with)
	tr.config.Hold = time.Hour // nothing takes effect by resting
	tr.start()
	return tr
}

// holds are ways in which .hold stands.
var holds = map[string]func(tr *testTree){
	"empty":       func(tr *testTree) { tr.write(".hold", "") },
	"a word":      func(tr *testTree) { tr.write(".hold", "deploying\n") },
	"transaction": func(tr *testTree) { tr.write(".hold", "transaction 42\n") },
	"a folder":    func(tr *testTree) { tr.mkdir(".hold") },
	"a link":      func(tr *testTree) { tr.link("o1/buckets.json", ".hold") },
	"a link out":  func(tr *testTree) { tr.link("/", ".hold") },
	"dangling":    func(tr *testTree) { tr.link("nowhere", ".hold") },
	"a loop":      func(tr *testTree) { tr.link(".hold", ".hold") },
	"a FIFO": func(tr *testTree) {
		if err := syscall.Mkfifo(tr.path(".hold"), 0o644); err != nil {
			tr.t.Fatal(err)
		}
	},
}

// "while `POLICIES/.hold` exists (the one hidden name that counts, by name)
// nothing new is published, and its removal publishes all as one generation,
// without any rest"
func TestHold(t *testing.T) {
	for name, hold := range holds {
		t.Run(name, func(t *testing.T) {
			tr := holding(t, "")
			hold(tr)
			tr.write("o1/buckets/a.json", allowBucket("a"))
			tr.remove("o1/buckets/b.json")
			tr.write("o1/access-policies/q.json", denyBucket("q", "n"))
			tr.write("o3/access-policies/p.json", allowAll("p"))
			tr.write("o3/buckets.json", `{"buckets":["x"]}`)
			tr.write("o1/iam/x.json", "{") // nor is it quarantined yet
			for range 2 {
				tr.load()
				tr.held(0, "o1/buckets/a.json", "o1/buckets/b.json", "o3", "o1/iam")
			}
			tr.wantGeneration(1)
			tr.wantAll(bucketDeny, "a", "b", "c")
			tr.want("o1", "n", allowed)
			tr.wantUnits()
			if st := tr.l.Status(); st.HeldSince.IsZero() || st.HeldTransaction != (name == "transaction") {
				t.Errorf("status: held since %v, transaction %v", st.HeldSince, st.HeldTransaction)
			}
			if name != "a link" && name != "a link out" {
				tr.remove(".hold")
			} else if err := os.Remove(tr.path(".hold")); err != nil {
				t.Fatal(err)
			}
			tr.held(0) // whatever events named while it stood
			tr.wantGeneration(2)
			tr.wantAll(allowed, "a", "b")
			tr.want("o1", "n", policy.OrganizationDeny)
			tr.want("o3", "x", allowed)
			tr.wantUnits("+o1/iam")
			if st := tr.l.Status(); !st.HeldSince.IsZero() {
				t.Error("the status says that it is held")
			}
			tr.consistent()
		})
	}
}

// What was at rest already, or not yet, when the hold began.
func TestHoldTakesWhatWasResting(t *testing.T) {
	tr := holding(t, "")
	tr.remove("o1/buckets/b.json")
	tr.held(1, "o1/buckets/b.json")
	tr.write("o3/access-policies/p.json", allowAll("p"))
	tr.write("o3/buckets.json", `{"buckets":["x"]}`)
	tr.surveyed(1)
	tr.write(".hold", "")
	tr.rests()
	tr.rests()
	tr.load()
	tr.wantGeneration(1)
	tr.want("o1", "b", bucketDeny)
	tr.want("o3", "x", policy.OwnerUnknown)
	tr.remove(".hold")
	tr.held(0)
	tr.wantGeneration(2)
	tr.want("o1", "b", allowed)
	tr.want("o3", "x", allowed)
}

// SIGHUP under a hold confirms once it is gone.
func TestHoldAndSIGHUP(t *testing.T) {
	tr := holding(t, "")
	tr.write(".hold", "transaction 1")
	tr.remove("o1/buckets")
	tr.sighup()
	tr.wantAll(bucketDeny, "a", "b", "c")
	tr.remove(".hold")
	tr.load()
	tr.wantUnits()
	tr.wantAll(allowed, "a", "b", "c")

	// Without it, the hold's end is no confirmation.
	tr = holding(t, "")
	tr.write(".hold", "transaction 1")
	tr.remove("o1/buckets")
	tr.load()
	tr.remove(".hold")
	tr.load()
	tr.wantUnits("+o1/buckets")
}

// A transaction that came and went between two looks, of whose events one has arrived, is
// one generation, and all that it removed was meant to go: .held says that it ended.
func TestTransactionThatWasNotSeen(t *testing.T) {
	for content, meant := range map[string]bool{"transaction 7\n": true, "": false} {
		tr := holding(t, "")
		tr.write(".hold", content)
		tr.remove("o1/buckets/a.json")
		tr.remove("o1/buckets/b.json")
		tr.remove("o1/buckets/c.json")
		tr.write("o1/buckets/n.json", denyAll("n"))
		tr.write("o3/access-policies/p.json", allowAll("p"))
		tr.write("o3/buckets.json", `{"buckets":["x"]}`)
		tr.rename(".hold", ".held")
		tr.held(0, "o1/buckets/n.json")
		tr.wantGeneration(2)
		tr.want("o1", "n", bucketDeny)
		tr.want("o3", "x", allowed)
		if meant {
			tr.wantUnits()
			tr.wantAll(allowed, "a", "b", "c")
		} else {
			tr.wantUnits("+o1/buckets")
			tr.wantAll(bucketDeny, "a", "b", "c")
		}
		tr.held(0) // nothing is new
		tr.wantGeneration(2)
	}
}

// "A plain hold ends after 60 s with a warning. One whose content begins with
// `transaction ` does not end by time"
func TestHoldEnds(t *testing.T) {
	for content, ends := range map[string]bool{"": true, "transaction": true, "Transaction 1": true, "transaction 1": false, "transaction \n": false} {
		tr := holding(t, "")
		tr.write(".hold", content)
		tr.write("o1/buckets/a.json", allowBucket("a"))
		tr.load()
		tr.want("o1", "a", bucketDeny)
		tr.passed.Add(int64(hold.Plain - time.Second))
		tr.load()
		tr.want("o1", "a", bucketDeny)
		tr.passed.Add(int64(time.Second))
		tr.load()
		want := bucketDeny
		if ends {
			want = allowed
		}
		tr.want("o1", "a", want)
		if ends != strings.Contains(tr.log.String(), "level=WARN msg=\".hold has stood for too long") {
			t.Errorf("%q: logged\n%s", content, tr.log)
		}
		if ends != tr.l.Status().HeldSince.IsZero() {
			t.Errorf("%q: held since %v", content, tr.l.Status().HeldSince)
		}
		// It is over, for good; another one that takes its place is not.
		if ends {
			tr.write("o1/buckets/b.json", allowBucket("b"))
			tr.load()
			tr.want("o1", "b", allowed)
			tr.write(".hold.new", content)
			tr.rename(".hold.new", ".hold")
			tr.write("o1/buckets/c.json", allowBucket("c"))
			tr.load()
			tr.want("o1", "c", bucketDeny)
			tr.remove(".hold")
			tr.load()
			tr.want("o1", "c", allowed)
		}
	}
}

// A hold whose content cannot be read is taken for a transaction.
func TestHoldThatCannotBeRead(t *testing.T) {
	tr := holding(t, "")
	tr.write(".hold", "x")
	if err := os.Chmod(tr.path(".hold"), 0); err != nil {
		t.Fatal(err)
	}
	tr.unprivileged()
	if g := tr.l.gateNow(); !g.Standing || !g.Transaction {
		t.Error("it ends by time")
	}
}

// unprivileged makes the process nobody, to whom permissions mean something, until the
// test ends. What it reads must not be secret.
func (tr *testTree) unprivileged() {
	tr.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	dir := filepath.Dir(tr.root)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		tr.t.Fatal(err)
	}
	if err := syscall.Seteuid(65534); err != nil {
		tr.t.Fatal(err)
	}
	tr.t.Cleanup(func() {
		if err := syscall.Seteuid(0); err != nil {
			panic(err)
		}
	})
}

// An event on a name in a folder whose names cannot be looked at tells nothing of the
// name: the folder's own fault is all that is known, as after a look at everything.
func TestEventInAClosedFolder(t *testing.T) {
	tr := holding(t, "")
	tr.write("o1/odd", "x")
	tr.load()
	if err := os.Chmod(tr.path("o1"), 0o444); err != nil {
		t.Fatal(err)
	}
	tr.unprivileged()
	tr.event("o1/odd")
	tr.event("o1")
	if got := tr.describe(); strings.Contains(got, "o1/odd") || !strings.Contains(got, "o1/access-policies") {
		t.Errorf("%s, want the faults of the folder alone", got)
	}
}

// A .held that is away and comes back as it was, as on a disk that is mounted again, is
// no transaction that ended: what is missing then is missed.
func TestHeldThatComesBack(t *testing.T) {
	tr := holding(t, "")
	tr.write(".hold", "transaction 7\n")
	tr.rename(".hold", ".held")
	tr.load()
	if os.Geteuid() != 0 {
		t.Skip("mount takes root")
	}
	if err := syscall.Mount("none", tr.root, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("a tmpfs cannot be mounted here:", err)
	}
	tr.load() // all is gone, and .held with it
	if err := syscall.Unmount(tr.root, 0); err != nil {
		t.Fatal(err)
	}
	tr.remove("o1/buckets/a.json")
	tr.remove("o1/buckets/b.json")
	tr.remove("o1/buckets/c.json")
	tr.load()
	tr.wantUnits("+o1/buckets")
	tr.wantAll(bucketDeny, "a", "b", "c")
}

// A hold that is removed and made again at once is another one: nothing is
// published between, and its time begins anew; the age does not.
func TestHoldMadeAgain(t *testing.T) {
	tr := holding(t, "")
	tr.write(".hold", "")
	tr.load()
	first := tr.l.Status().HeldSince
	tr.passed.Add(int64(hold.Plain))
	tr.remove(".hold")
	tr.write(".hold", "again")
	tr.write("o1/buckets/a.json", allowBucket("a"))
	tr.load()
	tr.want("o1", "a", bucketDeny)
	if !tr.l.Status().HeldSince.Equal(first) {
		t.Error("the age begins anew")
	}
}

// "The first load does not wait for a plain one."
func TestFirstLoadUnderAPlainHold(t *testing.T) {
	tr := emptyTree(t)
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.write("o1/buckets.json", `{"buckets":["a"]}`)
	tr.write(".hold", "")
	tr.start()
	tr.want("o1", "a", allowed)
	tr.write("o1/buckets/a.json", denyAll("a"))
	tr.load()
	tr.want("o1", "a", allowed)
	tr.remove(".hold")
	tr.load()
	tr.want("o1", "a", bucketDeny)
}

// "a sidecar that starts under [a transaction] takes `-state`, or answers 503
// until it ends"
func TestStartUnderATransaction(t *testing.T) {
	tr := holding(t, "state")
	tr.write(".hold", "transaction 1")
	tr.write("o1/buckets/a.json", allowBucket("a"))
	tr.remove("o1/buckets/b.json")
	tr.write("o3/access-policies/p.json", allowAll("p"))
	tr.write("o3/buckets.json", `{"buckets":["x"]}`)
	for range 2 {
		tr.start()
		tr.wantGeneration(1)
		tr.wantAll(bucketDeny, "a", "b", "c")
		tr.want("o3", "x", policy.OwnerUnknown)
		tr.want("o1", "n", unavailable) // what the mirror has not is not known
		if len(tr.l.Status().Quarantined) == 0 {
			t.Error("no unit is quarantined")
		}
		if want := "organizations=1 generation=1"; !strings.Contains(tr.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, tr.log)
		}
		tr.load()
		tr.wantGeneration(1)
	}
	tr.remove(".hold")
	tr.load()
	tr.wantGeneration(2)
	tr.wantUnits()
	tr.wantAll(allowed, "a", "b")
	tr.want("o1", "c", bucketDeny)
	tr.want("o1", "n", allowed)
	tr.want("o3", "x", allowed)
	tr.consistent()

	// Without a mirror, or with an empty one, there is nothing to answer from.
	for _, with := range []string{"", "state"} {
		tr := emptyTree(t)
		if with != "" {
			tr.config.StateDir = t.TempDir()
		}
		tr.write("o1/access-policies/p.json", allowAll("p"))
		tr.write(".hold", "transaction 1")
		tr.open()
		ctx, cancel := context.WithTimeout(t.Context(), 3*hold.Poll)
		if err := tr.l.Load(ctx); err == nil || tr.current.Load() != nil {
			t.Errorf("%q: it starts under a transaction: %v", with, err)
		}
		cancel()
		if tr.l.Status().HeldSince.IsZero() || !tr.l.Status().HeldTransaction {
			t.Error("the status does not say that it is held")
		}
		done := make(chan error, 1)
		go func() { done <- tr.l.Load(t.Context()) }()
		time.Sleep(hold.Poll)
		tr.remove(".hold")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		tr.wantGeneration(1)
	}

	// An organization that vanished before the restart is none.
	tr = holding(t, "state")
	tr.remove("o1")
	tr.load()
	tr.write(".hold", "transaction 1")
	tr.write("o1/buckets/a.json", allowBucket("a"))
	tr.open()
	ctx, cancel := context.WithTimeout(t.Context(), 2*hold.Poll)
	defer cancel()
	if err := tr.l.Load(ctx); err == nil && tr.decide("o1", "a") != policy.OwnerUnknown {
		t.Error("an organization that vanished is back")
	}
}

// A look counts only if no .hold stood, and .held was the same, before and
// after it.
func TestHoldDuringALook(t *testing.T) {
	during := func(tr *testTree, do func()) {
		once := false
		tr.onRead(func(string) {
			if !once {
				once = true
				do()
			}
		})
	}
	tr := holding(t, "")
	tr.write("o1/buckets/a.json", allowBucket("a"))
	tr.write("o1/buckets/b.json", allowBucket("b"))
	during(tr, func() { tr.write(".hold", "") })
	tr.load()
	tr.wantGeneration(1)
	tr.remove(".hold")
	tr.load()
	tr.wantGeneration(2)

	// A whole transaction inside a look: it is repeated.
	tr.write("o1/buckets/a.json", denyAll("a"))
	tr.write("o1/buckets/b.json", denyAll("b"))
	during(tr, func() {
		tr.write(".hold", "transaction 7")
		tr.write("o1/buckets/a.json", allowBucket("a"))
		tr.write("o1/buckets/b.json", allowBucket("b"))
		tr.write("o1/buckets/c.json", allowBucket("c"))
		tr.write(".held", "transaction 7")
		tr.remove(".hold")
	})
	tr.held(0, "o1/buckets/a.json", "o1/buckets/b.json")
	tr.wantGeneration(3)
	tr.wantAll(allowed, "a", "b", "c")

	// .held that changes all the time: no look counts.
	var reads atomic.Int64 // files are read side by side
	tr.write("o1/buckets/a.json", denyAll("a"))
	tr.onRead(func(string) { tr.write(".held", strings.Repeat("x", int(reads.Add(1)))) })
	tr.load()
	tr.wantGeneration(3)
	if n := reads.Load(); n < source.Repeats {
		t.Errorf("%d looks", n)
	}
	tr.dir().Reader.OnRead = nil
	tr.load()
	tr.wantGeneration(4)
	tr.want("o1", "a", bucketDeny)
}

// POLICIES that is re-pointed while it is held is held by the .hold of the
// folder that it points to then.
func TestRepointedWhileHeld(t *testing.T) {
	tr := emptyTree(t)
	tr.link("policies", "../link")
	tr.config.Root = tr.path("../link")
	tr.config.Hold = time.Hour
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.write("o1/buckets.json", `{"buckets":["a"]}`)
	tr.start()
	tr.write(".hold", "")
	tr.write("../next/o1/access-policies/p.json", denyBucket("p", "a"))
	tr.write("../next/o1/buckets.json", `{"buckets":["a"]}`)
	tr.write("../next/.hold", "transaction 1")
	tr.load()
	tr.link("next", "../link")
	tr.load()
	tr.want("o1", "a", allowed)
	if !tr.l.Status().HeldTransaction {
		t.Error("it is not the new folder's hold that holds")
	}
	tr.remove("../next/.hold")
	tr.load()
	tr.want("o1", "a", policy.OrganizationDeny)
	tr.wantGeneration(2)
}

// By events alone: its removal publishes all, though what changed under it is
// known from events that came long before.
func TestHoldByEvents(t *testing.T) {
	tr := emptyTree(t)
	tr.config = Config{Root: tr.root, Rescan: time.Hour, Hold: time.Hour}
	tr.write("o1/access-policies/p.json", allowAll("p"))
	tr.write("o1/buckets.json", `{"buckets":["a","b","n"]}`)
	tr.write("o1/buckets/a.json", denyAll("a"))
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.start()
	tr.run()
	tr.settled()
	for i, content := range []string{"", "transaction 1", "x"} {
		tr.write(".hold", content)
		tr.eventually("the hold", func() bool { return !tr.l.Status().HeldSince.IsZero() })
		before := tr.current.Load().Generation()
		effect := []string{"Allow", "Deny"}[i%2]
		tr.write("o1/buckets/a.json", bucketPolicy(effect, "a"))
		time.Sleep(60 * time.Millisecond)
		tr.write("o1/buckets/b.json", bucketPolicy(effect, "b"))
		org := []string{"x1", "x2", "x3"}[i]
		tr.write(org+"/access-policies/p.json", allowAll("p"))
		time.Sleep(60 * time.Millisecond)
		tr.write(org+"/buckets.json", `{"buckets":["`+org+`"]}`)
		time.Sleep(60 * time.Millisecond)
		if got := tr.current.Load().Generation(); got != before {
			t.Errorf("generation %d is published under a hold", got)
		}
		tr.remove(".hold")
		tr.soon("its end", org, org, allowed)
		tr.wantGeneration(before + 1)
		for _, b := range []string{"a", "b"} {
			if d := tr.current.Load().Decide(get("o1", b), &index.Scratch{}); (d.Outcome == policy.Allow) != (effect == "Allow") {
				t.Errorf("%s: %v", b, d.Reason)
			}
		}
	}
}

// What is kept while a hold stands is bounded, though names come and go all the time.
func TestHoldKeepsWithinBounds(t *testing.T) {
	tr := holding(t, "")
	tr.write(".hold", "transaction 1")
	tr.load()
	for i := range 4 {
		b := burst.Batch{}
		for j := range burst.MaxChanges / 2 {
			name := tr.path("o1/buckets/." + strconv.Itoa(i) + "." + strconv.Itoa(j))
			b.Add(burst.Batch{Changes: map[string]struct{}{name: {}}, Gone: map[string]struct{}{name: {}}})
		}
		tr.l.lookAt(t.Context(), b)
	}
	if kept := tr.l.behind; len(kept.Gone) > 0 || len(kept.Changes) > burst.MaxChanges || !kept.All {
		t.Errorf("%d changes and %d lost watches are kept; all: %v", len(kept.Changes), len(kept.Gone), kept.All)
	}
	tr.write("o1/buckets/a.json", allowBucket("a"))
	tr.remove(".hold")
	tr.event()
	tr.want("o1", "a", allowed)
}
