package arena

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"
	"weak"
)

// TestWords: a list is what was kept, from a cache line on, with no room behind it,
// whatever is kept after it.
func TestWords(t *testing.T) {
	var w Words
	g := rand.New(rand.NewPCG(1, 2))
	var kept, want [][]uint32
	words := 0
	for words < 3*mostWords {
		list := make([]uint32, g.IntN(400))
		if g.IntN(500) == 0 {
			list = make([]uint32, firstWords)
		}
		for i := range list {
			list[i] = g.Uint32()
		}
		words += len(list)
		kept, want = append(kept, w.Keep(list)), append(want, slices.Clone(list))
		clear(list)
	}
	for i, list := range kept {
		if !slices.Equal(list, want[i]) || cap(list) != len(list) && len(list) < firstWords/4 {
			t.Fatalf("list %d of %d words is another one, or has room for %d", i, len(list), cap(list))
		}
		if len(list) > 0 && uintptr(unsafe.Pointer(&list[0]))%64 != 0 {
			t.Fatalf("list %d begins within a cache line", i)
		}
	}
}

// TestWordsAreFreed: an allocation lives as long as one of its lists, and no longer.
func TestWordsAreFreed(t *testing.T) {
	var w Words
	w.next = mostWords // on big pages
	one, other := w.Keep([]uint32{1}), w.Keep([]uint32{2})
	if d := uintptr(unsafe.Pointer(&other[0])) - uintptr(unsafe.Pointer(&one[0])); d != 64 {
		t.Fatalf("the second list lies %d bytes behind the first", d)
	}
	gone := weak.Make(&one[0])
	w, one = Words{}, nil
	for range 3 {
		runtime.GC()
	}
	if gone.Value() == nil || other[0] != 2 {
		t.Fatal("it was freed while a list was kept")
	}
	runtime.KeepAlive(other)
	other = nil
	for began := time.Now(); gone.Value() != nil; runtime.GC() {
		if time.Since(began) > 10*time.Second {
			t.Fatal("it is still there, and no list of it")
		}
	}
}
