package benchmarks

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkGC measures what a garbage collection costs with the snapshot of
// `tenants` live, and what checks on both cores feel of collections without
// pause (specification 5, P12): GC/tenants/1000000/cycle gives cycle-ms, the
// wall's time of a collection, mark-cpu-ms, what it takes of the cores, and
// pause-us, the longest stop; GC/none/0/cycle the same of an empty heap;
// GC/tenants/1000000/checks percentiles of Decide.
func BenchmarkGC(b *testing.B) {
	b.Run("none/0/cycle", func(b *testing.B) {
		worlds.small, worlds.large, worlds.largeName = nil, nil, ""
		deployment = nil
		measureCycle(b)
	})
	b.Run("tenants/1000000/cycle", func(b *testing.B) {
		d := deploy(b)
		measureCycle(b)
		runtime.KeepAlive(d)
	})
	b.Run("tenants/1000000/checks", func(b *testing.B) {
		d := deploy(b)
		measureChecks(b, d)
	})
}

func measureCycle(b *testing.B) {
	runtime.GC()
	var cycles []float64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := gcCPU()
	for b.Loop() {
		began := time.Now()
		runtime.GC()
		cycles = append(cycles, float64(time.Since(began))/1e6)
	}
	cpu = gcCPU() - cpu
	runtime.ReadMemStats(&after)
	var longest uint64
	for i := before.NumGC; i < after.NumGC; i++ {
		longest = max(longest, after.PauseNs[i%uint32(len(after.PauseNs))])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(cycles), "cycle-ms")
	b.ReportMetric(cpu*1e3/float64(len(cycles)), "mark-cpu-ms")
	b.ReportMetric(float64(longest)/1e3, "pause-us")
	b.ReportMetric(float64(after.HeapAlloc)/1e6, "live-MB")
}

// gcCPU returns the processor time that collections took so far, in seconds.
func gcCPU() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/mark/assist:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/dedicated:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}, {Name: "/cpu/classes/gc/pause:cpu-seconds"}}
	metrics.Read(s)
	sum := 0.0
	for i := range s {
		sum += s[i].Value.Float64()
	}
	return sum
}

// measureChecks times decisions on both cores one by one, alone and while one
// collection follows the other, by turns.
func measureChecks(b *testing.B, d *deployed) {
	const perCore = 100_000
	var took [2][]uint32
	for core := range took {
		took[core] = make([]uint32, perCore)
	}
	all := make([]uint32, 0, 2*perCore)
	turn := func(p *passes) {
		var wait sync.WaitGroup
		for core := range took {
			q := &questions{requests: d.questions.requests[core*hotSet:][:hotSet], want: d.questions.want[core*hotSet:][:hotSet]}
			wait.Go(func() { timeDecisions(b, d.snapshot, q, took[core]) })
		}
		wait.Wait()
		p.add(append(append(all[:0], took[0]...), took[1]...))
	}
	var still, collecting passes
	var ratios []float64
	cycles := 0
	for b.Loop() {
		turn(&still)
		var stop atomic.Bool
		var collector sync.WaitGroup
		collector.Go(func() {
			for !stop.Load() {
				runtime.GC()
				cycles++
			}
		})
		turn(&collecting)
		stop.Store(true)
		collector.Wait()
		last := len(still[1]) - 1
		ratios = append(ratios, collecting[1][last]/still[1][last])
	}
	b.ReportMetric(0, "ns/op")
	still.report(b, "still-")
	collecting.report(b, "collecting-")
	b.ReportMetric(median(ratios), "p99-ratio")
	b.ReportMetric(float64(cycles)/float64(len(ratios)), "cycles")
	if slices.Max(ratios) == 0 {
		b.Fatal("nothing was timed")
	}
}
