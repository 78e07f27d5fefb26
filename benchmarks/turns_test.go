package benchmarks

import (
	"slices"
	"testing"
	"time"
)

// side is one of two things that are measured against each other.
type side struct {
	name string
	// turn does some operations, for a few milliseconds, and returns how long
	// one took, in ns.
	turn func() float64
}

// turns lets sides take turns of a few milliseconds for as long as b wants, and
// reports the median time of each (NAME-ns) and the median over the turns of
// the second's time by the first's, as ratio: what a neighbour does to the one
// it does to the other. NAME-allocs are the second's, in a turn.
func turns(b *testing.B, first, second side) {
	b.Helper()
	first.turn() // the first turn loads what it needs, and is not counted
	second.turn()
	var times [2][]float64
	var ratios []float64
	for b.Loop() {
		x, y := first.turn(), second.turn()
		times[0], times[1] = append(times[0], x), append(times[1], y)
		ratios = append(ratios, y/x)
	}
	b.ReportMetric(0, "ns/op") // the time of a turn of both sides means nothing
	b.ReportMetric(median(times[0]), first.name+"-ns")
	b.ReportMetric(median(times[1]), second.name+"-ns")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(testing.AllocsPerRun(1, func() { second.turn() }), second.name+"-allocs")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// asking makes a turn of asking the next requests of a set, from the given one
// on: of two sides that take turns on a cold set, neither may find what the
// other has just read. A wrong answer ends the benchmark.
func (q *questions) asking(b *testing.B, name string, at int, ask func(i int) bool) side {
	return side{name, func() float64 {
		const most, enough, lot = 8 * hotSet, 20 * time.Millisecond, 256
		n, wrong := 0, 0
		began := time.Now()
		for n < most && time.Since(began) < enough {
			for range lot {
				if !ask(at) {
					wrong++
				}
				if at++; at == len(q.requests) {
					at = 0
				}
			}
			n += lot
		}
		took := time.Since(began)
		if wrong > 0 {
			b.Fatalf("%s: %d wrong answers", name, wrong)
		}
		return float64(took) / float64(n)
	}}
}
