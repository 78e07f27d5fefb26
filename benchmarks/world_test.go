package benchmarks

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

const seed = 20261121

// byReference is how long the answers to one set of requests are compared with
// the reference's: at most 4,096 of them, and at least leastByReference.
var byReference = flag.Duration("reference", time.Second, "how long the answers to a set of requests are compared with the reference's")

// leastByReference is the least number of answers that are compared; for the
// cold set, which comes second, a tenth of it.
const leastByReference = 20

// shape makes a workload of a size: a number of statements, of buckets where
// each has a policy (12.5 statements on average), or of bindings.
type shape struct {
	name  string
	make  func(n int, seed uint64) *policygen.Workload
	sizes []int
	// perUnit is the number of statements for each unit of size.
	perUnit float64
}

var (
	statements = []int{10, 100, 1_000, 10_000, 100_000, 1_000_000}
	buckets    = []int{10, 100, 1_000, 10_000, 100_000}
)

var shapes = []shape{
	{"users", policygen.Users, statements, 1},
	{"groups", policygen.Groups, statements, 1},
	{"buckets", policygen.Buckets, buckets, 12.5},
	{"orgwide", policygen.Orgwide, statements, 1},
	{"wildcards", policygen.Wildcards, statements, 1},
	{"conditions", policygen.Conditions, buckets, 12.5},
	{"tenants", tenancies, []int{10_000, 100_000, 1_000_000}, 1},
	{"field", policygen.Field, buckets, 2.4},
	{"field-tenants", policygen.FieldTenants, buckets, 5.4},
	{"iam", policygen.Iam, []int{100, 1_000, 5_000, 10_000}, 1},
}

// tenancies is the workload `tenants` of n statements: at 1,000,000 it has the
// 1,000 organizations and 100,000 buckets of specification 5.
func tenancies(n int, seed uint64) *policygen.Workload {
	return policygen.Tenants(n/1000, n/10, n, seed)
}

// withStatements returns the size at which a shape has about n statements.
func (x *shape) withStatements(n int) int { return int(float64(n) / x.perUnit) }

// world is a compiled workload.
type world struct {
	*policygen.Workload
	snapshot *index.Snapshot
	asked    map[int]*questions // by their number; one set of coldSet at a time
}

// questions are distinct requests with their answers, which have been checked.
type questions struct {
	requests []policy.Request
	want     []policy.Outcome
	// answers is the floor's map: the answer to each request, by its hash.
	answers map[uint64]policy.Outcome
}

// Worlds are kept for the next benchmark: all small ones, and one large one.
var worlds struct {
	small     map[string]*world
	large     *world
	largeName string
}

const (
	smallWorld = 200_000 // statements
	hotSet     = 4096    // requests
	coldSet    = 1_000_000
)

// world returns a workload of a size, compiled.
func (x *shape) world(tb testing.TB, n int) *world {
	tb.Helper()
	name := fmt.Sprintf("%s/%d", x.name, n)
	if w := worlds.small[name]; w != nil {
		return w
	}
	if worlds.largeName == name {
		return worlds.large
	}
	if float64(n)*x.perUnit > smallWorld {
		worlds.large, worlds.largeName, deployment = nil, "", nil
		runtime.GC()
	}
	w := &world{Workload: x.make(n, seed), asked: map[int]*questions{}}
	var ds []policy.Diagnostic
	if w.snapshot, ds = (compile.Compiler{}).Directory(w.Directory, 1); len(ds) > 0 {
		tb.Fatal(ds[0])
	}
	if w.Statements > smallWorld {
		worlds.large, worlds.largeName = w, name
		return w
	}
	if worlds.small == nil {
		worlds.small = map[string]*world{}
	}
	worlds.small[name] = w
	return w
}

// ask returns k distinct requests of a world. Their answers have been checked:
// all against the answer by construction, and some, as many as its linear scan
// gets through in a while, against the reference evaluator.
func (w *world) ask(tb testing.TB, k int) *questions {
	tb.Helper()
	if q := w.asked[k]; q != nil {
		return q
	}
	if k >= coldSet { // half a gigabyte
		for _, other := range worlds.small {
			other.forgetCold()
		}
		w.forgetCold()
	}
	q := newQuestions(w.Requests(k))
	check(tb, w.snapshot, w.Workload, q)
	w.asked[k] = q
	runtime.GC() // and none while measuring: nothing allocates
	return q
}

func (w *world) forgetCold() {
	for k := range w.asked {
		if k >= coldSet {
			delete(w.asked, k)
		}
	}
}

// check compares a snapshot's answers with those by construction, and some with
// the reference's.
func check(tb testing.TB, s *index.Snapshot, w *policygen.Workload, q *questions) {
	tb.Helper()
	var sc index.Scratch
	for i := range q.requests {
		if got := s.Decide(&q.requests[i], &sc); got.Outcome != q.want[i] {
			tb.Fatalf("%s: %+v: %v (%v), want %v", w.Name, q.requests[i], got.Outcome, got.Reason, q.want[i])
		}
	}
	// Its scan takes 0.1 to 1.5 us a statement.
	var wait sync.WaitGroup
	var next atomic.Int64
	began := time.Now()
	for range 2 {
		wait.Go(func() {
			ref := reference.New(w.Directory)
			var sc index.Scratch
			least := leastByReference
			if len(q.requests) >= coldSet {
				least /= 10
			}
			for !tb.Failed() {
				i := int(next.Add(1) - 1)
				if i >= min(len(q.requests), hotSet) || i >= least && time.Since(began) > *byReference {
					return
				}
				r := &q.requests[i]
				got, want := s.Decide(r, &sc), ref.Evaluate(r).Decision
				if want.Generation = s.Generation(); got != want {
					tb.Errorf("%s: %+v: %+v, the reference says %+v", w.Name, *r, got, want)
				}
			}
		})
	}
	wait.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
}

