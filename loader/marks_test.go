package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/loader/internal/layout"
	"postern/loader/internal/mirror"
	"postern/loader/source"
	"postern/policy"
)

// publish looks and publishes, and is killed before anything is mirrored.
func (tr *testTree) publish() {
	tr.t.Helper()
	tr.l.mu.Lock()
	defer tr.l.mu.Unlock()
	if err := tr.l.look(context.Background(), &source.Scope{All: true, Confirm: true}); err != nil {
		tr.t.Fatal(err)
	}
}

// never checks that the reason is not that of an Allow that was overtaken.
func (tr *testTree) never(what string, got, overtaken policy.Reason) {
	tr.t.Helper()
	if got == overtaken {
		tr.t.Errorf("%s: %v, which was overtaken\n%s", what, got, tr.describe())
	}
}

// "A process killed at any moment never restarts behind what was in force":
// one content is mirrored, the next is in force, then the file breaks, and the
// process is killed before the mirror has caught up.
func TestNeverBehindWhatWasInForce(t *testing.T) {
	group := func(members string) string { return fmt.Sprintf(iamGroup, members) }
	for name, c := range map[string]struct {
		first     []string // files and contents
		next      []string // "" removes
		broken    string
		ask       func(tr *testTree) policy.Reason
		overtaken policy.Reason
	}{
		"bucket": {
			[]string{"o1/buckets/b.json", allowBucket("b")}, []string{"o1/buckets/b.json", denyAll("b")}, "o1/buckets/b.json",
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed,
		},
		"bucket that was none": {
			[]string{"o1/buckets.json", `{"buckets":["b"]}`}, []string{"o1/buckets/b.json", denyAll("b")}, "o1/buckets/b.json",
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed,
		},
		"bucket that went": {
			[]string{"o1/buckets/b.json", allowBucket("b"), "o1/buckets/c.json", allowBucket("c")}, []string{"o1/buckets/b.json", ""}, "o1/buckets/b.json",
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed,
		},
		"organization": {
			[]string{"o1/buckets.json", `{"buckets":["b"]}`, "o1/access-policies/p.json", allowAll("p")},
			[]string{"o1/access-policies/p.json", denyBucket("p", "b")}, "o1/access-policies/p.json",
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed,
		},
		"organization, another file": {
			[]string{"o1/buckets.json", `{"buckets":["b"]}`},
			[]string{"o1/access-policies/p.json", denyBucket("p", "b")}, "o1/access-policies/a.json",
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed,
		},
		"list": {
			[]string{"o1/buckets.json", `{"buckets":["b"]}`}, []string{"o1/buckets.json", `{"buckets":["c"]}`}, "o1/buckets.json",
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed,
		},
		"iam": {
			[]string{"o1/iam/groups.json", group(`"u/alice"`), "o1/iam/bindings.json", iamBound},
			[]string{"o1/iam/groups.json", group("")}, "o1/iam/groups.json",
			func(tr *testTree) policy.Reason { return tr.iam("u/alice") }, allowed,
		},
		"an organization that went": {
			[]string{"o1/buckets/b.json", allowBucket("b")},
			[]string{"o1", ""}, "o1/access-policies/all.json",
			func(tr *testTree) policy.Reason { return tr.decide("o1", "b") }, allowed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := stateTree(t, append([]string{"o1/access-policies/all.json", allowAll("all")}, c.first...)...)
			tr.wantUnits()
			if got := c.ask(tr); got != c.overtaken {
				t.Fatalf("first: %v", got)
			}
			for i := 0; i < len(c.next); i += 2 {
				if c.next[i+1] == "" {
					tr.remove(c.next[i])
				} else {
					tr.write(c.next[i], c.next[i+1])
				}
			}
			tr.publish()
			tr.never("in force", c.ask(tr), c.overtaken)
			tr.write(c.broken, "{")
			for i := range 3 {
				tr.open()
				if i == 0 { // killed once more before it mirrors
					tr.l.state.OpenMarks()
					tr.publish()
				} else {
					tr.load()
				}
				tr.never(fmt.Sprintf("restart %d", i), c.ask(tr), c.overtaken)
			}
			for i := 0; i < len(c.first); i += 2 {
				tr.write(c.first[i], c.first[i+1])
			}
			tr.write("o1/access-policies/all.json", allowAll("all"))
			if name == "organization" {
				tr.write("o1/access-policies/p.json", allowAll("p"))
			} else {
				tr.remove("o1/access-policies/p.json")
			}
			if !strings.Contains(c.broken, "access-policies/all") && !slices.Contains(c.first, c.broken) {
				tr.remove(c.broken)
			}
			tr.start()
			tr.wantUnits()
			if got := c.ask(tr); got != c.overtaken {
				t.Errorf("good files count, marked or not: %v", got)
			}
		})
	}
}

