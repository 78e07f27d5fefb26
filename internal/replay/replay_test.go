package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/compile"
	"postern/index"
	"postern/internal/decisionlog"
	"postern/internal/policygen"
	"postern/internal/replay"
	"postern/policy"
)

// world is a snapshot with what its statements ask for.
type world struct {
	snapshot *index.Snapshot
	uses     *replay.Uses
}

func newWorld(t testing.TB, d *policy.Directory) world {
	t.Helper()
	s, ds := compile.Compiler{BuiltIn: d.BuiltIn}.Directory(d, 1)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	w := world{s, new(replay.Uses)}
	for name, b := range d.Buckets {
		if b.Policy != nil {
			w.uses.Document(name, b.Policy)
		}
	}
	for name, o := range d.Organizations {
		for _, doc := range o.Access {
			w.uses.Access(name, doc)
		}
	}
	return w
}

// logged writes what a world decides as the decision log does.
func (w world) logged(t testing.TB, requests []*policy.Request, masked ...string) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "log")
	l, err := decisionlog.Open(decisionlog.Config{Path: name, Allows: 1, Buffer: 64 << 20, Full: decisionlog.Block, Wait: 10 * time.Second, Mask: masked, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l.Generation(&index.Grounded{Snapshot: w.snapshot})
	source := l.Source()
	var scratch index.Scratch
	var notes []byte
	for i, q := range requests {
		d := w.snapshot.Decide(q, &scratch)
		caller, owner := scratch.Effective()
		notes = l.Note(notes[:0], &decisionlog.Note{Request: q, Caller: caller, Owner: owner, Decision: d, Item: -1})
		if !l.Commit(&source, &decisionlog.Answer{Began: time.Unix(q.Now, 0), ID: fmt.Append(nil, i), Door: "evaluation", Notes: notes, Items: 1}) {
			t.Fatal("a record was refused")
		}
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (w world) replayed(t testing.TB, log []byte, workers int) *replay.Result {
	t.Helper()
	r := replay.New(replay.Config{Snapshot: w.snapshot, Uses: w.uses, Workers: workers})
	if err := r.Read(bytes.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	return r.Result()
}

// worlds are small ones, with requests that fit them.
func worlds(t *testing.T, do func(w world, requests []*policy.Request, seed uint64)) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		d, requests := policygen.Small(seed)
		if seed%2 == 1 {
			d, requests = policygen.SmallAccess(seed)
		}
		for _, q := range requests {
			q.Now = max(q.Now, 1) // a log of the year 1970 begins after its first second
			// A door's decoder lists the object before what stands in it.
			if i := slices.IndexFunc(q.Principal.Claims, func(a policy.Attribute) bool { return a.Key == `"k.io".pod` }); i >= 0 {
				q.Principal.Claims = slices.Insert(slices.Clone(q.Principal.Claims), i, policy.Attribute{Key: `"k.io"`, Unreadable: true})
			}
		}
		do(newWorld(t, d), requests, seed)
	}
}

// TestSameAgain: what the log records of a decision is enough to make it again.
func TestSameAgain(t *testing.T) {
	var sum replay.Counts
	worlds(t, func(w world, requests []*policy.Request, seed uint64) {
		r := w.replayed(t, w.logged(t, requests), 1+int(seed%3))
		if len(r.Differences) > 0 {
			d := r.Differences[0]
			t.Fatalf("seed %d: %s, and nothing changed: %s\nis %+v", seed, d.Kind, d.Line, d.Is.Decision)
		}
		sum.Asked += r.Asked
		sum.Undecidable += r.Undecidable
		sum.Others += r.Others
		if r.Cut+r.Unasked+r.Early+r.DroppedAllows+r.DroppedDenies > 0 || r.Asked != r.Same {
			t.Errorf("seed %d: %+v", seed, r.Counts)
		}
	})
	t.Logf("%+v", sum)
	if sum.Undecidable*20 > sum.Asked { // those of callers without identifier, which no door lets through
		t.Errorf("%+v", sum)
	}
}

// TestMaskedIsNeverGuessed: of a line with masked values no other decision is told
// than the one that was made; and of some there is one.
func TestMaskedIsNeverGuessed(t *testing.T) {
	keys := []string{"k", "n", "d", "flag", "bin", "arn", "aws:SourceIp", "s3:prefix", "aws:username", "aws:PrincipalArn", "aws:PrincipalAccount", "subject.level", "subject.team",
		"resource.x", "action.soft", "claims.sub", "claims.iss", "claims.aud", "claims.obj", "tags.t", "tags.env", "tags.T"}
	var decided, undecidable int
	worlds(t, func(w world, requests []*policy.Request, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 5))
		for range 2 {
			var mask []string
			for range 1 + r.IntN(3) {
				mask = append(mask, keys[r.IntN(len(keys))])
			}
			log := w.logged(t, requests, mask...)
			got := w.replayed(t, log, 2)
			if len(got.Differences) > 0 {
				d := got.Differences[0]
				t.Fatalf("seed %d, masked %q: %s, and nothing changed: %s\nis %+v", seed, mask, d.Kind, d.Line, d.Is.Decision)
			}
			undecidable += int(got.Undecidable)
			decided += bytes.Count(log, []byte(`"masked":`)) - int(got.Undecidable)
		}
	})
	t.Logf("of masked lines %d decided, %d undecidable", decided, undecidable)
	if decided < 100 && !testing.Short() || undecidable < 20 {
		t.Errorf("of masked lines %d decided, %d undecidable", decided, undecidable)
	}
}