// newQuestions copies requests: each has its texts together, as a body has,
// none shared with another request or with the policies. They are asked in
// another order than they lie in memory. So a set that is larger than the
// caches is cold in every word that is read of it, for the floor and for
// Decide alike.
func newQuestions(from []policygen.Question) *questions {
	q := &questions{
		requests: make([]policy.Request, len(from)),
		want:     make([]policy.Outcome, len(from)),
		answers:  make(map[uint64]policy.Outcome, len(from)),
	}
	order := rand.New(rand.NewPCG(seed, uint64(len(from)))).Perm(len(from))
	var c copier
	for _, i := range order {
		c.copy(&q.requests[i], &from[i].Request)
		q.want[i] = from[i].Want
		q.answers[floorHash(&q.requests[i])] = from[i].Want
	}
	return q
}

// copier copies requests into memory of its own, which the next copy uses
// again.
type copier struct {
	texts []*string
	body  []byte
}

// copy copies a request, its texts into one piece of memory.
func (c *copier) copy(r, from *policy.Request) {
	*r = *from
	r.Principal.IDs = slices.Clone(r.Principal.IDs)
	r.Principal.Groups = slices.Clone(r.Principal.Groups)
	r.Resource.Tags = slices.Clone(r.Resource.Tags)
	r.Context = slices.Clone(r.Context)
	texts := append(c.texts[:0], &r.Principal.Org, &r.Action, &r.Resource.Type, &r.Resource.ID, &r.Resource.Org)
	for i := range r.Principal.IDs {
		texts = append(texts, &r.Principal.IDs[i])
	}
	for i := range r.Principal.Groups {
		texts = append(texts, &r.Principal.Groups[i])
	}
	for i := range r.Resource.Tags {
		texts = append(texts, &r.Resource.Tags[i].Key, &r.Resource.Tags[i].Value)
	}
	for i := range r.Context {
		a := &r.Context[i]
		a.Values = slices.Clone(a.Values)
		texts = append(texts, &a.Key)
		for j := range a.Values {
			texts = append(texts, &a.Values[j].Text)
		}
	}
	body := c.body[:0]
	for _, t := range texts {
		body = append(body, *t...)
	}
	all, at := string(body), 0
	for _, t := range texts {
		n := len(*t)
		*t = all[at : at+n]
		at += n
	}
	c.texts, c.body = texts, body
}

// compiled is a workload's snapshot and requests, checked as ask does, for
// benchmarks that keep no world.
func compiled(tb testing.TB, w *policygen.Workload, requests int) (*index.Snapshot, []policygen.Question) {
	tb.Helper()
	list := w.Requests(requests)
	return compiledFor(tb, w, list), list
}

// compiledFor is compiled for requests that were made beforehand.
func compiledFor(tb testing.TB, w *policygen.Workload, list []policygen.Question) *index.Snapshot {
	tb.Helper()
	s, ds := compile.Compiler{}.Directory(w.Directory, 1)
	if len(ds) > 0 {
		tb.Fatal(ds)
	}
	check(tb, s, w, newQuestions(list))
	return s
}

// TestWorlds: the benchmarks' way of checking answers, on every workload.
func TestWorlds(t *testing.T) {
	for i := range shapes {
		w := shapes[i].world(t, shapes[i].sizes[0])
		q := w.ask(t, 1000)
		if len(q.answers) != len(q.requests) || len(q.requests) != 1000 {
			t.Errorf("%s: %d hashes of %d requests", w.Name, len(q.answers), len(q.requests))
		}
		for k := range q.requests {
			if floor(q.answers, &q.requests[k]) != q.want[k] {
				t.Fatalf("%s: the floor answers %+v wrongly", w.Name, q.requests[k])
			}
		}
	}
}

// TestCopier: a copy says the same, in memory of its own.
func TestCopier(t *testing.T) {
	var c copier
	for i := range shapes {
		w := shapes[i].world(t, shapes[i].sizes[0])
		for _, from := range w.Requests(50) {
			var r policy.Request
			c.copy(&r, &from.Request)
			if !reflect.DeepEqual(r, from.Request) {
				t.Fatalf("%+v, want %+v", r, from.Request)
			}
			address := func(s string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(s))) }
			if address(r.Resource.ID) == address(from.Request.Resource.ID) || &r.Principal.IDs[0] == &from.Request.Principal.IDs[0] {
				t.Fatalf("%s: %+v shares memory with what it was copied from", w.Name, r)
			}
			if address(r.Action) != address(r.Principal.Org)+uintptr(len(r.Principal.Org)) {
				t.Fatalf("%s: the texts of %+v do not lie together", w.Name, r)
			}
		}
	}
}
