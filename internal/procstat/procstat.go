// Package procstat reads figures about the Go runtime and the process, for /metrics
// (specification 3.4).
package procstat

import (
	"runtime/metrics"
	"time"
)

// Figure is one number with its name in Prometheus' form.
type Figure struct {
	Name  string
	Kind  string // "gauge" or "counter"
	Help  string // one sentence
	Value float64
}

// source is a figure from runtime/metrics.
type source struct {
	Figure
	from string
}

// sources are the figures about Go. They have the names that Prometheus' client library
// for Go gives them, if it has them.
var sources = []source{
	{Figure{"go_goroutines", "gauge", "Goroutines that exist now.", 0}, "/sched/goroutines:goroutines"},
	{Figure{"go_sched_gomaxprocs_threads", "gauge", "GOMAXPROCS: how many threads may run Go code at one time.", 0}, "/sched/gomaxprocs:threads"},
	{Figure{"go_memstats_heap_alloc_bytes", "gauge", "Bytes of objects on the heap, live or not collected yet.", 0}, "/memory/classes/heap/objects:bytes"},
	{Figure{"go_memstats_heap_objects", "gauge", "Objects on the heap, live or not collected yet.", 0}, "/gc/heap/objects:objects"},
	{Figure{"go_gc_heap_live_bytes", "gauge", "Bytes of objects that were live at the last collection.", 0}, "/gc/heap/live:bytes"},
	{Figure{"go_memstats_next_gc_bytes", "gauge", "Size of the heap at which the next collection ends.", 0}, "/gc/heap/goal:bytes"},
	{Figure{"go_memstats_heap_idle_free_bytes", "gauge", "Bytes of the heap that are free and not given back to the system.", 0}, "/memory/classes/heap/free:bytes"},
	{Figure{"go_memstats_heap_released_bytes", "gauge", "Bytes of the heap that were given back to the system.", 0}, "/memory/classes/heap/released:bytes"},
	{Figure{"go_memstats_stack_inuse_bytes", "gauge", "Bytes of the stacks of goroutines.", 0}, "/memory/classes/heap/stacks:bytes"},
	{Figure{"go_memstats_sys_bytes", "gauge", "Bytes of memory that the runtime has mapped, what it gave back included.", 0}, "/memory/classes/total:bytes"},
	{Figure{"go_gc_gomemlimit_bytes", "gauge", "GOMEMLIMIT: the size at which the runtime collects more often.", 0}, "/gc/gomemlimit:bytes"},
	{Figure{"go_memstats_alloc_bytes_total", "counter", "Bytes that were allocated on the heap since the start.", 0}, "/gc/heap/allocs:bytes"},
	{Figure{"go_memstats_mallocs_total", "counter", "Objects that were allocated on the heap since the start.", 0}, "/gc/heap/allocs:objects"},
	{Figure{"go_memstats_frees_total", "counter", "Objects of the heap that were collected since the start.", 0}, "/gc/heap/frees:objects"},
	{Figure{"go_gc_cycles_total", "counter", "Collections since the start.", 0}, "/gc/cycles/total:gc-cycles"},
	{Figure{"go_gc_cpu_seconds_total", "counter", "Time of processors that collections took, as the runtime estimates it.", 0}, "/cpu/classes/gc/total:cpu-seconds"},
	{Figure{"go_sync_mutex_wait_seconds_total", "counter", "Time that goroutines waited for a lock, as the runtime estimates it.", 0}, "/sync/mutex/wait/total:seconds"},
}

// Read returns the figures as they are now, without those that this system does not have.
func Read() []Figure {
	samples := make([]metrics.Sample, len(sources))
	for i, s := range sources {
		samples[i].Name = s.from
	}
	metrics.Read(samples)
	out := make([]Figure, 0, len(sources)+8)
	for i, s := range sources {
		f := s.Figure
		switch v := samples[i].Value; v.Kind() {
		case metrics.KindUint64:
			f.Value = float64(v.Uint64())
		case metrics.KindFloat64:
			f.Value = v.Float64()
		default:
			continue
		}
		out = append(out, f)
	}
	return append(append(out, process()...), Figure{"process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", float64(started.UnixMilli()) / 1e3})
}

// started is when this package was initialized, which is when the process was.
var started = time.Now()
