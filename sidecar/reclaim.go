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
	peak int64 // the most bytes that connections held since the last collection
	busy atomic.Bool
	done atomic.Int64 // no further collection before this, in nanoseconds since 1970
}

// When reclaim collects.
const (
	connectionBytes = 48 << 10 // what a connection holds, with its goroutine's stack
	reclaimBytes    = 32 << 20 // it is worth a collection to have this much less than at the peak
	reclaimEvery    = 5 * time.Second
	reclaimShare    = 50 // collections take at most a fiftieth of the time
)

// look is called now and then with the bytes that connections hold.
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
