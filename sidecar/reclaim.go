package sidecar

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// reclaim gives memory back to the system when connections have let go of much
// of it: the runtime collects only when something is allocated, and the plain
// path allocates nothing.
type reclaim struct {
	peak int64 // bytes that connections held since the last time
	busy atomic.Bool
	done atomic.Int64 // when the last one may be followed, nanoseconds since 1970
}

// What reclaim reckons with.
const (
	connectionBytes = 48 << 10 // of a connection, with its goroutine's stack
	reclaimBytes    = 32 << 20 // this much less than at the peak is worth it
	reclaimEvery    = 5 * time.Second
	reclaimShare    = 50 // at most one part of time in so many is spent on it
)

// look is told now and then how much connections hold.
func (r *reclaim) look(held int64, now time.Time) {
	r.peak = max(r.peak, held)
	if r.peak-held < reclaimBytes || now.UnixNano() < r.done.Load() || !r.busy.CompareAndSwap(false, true) {
		return
	}
	r.peak = held
	go func() {
		began := time.Now()
		runtime.GC() // what pools keep goes with the second collection
		debug.FreeOSMemory()
		took := time.Since(began)
		r.done.Store(began.Add(max(reclaimEvery, took*reclaimShare)).UnixNano())
		r.busy.Store(false)
	}()
}
