package benchmarks

import (
	"fmt"
	"testing"

	"github.com/cespare/xxhash/v2"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

const seed = 20261121

// sizes of the workloads whose size is a number of statements.
var sizes = []int{100, 10_000, 1_000_000}

// shape makes a workload of a size.
type shape struct {
	name  string
	make  func(n int, seed uint64) *policygen.Workload
	sizes []int
}

var shapes = []shape{
	{"users", policygen.Users, sizes},
	{"groups", policygen.Groups, sizes},
	{"buckets", policygen.Buckets, []int{100, 10_000, 100_000}},
	{"orgwide", policygen.Orgwide, []int{100, 10_000}},
	{"wildcards", policygen.Wildcards, []int{100, 10_000}},
	{"conditions", policygen.Conditions, []int{100, 10_000}},
	{"iam", policygen.Iam, []int{5_000}}, // bindings: 500 roles, 20,000 members
}

// compiled is a workload, its snapshot, and requests whose answers have been
// checked: all of them against the answer by construction, some against the
// reference evaluator, whose scan is linear.
func compiled(tb testing.TB, w *policygen.Workload, requests int) (*index.Snapshot, []policygen.Question) {
	tb.Helper()
	s, ds := compile.Compiler{}.Directory(w.Directory, 1)
	if len(ds) > 0 {
		tb.Fatal(ds)
	}
	questions := w.Requests(requests)
	ref := reference.New(w.Directory)
	var sc index.Scratch
	byReference := min(requests, max(20, 2_000_000/(w.Statements+1)))
	for i := range questions {
		q := &questions[i]
		got := s.Decide(&q.Request, &sc)
		if got.Outcome != q.Want {
			tb.Fatalf("%s: %+v: %v (%v), want %v", w.Name, q.Request, got.Outcome, got.Reason, q.Want)
		}
		if i >= byReference {
			continue
		}
		want := ref.Evaluate(&q.Request).Decision
		if want.Generation = 1; got != want {
			tb.Fatalf("%s: %+v: %+v, the reference says %+v", w.Name, q.Request, got, want)
		}
	}
	return s, questions
}

// floor is the least that a sidecar could do: one xxhash per request string and
// one look-up in a Go map of the distinct requests.
func floor(m map[uint64]policy.Outcome, r *policy.Request) policy.Outcome {
	h := xxhash.Sum64String(r.Principal.Org)
	for _, id := range r.Principal.IDs {
		h = h*31 + xxhash.Sum64String(id)
	}
	h = h*31 + xxhash.Sum64String(r.Action)
	h = h*31 + xxhash.Sum64String(r.Resource.Type)
	h = h*31 + xxhash.Sum64String(r.Resource.ID)
	return m[h]
}

func floorMap(questions []policygen.Question) map[uint64]policy.Outcome {
	m := make(map[uint64]policy.Outcome, len(questions))
	for i := range questions {
		r := &questions[i].Request
		h := xxhash.Sum64String(r.Principal.Org)
		for _, id := range r.Principal.IDs {
			h = h*31 + xxhash.Sum64String(id)
		}
		h = h*31 + xxhash.Sum64String(r.Action)
		h = h*31 + xxhash.Sum64String(r.Resource.Type)
		m[h*31+xxhash.Sum64String(r.Resource.ID)] = questions[i].Want
	}
	return m
}

// BenchmarkDecide measures Decide beside the floor, hot (4,096 distinct
// requests) and cold (1,000,000): names are workload/size/temperature/what.
func BenchmarkDecide(b *testing.B) {
	for _, x := range shapes {
		for _, n := range x.sizes {
			for _, t := range []struct {
				name     string
				requests int
			}{{"hot", 4096}, {"cold", 1_000_000}} {
				b.Run(fmt.Sprintf("%s/%d/%s", x.name, n, t.name), func(b *testing.B) {
					if t.name == "cold" && n < 10_000 {
						b.Skip("too small a workload to have a million distinct requests")
					}
					s, questions := compiled(b, x.make(n, seed), t.requests)
					m := floorMap(questions)
					b.Run("floor", func(b *testing.B) {
						b.ReportAllocs()
						i, allowed := 0, 0
						for b.Loop() {
							if floor(m, &questions[i].Request) == policy.Allow {
								allowed++
							}
							if i++; i == len(questions) {
								i = 0
							}
						}
					})
					b.Run("decide", func(b *testing.B) {
						b.ReportAllocs()
						var sc index.Scratch
						i, allowed := 0, 0
						for b.Loop() {
							if s.Decide(&questions[i].Request, &sc).Outcome == policy.Allow {
								allowed++
							}
							if i++; i == len(questions) {
								i = 0
							}
						}
						b.ReportMetric(float64(s.Bytes()), "snapshot-bytes")
					})
				})
			}
		}
	}
}