// What was in force is restored though the mirror is marked, where it has
// caught up.
func TestMarkedAndMirrored(t *testing.T) {
	tr := stateTree(t, "o1/access-policies/all.json", allowAll("all"), "o1/buckets/b.json", allowBucket("b"))
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.publish()
	tr.l.mu.Lock()
	p := layout.Place{Org: "o1", Part: layout.Buckets, Name: "b.json"}
	tr.l.state.Now(mirrored{tr.l}, p)
	tr.l.mu.Unlock()
	tr.write("o1/buckets/b.json", "{")
	tr.start()
	tr.wantUnits("+o1/buckets/b.json")
	tr.want("o1", "b", bucketDeny)
}

func (tr *testTree) marks() []byte {
	tr.t.Helper()
	b, err := os.ReadFile(filepath.Join(tr.config.StateDir, mirror.MarksName))
	if err != nil {
		tr.t.Fatal(err)
	}
	return b
}

// A file of marks that is torn, rotten or gone makes nothing trusted; what is
// good is in force all the same.
func TestMarksDamaged(t *testing.T) {
	tr := stateTree(t, "o1/access-policies/all.json", allowAll("all"), "o1/buckets/b.json", allowBucket("b"), "o1/buckets/c.json", allowBucket("c"))
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.publish()
	good := tr.marks()
	tr.write("o1/buckets/b.json", "{")
	mirrored, err := os.ReadFile(filepath.Join(tr.config.StateDir, "o1/buckets/b.json"))
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(tr.config.StateDir, mirror.MarksName)
	for name, damage := range map[string]func() error{
		"torn":    func() error { return os.WriteFile(at, good[:len(good)-9], 0o600) },
		"rotten":  func() error { b := bytes.Clone(good); b[30] ^= 4; return os.WriteFile(at, b, 0o600) },
		"gone":    func() error { return os.Remove(at) },
		"empty":   func() error { return os.WriteFile(at, nil, 0o600) },
		"zeros":   func() error { return os.WriteFile(at, make([]byte, len(good)), 0o600) },
		"a frame": func() error { return os.WriteFile(at, append(good[:16:16], good[len(good)-64:]...), 0o600) },
	} {
		os.WriteFile(filepath.Join(tr.config.StateDir, "o1/buckets/b.json"), mirrored, 0o600)
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		tr.open()
		tr.l.state.OpenMarks()
		tr.publish() // and killed
		tr.want("o1", "b", unavailable)
		tr.start()
		tr.want("o1", "b", unavailable)
		tr.want("o1", "c", allowed)
		if !strings.Contains(tr.log.String(), "nothing that the state directory holds is trusted") {
			t.Errorf("%s: the log does not say so", name)
		}
		tr.start()
		tr.want("o1", "b", unavailable)
	}
	tr.write("o1/buckets/c.json", "{") // the mirror has caught up: trusted again
	tr.start()
	tr.want("o1", "c", allowed)
}

// The file of marks is emptied once the mirror has caught up, and bounded while
// it has not.
func TestMarksAreBounded(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	if b := tr.marks(); string(b) != "postern-marks 1\n" {
		t.Errorf("%d bytes of marks are left", len(b))
	}
	dir := filepath.Join(tr.config.StateDir, "o1/buckets")
	os.RemoveAll(dir)
	os.WriteFile(dir, nil, 0o600) // nothing can be mirrored here
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.load()
	tr.l.mu.Lock()
	most := int64(0)
	p := layout.Place{Org: "o1", Part: layout.Buckets, Name: "b.json"}
	const marksRest = 1 << 20 // up to which the file grows, whatever waits
	for range 3 * marksRest / 100 {
		tr.l.state.Note(p, nil)
		tr.l.state.Mark(mirrored{tr.l})
		fi, err := os.Stat(filepath.Join(tr.config.StateDir, mirror.MarksName))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, fi.Size())
	}
	tr.l.mu.Unlock()
	if most < marksRest/2 || most > marksRest+1<<12 {
		t.Errorf("the marks grew to %d bytes", most)
	}
	if unit := layout.SumOf([]byte(p.Path())); !bytes.Contains(tr.marks(), unit[:]) {
		t.Error("the unit that waits has no mark")
	}
	os.Remove(dir)
	tr.load()
	if b := tr.marks(); string(b) != "postern-marks 1\n" {
		t.Errorf("%d bytes of marks are left", len(b))
	}
}

