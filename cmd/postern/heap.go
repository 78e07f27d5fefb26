package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// heap fits the garbage collector to a process that loads policies and then
// allocates next to nothing (specification 5, P16). It does nothing where the
// user has set GOGC or GOMEMLIMIT.
type heap struct {
	off  bool
	was  int // the percentage before
	busy atomic.Bool
	last atomic.Int64 // when memory was given back last, in nanoseconds since 1970
}

// How the collector is fitted.
const (
	// loadingPercent is how much garbage there may be while policies are loaded,
	// in percent of what is live.
	loadingPercent = 25
	// restPercent is the same at rest, restLeast the least garbage, in bytes, that
	// is worth a collection, and restMost the largest percentage, Go's default.
	restPercent = 10
	restLeast   = 8 << 20
	restMost    = 100
	// givenBack is how much free memory, in bytes, is given back to the system;
	// it is looked for once in givenEvery.
	givenBack  = 16 << 20
	givenEvery = time.Minute
)

// newHeap fits the collector to the first load. The caller has to end it.
func newHeap() *heap {
	h := &heap{off: os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != ""}
	if !h.off {
		h.was = debug.SetGCPercent(loadingPercent)
	}
	return h
}

// end fits the collector as it was before.
func (h *heap) end() {
	if !h.off {
		debug.SetGCPercent(h.was)
	}
}

// settle is called when the first load is over. It drops what loading left, gives
// that memory back, and fits the collector to what stays.
func (h *heap) settle() {
	if h.off {
		return
	}
	h.last.Store(time.Now().UnixNano())
	runtime.GC()         // what pools keep goes with the second collection
	debug.FreeOSMemory() // which collects
	debug.SetGCPercent(percentAtRest(runtimeNumber("/gc/heap/live:bytes")))
}

// reloaded is called after a later generation: policies may have become many more
// or many fewer. What it does, it does in a goroutine of its own.
func (h *heap) reloaded(now time.Time) {
	if h.off || now.UnixNano()-h.last.Load() < int64(givenEvery) || h.last.Load() == 0 || !h.busy.CompareAndSwap(false, true) {
		return
	}
	h.last.Store(now.UnixNano())
	go func() {
		defer h.busy.Store(false)
		if runtimeNumber("/memory/classes/heap/free:bytes")+runtimeNumber("/memory/classes/heap/unused:bytes") >= givenBack {
			debug.FreeOSMemory()
		}
		debug.SetGCPercent(percentAtRest(runtimeNumber("/gc/heap/live:bytes")))
	}()
}

// percentAtRest is the percentage of garbage for a live heap of that size.
func percentAtRest(live uint64) int {
	least := float64(restLeast) / float64(max(live, 1)) * 100
	return int(math.Ceil(min(max(restPercent, least), restMost)))
}

// runtimeNumber returns a number of the runtime's.
func runtimeNumber(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	if metrics.Read(s); s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