// TestOtherPolicies: replay tells exactly the lines that another snapshot decides
// otherwise, whatever pieces they are read in.
func TestOtherPolicies(t *testing.T) {
	differing := 0
	worlds(t, func(w world, requests []*policy.Request, seed uint64) {
		d, _ := policygen.Small(seed + 1000)
		if seed%2 == 1 {
			d, _ = policygen.SmallAccess(seed + 1000)
		}
		other := newWorld(t, d)
		log := w.logged(t, requests)
		r := other.replayed(t, log, 2)
		want := map[string]bool{}
		var a, b index.Scratch
		for i, q := range requests {
			was, is := w.snapshot.Decide(q, &a), other.snapshot.Decide(q, &b)
			if q.Principal.Org == "" || len(q.Principal.IDs) == 0 {
				continue // asked with the organization that it had
			}
			if (was.Outcome == policy.Allow) != (is.Outcome == policy.Allow) || was.Outcome == policy.Allow && was.MaxOpenSeconds != is.MaxOpenSeconds {
				want[fmt.Sprint(i)] = true
			}
		}
		for _, d := range r.Differences {
			var line struct {
				ID      string
				Request struct {
					Subject struct{ Properties struct{ Org string } }
				}
			}
			if err := json.Unmarshal(d.Line, &line); err != nil {
				t.Fatal(err)
			}
			if !want[line.ID] && line.Request.Subject.Properties.Org != "" {
				t.Errorf("seed %d: %s, which decides the same: %s", seed, d.Kind, d.Line)
			}
			delete(want, line.ID)
			differing++
		}
		if len(want) > 0 {
			t.Errorf("seed %d: not told: %v", seed, want)
		}
	})
	if differing < 50 {
		t.Errorf("%d differences", differing)
	}
}

// repeated reads a text again and again.
type repeated struct {
	text []byte
	left int
	rest []byte
}

// Read reads on.
func (r *repeated) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.rest = r.text
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// underRace says that the race detector is at work.
var underRace bool

// TestManyLines replays a million lines of a workload, and the sums are right.
func TestManyLines(t *testing.T) {
	blocks := 1000
	if testing.Short() || underRace {
		blocks = 50
	}
	w, log := manyLines(t)
	r := replay.New(replay.Config{Snapshot: w.snapshot, Uses: w.uses, Workers: 2, Max: 10})
	if err := r.Read(strings.NewReader("cut\n")); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(&repeated{text: log, left: blocks}); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(io.MultiReader(strings.NewReader(strings.Repeat("x", 5<<20)+"\n"), bytes.NewReader(log))); err != nil {
		t.Fatal(err)
	}
	got := r.Result()
	if lines := int64(1000 * (blocks + 1)); got.Asked != lines || got.Same != lines || got.Cut != 2 {
		t.Errorf("%+v", got.Counts)
	}
}

// manyLines are a thousand decisions of a workload.
func manyLines(t testing.TB) (world, []byte) {
	t.Helper()
	w := policygen.Field(2000, 1)
	var requests []*policy.Request
	for _, q := range w.Requests(1000) {
		requests = append(requests, &q.Request)
	}
	of := newWorld(t, w.Directory)
	var log []byte
	for line := range bytes.Lines(of.logged(t, requests)) {
		if bytes.Contains(line, []byte(`"decision":`)) {
			log = append(log, line...)
		}
	}
	return of, log
}

// BenchmarkReplay replays a log with two workers, and tells how much longer that
// takes than json.Valid over its lines with two workers (specification 8.6: at most
// 4 times).
func BenchmarkReplay(b *testing.B) {
	w, log := manyLines(b)
	big := bytes.Repeat(log, 200)
	valid := func() {
		half := bytes.IndexByte(big[len(big)/2:], '\n') + len(big)/2 + 1
		var both sync.WaitGroup
		for _, part := range [][]byte{big[:half], big[half:]} {
			both.Go(func() {
				for line := range bytes.Lines(part) {
					if !json.Valid(line) {
						b.Error("a line is no JSON")
					}
				}
			})
		}
		both.Wait()
	}
	var replaying, checking time.Duration
	b.SetBytes(int64(len(big)))
	for b.Loop() {
		began := time.Now()
		r := replay.New(replay.Config{Snapshot: w.snapshot, Uses: w.uses, Workers: 2})
		if err := r.Read(bytes.NewReader(big)); err != nil || r.Result().Same != 200_000 {
			b.Fatalf("%+v, %v", r.Result().Counts, err)
		}
		replaying += time.Since(began)
		began = time.Now()
		valid()
		checking += time.Since(began)
	}
	b.ReportMetric(float64(replaying)/float64(checking), "x-json.Valid")
	b.ReportMetric(float64(replaying.Nanoseconds())/float64(b.N)/200_000, "ns/line")
}