// "If it cannot be written the generation is published all the same, and the
// log and /readyz say so."
func TestMarksCannotBeWritten(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	away := tr.config.StateDir + ".away"
	if err := os.Rename(tr.config.StateDir, away); err != nil {
		t.Fatal(err)
	}
	tr.write("o1/buckets/c.json", denyAll("c"))
	tr.load()
	tr.want("o1", "c", bucketDeny)
	if got := tr.l.Status().StateFailure; !strings.Contains(got, "no such file or directory") {
		t.Errorf("the status says %q", got)
	}
	for _, want := range []string{"before a generation is in force", "would not know the last good content"} {
		if n := strings.Count(tr.log.String(), want); n != 1 {
			t.Errorf("%d log lines say %q", n, want)
		}
	}
	if err := os.Rename(away, tr.config.StateDir); err != nil {
		t.Fatal(err)
	}
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.publish() // the marks that were missed are made up for
	tr.write("o1/buckets/c.json", "{")
	tr.start()
	tr.want("o1", "c", unavailable)
	tr.write("o1/buckets/c.json", allowBucket("c"))
	tr.load()
	if got := tr.l.Status().StateFailure; got != "" {
		t.Errorf("the status still says %q", got)
	}
}

// Of two processes with one state directory the last to start has it; the other
// goes on without, and says so.
func TestTwoProcesses(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	first := *tr
	tr.start()
	second := *tr
	tr.write("o1/buckets/c.json", denyAll("c"))
	second.load()
	tr.write("o1/buckets/b.json", "{")
	tr.write("o1/buckets/c.json", "{")
	first.load() // it never saw that c denies
	first.want("o1", "c", allowed)
	if got := first.l.Status().StateFailure; !strings.Contains(got, "another process uses it now") {
		t.Errorf("the status of the first says %q", got)
	}
	tr.write("o1/buckets/new.json", allowBucket("new"))
	first.load()
	first.want("o1", "new", allowed)
	if got := second.l.Status().StateFailure; got != "" {
		t.Errorf("the status of the second says %q", got)
	}
	tr.wantMirror("o1/access-policies", "o1/buckets.json", "o1/buckets/b.json", "o1/buckets/c.json")
	tr.start()
	tr.want("o1", "b", bucketDeny)
	tr.want("o1", "c", bucketDeny)
	second.l.mu.Lock()
	second.l.flush(context.Background())
	second.l.mu.Unlock()
	if got := second.l.state.Problem(); !strings.Contains(got, "another process uses it now") {
		t.Errorf("the second still has it: %q", got)
	}
}

// backFromFault is an organization whose buckets/ was at fault and is back with a
// policy of c that denies, which nobody has looked at yet.
func backFromFault(t *testing.T) *testTree {
	t.Helper()
	tr := stateTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b.json", allowBucket("b"), "o1/buckets.json", `{"buckets":["c"]}`)
	tr.rename("o1/buckets", "..b")
	tr.link("nowhere", "o1/buckets")
	tr.load()
	tr.want("o1", "c", allowed)
	tr.remove("o1/buckets")
	tr.rename("..b", "o1/buckets")
	tr.write("o1/buckets/c.json", denyAll("c"))
	return tr
}

// What buckets/ held while it was at fault is not taken for what it holds after
// that was over, by a process that is killed before the mirror says so.
func TestHeldIsOvertaken(t *testing.T) {
	tr := backFromFault(t)
	tr.publish()
	tr.want("o1", "c", bucketDeny)
	tr.rename("o1/buckets", "..b")
	tr.link("nowhere", "o1/buckets")
	for range 2 {
		tr.start()
		if got := tr.decide("o1", "c"); got == allowed {
			t.Fatalf("c: %v", got)
		}
	}
}

// With StateSync the marks reach the disk first, and say the same.
func TestMarksSynced(t *testing.T) {
	tr := emptyTree(t)
	tr.config.StateDir, tr.config.StateSync = filepath.Join(t.TempDir(), "state"), true
	tr.write("o1/access-policies/all.json", allowAll("all"))
	tr.write("o1/buckets/b.json", allowBucket("b"))
	tr.start()
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.publish()
	tr.write("o1/buckets/b.json", "{")
	tr.start()
	tr.want("o1", "b", unavailable)
	if got := tr.l.Status().StateFailure; got != "" {
		t.Errorf("the status says %q", got)
	}
}

// Nothing that the mirror has is trusted before the marks were read, so also
// where they never can be.
func TestUnreadMarks(t *testing.T) {
	tr := stateTree(t, stateFiles...)
	tr.open()
	p := layout.Place{Org: "o1", Part: layout.Buckets, Name: "b.json"}
	if _, err := tr.l.state.LastGood(p); err == nil || errors.Is(err, mirror.ErrNone) {
		t.Errorf("before: %v", err)
	}
	tr.l.state.OpenMarks()
	if files, err := tr.l.state.LastGood(p); err != nil || len(files) != 1 {
		t.Errorf("after: %v", err)
	}
	at := filepath.Join(tr.config.StateDir, mirror.MarksName)
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	tr.write("o1/buckets/b.json", "{")
	tr.start()
	tr.want("o1", "b", unavailable)
	if got := tr.l.Status().StateFailure; got == "" {
		t.Error("the status says nothing")
	}
	if layout.ValidOrganization(mirror.MarksName) {
		t.Error("an organization may be called as the file of marks is")
	}
}
