package benchmarks

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"postern/index"
)

// BenchmarkTail times a million decisions one by one on 10,000 statements of
// each workload (specification 5, P13): Tail/WORKLOAD/10000/hot|cold/decide.
// One operation is the million. The clock is read once a decision, and its cost is
// in every time: clock-p50-ns and clock-p99-ns are what it reads of nothing.
func BenchmarkTail(b *testing.B) {
	const size = 10_000
	for _, x := range shapes {
		for _, t := range []struct {
			name     string
			requests int
		}{{"hot", hotSet}, {"cold", coldSet}} {
			b.Run(fmt.Sprintf("%s/%d/%s", x.name, size, t.name), func(b *testing.B) {
				w := x.world(b, x.withStatements(size))
				q := w.ask(b, t.requests)
				b.Run("decide", func(b *testing.B) {
					measureTail(b, w.snapshot, q)
					b.ReportMetric(float64(w.Statements), "statements")
				})
			})
		}
	}
}

// measureTail reports percentiles: medians over b.N passes of a million
// decisions.
func measureTail(b *testing.B, s *index.Snapshot, q *questions) {
	took := make([]uint32, coldSet)
	var p passes
	for b.Loop() {
		timeDecisions(b, s, q, took)
		p.add(took)
	}
	p.report(b, "")
	p = passes{}
	for range 3 {
		began := time.Now()
		last := time.Since(began)
		for i := range took {
			now := time.Since(began)
			took[i] = uint32(now - last)
			last = now
		}
		p.add(took)
	}
	b.ReportMetric(p.median(0), "clock-p50-ns")
	b.ReportMetric(p.median(1), "clock-p99-ns")
	b.ReportMetric(0, "ns/op")
}

// timeDecisions asks as many requests as took has room for, and notes how long
// each took, in ns.
func timeDecisions(b *testing.B, s *index.Snapshot, q *questions, took []uint32) {
	var sc index.Scratch
	wrong, at := 0, 0
	began := time.Now()
	last := time.Since(began)
	for i := range took {
		if s.Decide(&q.requests[at], &sc).Outcome != q.want[at] {
			wrong++
		}
		if at++; at == len(q.requests) {
			at = 0
		}
		now := time.Since(began)
		took[i] = uint32(min(now-last, 1<<32-1))
		last = now
	}
	if wrong > 0 {
		b.Fatalf("%d wrong answers", wrong)
	}
}

// percentiles are those that are reported, in parts of 10,000.
var percentiles = [...]struct {
	name string
	part int
}{{"p50-ns", 5_000}, {"p99-ns", 9_900}, {"p99.9-ns", 9_990}, {"max-ns", 10_000}}

// passes collects the percentiles of each pass.
type passes [len(percentiles)][]float64

// add sorts took.
func (p *passes) add(took []uint32) {
	slices.Sort(took)
	for i := range percentiles {
		p[i] = append(p[i], float64(took[min(len(took)*percentiles[i].part/10_000, len(took)-1)]))
	}
}

// median is a percentile's median over the passes.
func (p *passes) median(i int) float64 { return median(p[i]) }

func (p *passes) report(b *testing.B, prefix string) {
	for i := range percentiles {
		b.ReportMetric(p.median(i), prefix+percentiles[i].name)
	}
}
