package benchmarks

import (
	"fmt"
	"testing"

	"github.com/cespare/xxhash/v2"

	"postern/index"
	"postern/policy"
)

// floorHash hashes every text that a request states, each with xxhash.
func floorHash(r *policy.Request) uint64 {
	h := xxhash.Sum64String(r.Principal.Org)
	for _, id := range r.Principal.IDs {
		h = h*31 + xxhash.Sum64String(id)
	}
	h = h*31 + xxhash.Sum64String(r.Action)
	h = h*31 + xxhash.Sum64String(r.Resource.Type)
	h = h*31 + xxhash.Sum64String(r.Resource.ID)
	for i := range r.Resource.Tags {
		h = h*31 + xxhash.Sum64String(r.Resource.Tags[i].Key)
		h = h*31 + xxhash.Sum64String(r.Resource.Tags[i].Value)
	}
	for i := range r.Context {
		h = h*31 + xxhash.Sum64String(r.Context[i].Key)
		for j := range r.Context[i].Values {
			h = h*31 + xxhash.Sum64String(r.Context[i].Values[j].Text)
		}
	}
	return h
}

// floor is the least that a sidecar could do (specification 5, P1): one xxhash
// per request string and one look-up in a Go map of the distinct requests.
func floor(answers map[uint64]policy.Outcome, r *policy.Request) policy.Outcome {
	return answers[floorHash(r)]
}

// BenchmarkDecide measures Decide beside the floor, hot (4,096 distinct
// requests) and cold (1,000,000, so that neither a request nor what it leads to
// is in a cache): Decide/WORKLOAD/SIZE/hot|cold/WHAT. ratio lets both take
// turns, and is what marks are judged by; floor and decide are each alone, for
// profiles.
func BenchmarkDecide(b *testing.B) {
	for _, x := range shapes {
		for _, n := range x.sizes {
			for _, t := range []struct {
				name     string
				requests int
			}{{"hot", hotSet}, {"cold", coldSet}} {
				b.Run(fmt.Sprintf("%s/%d/%s", x.name, n, t.name), func(b *testing.B) {
					w := x.world(b, n)
					q := w.ask(b, t.requests)
					var sc index.Scratch
					inFloor := func(i int) bool { return floor(q.answers, &q.requests[i]) == q.want[i] }
					decide := func(i int) bool { return w.snapshot.Decide(&q.requests[i], &sc).Outcome == q.want[i] }
					b.Run("ratio", func(b *testing.B) {
						turns(b, q.asking(b, "floor", 0, inFloor), q.asking(b, "decide", len(q.requests)/2, decide))
						b.ReportMetric(float64(w.Statements), "statements")
					})
					b.Run("floor", func(b *testing.B) { q.alone(b, inFloor) })
					b.Run("decide", func(b *testing.B) { q.alone(b, decide) })
				})
			}
		}
	}
}

// alone asks one request an operation.
func (q *questions) alone(b *testing.B, ask func(i int) bool) {
	b.ReportAllocs()
	i, wrong := 0, 0
	for b.Loop() {
		if !ask(i) {
			wrong++
		}
		if i++; i == len(q.requests) {
			i = 0
		}
	}
	if wrong > 0 {
		b.Fatalf("%d wrong answers", wrong)
	}
}
