package compile

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"postern/index"
	"postern/internal/policygen"
)

// TestTogether: over 1,000 loads of everything, while others decide by what is in
// force and by the snapshots before it, answers stay what they are, and memory does
// too: nothing that policies lie in together is freed before them or kept after them.
func TestTogether(t *testing.T) {
	w := policygen.Field(20, 1)
	questions := w.Requests(64)
	var lasts [8]index.Current
	load := func(generation uint64) {
		s, ds := Compiler{}.Directory(w.Directory, generation)
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		lasts[generation%uint64(len(lasts))].Store(s)
	}
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for i := range lasts {
		load(uint64(i))
	}
	var end atomic.Bool
	var deciders sync.WaitGroup
	for range 2 {
		deciders.Go(func() {
			var sc index.Scratch
			for i := 0; !end.Load() && !t.Failed(); i++ {
				s, q := lasts[i/len(questions)%len(lasts)].Load(), &questions[i%len(questions)]
				s.Ahead(&questions[(i+index.AheadBy)%len(questions)].Request, &sc)
				if d := s.Decide(&q.Request, &sc); d.Outcome != q.Want || d.Generation != s.Generation() {
					t.Errorf("%+v: %+v of generation %d, want %v", q.Request, d, s.Generation(), q.Want)
				}
			}
		})
	}
	const loads = 1_000
	var before int64
	for i := range uint64(loads) {
		if load(i); i == loads/10 {
			before = live()
		}
	}
	end.Store(true)
	deciders.Wait()
	// What the compilers' memory has grown by is less than this.
	if after := live(); after > before+8<<20 {
		t.Errorf("%d bytes are live after %d loads, %d after a tenth of them", after, loads, before)
	}
}
