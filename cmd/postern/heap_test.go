package main

import (
	"runtime/debug"
	"testing"
	"time"
)

// percent returns the percentage that the collector has.
func percent() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

// TestHeapFitsTheCollector: little garbage is allowed at rest, but never less than
// is worth a collection, and what the user sets stays.
func TestHeapFitsTheCollector(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 1 << 20: 100, 32 << 20: 25, 80 << 20: 10, 1 << 40: 10} {
		if got := percentAtRest(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
	before := percent()
	h := newHeap()
	if got := percent(); got != loadingPercent {
		t.Errorf("while policies are loaded it is %d", got)
	}
	h.settle()
	want := percentAtRest(runtimeNumber("/gc/heap/live:bytes"))
	if got := percent(); got != want {
		t.Errorf("after the first load it is %d, want %d", got, want)
	}
	debug.SetGCPercent(77)
	h.reloaded(time.Now())
	time.Sleep(10 * time.Millisecond)
	if got := percent(); got != 77 {
		t.Errorf("a reload at once after another sets %d", got)
	}
	h.reloaded(time.Now().Add(2 * givenEvery))
	for end := time.Now().Add(10 * time.Second); (percent() == 77 || h.busy.Load()) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if got := percent(); got == 77 {
		t.Error("a reload fits nothing")
	}
	h.end()
	if got := percent(); got != before {
		t.Errorf("at the end it is %d, want %d", got, before)
	}
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "200MiB")
			h := newHeap()
			h.settle()
			h.reloaded(time.Now().Add(2 * givenEvery))
			h.end()
			if got := percent(); got != before {
				t.Errorf("it was set to %d although the user had set it", got)
			}
		})
	}
}
