package benchmarks

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/index"
)

// BenchmarkParallel measures Decide on one core and on two (specification 5,
// P8): Parallel/WORKLOAD/SIZE/cores gives one-ns and two-ns, the time a core
// takes for a decision, and speedup, how much more two cores do. Each core has
// 4,096 requests of its own: with the same ones, one core would bring into the
// shared cache what the other asks for next. Parallel/none/0 is a loop that
// touches no memory: what the machine's second core is worth.
func BenchmarkParallel(b *testing.B) {
	if runtime.NumCPU() < 2 || runtime.GOMAXPROCS(0) < 2 {
		b.Skip("two cores are needed")
	}
	b.Run("none/0/cores", func(b *testing.B) {
		var sums [2]uint64
		oneAndTwo(b, func(core int) bool {
			x := uint64(88172645463325252)
			for range parallelTurn {
				for range 64 { // about as long as a decision takes
					x ^= x << 13
					x ^= x >> 7
					x ^= x << 17
				}
			}
			sums[core] += x
			return x != 0
		})
	})
	for _, x := range shapes {
		for _, n := range x.sizes {
			if n != 10_000 && n != x.sizes[len(x.sizes)-1] {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d/cores", x.name, n), func(b *testing.B) {
				w := x.world(b, n)
				q := w.ask(b, 2*hotSet)
				oneAndTwo(b, func(core int) bool {
					requests, want := q.requests[core*hotSet:][:hotSet], q.want[core*hotSet:][:hotSet]
					var sc index.Scratch
					wrong := 0
					for i := range parallelTurn {
						if w.snapshot.Decide(&requests[i%hotSet], &sc).Outcome != want[i%hotSet] {
							wrong++
						}
					}
					return wrong == 0
				})
			})
		}
	}
}

// parallelTurn is how many decisions a core makes in a turn.
const parallelTurn = 16 * hotSet

// oneAndTwo has one core do a turn's decisions, and then two cores at once as
// many each, by turns. The core that works alone changes too.
func oneAndTwo(b *testing.B, decide func(core int) bool) {
	var one, two, speedup []float64
	run := func(core int) float64 {
		began := time.Now()
		if !decide(core) {
			b.Error("wrong answers")
		}
		return float64(time.Since(began)) / parallelTurn
	}
	decide(0)
	decide(1)
	for i := 0; b.Loop(); i++ {
		alone := run(i % 2)
		var both [2]float64
		var ready atomic.Int32
		var wait sync.WaitGroup
		for core := range both {
			wait.Go(func() {
				for ready.Add(1); ready.Load() < 2; { // both begin at once
				}
				both[core] = run(core)
			})
		}
		wait.Wait()
		one, two = append(one, alone), append(two, (both[0]+both[1])/2)
		speedup = append(speedup, alone/both[0]+alone/both[1])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(one), "one-ns")
	b.ReportMetric(median(two), "two-ns")
	b.ReportMetric(median(speedup), "speedup")
}
