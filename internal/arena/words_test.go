package arena

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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

// TestWordsOfGenerations: over 1,000 generations, each on big pages and dropped
// while others read it, no list is another one while it is kept, and nothing of a
// generation is left once its lists are dropped.
func TestWordsOfGenerations(t *testing.T) {
	const generations, kept, lists = 1_000, 4, 64
	type generation struct {
		lists [lists][]uint32
		first uint32
	}
	whole := func(g *generation) bool {
		for i, list := range g.lists {
			for k, word := range list {
				if word != g.first+uint32(i*len(list)+k) {
					return false
				}
			}
		}
		return true
	}
	var inForce [kept]atomic.Pointer[generation]
	var end atomic.Bool
	var readers sync.WaitGroup
	readers.Go(func() {
		for i := 0; !end.Load(); i++ {
			if g := inForce[i%kept].Load(); g != nil && !whole(g) {
				t.Error("a list is another one while it is kept")
				return
			}
			time.Sleep(100 * time.Microsecond)
		}
	})
	var all []weak.Pointer[uint32]
	list := make([]uint32, 1_000)
	for n := range uint32(generations) {
		g := &generation{first: n << 16}
		w := Words{next: mostWords} // the first list begins an allocation on big pages
		for i := range g.lists {
			for k := range list {
				list[k] = g.first + uint32(i*len(list)+k)
			}
			g.lists[i] = w.Keep(list)
		}
		all = append(all, weak.Make(&g.lists[0][0]))
		inForce[n%kept].Store(g)
	}
	end.Store(true)
	readers.Wait()
	if adviseds() == 0 {
		t.Log("this system has no big pages, or does not say so")
	}
	for i := range inForce {
		if g := inForce[i].Load(); !whole(g) || all[g.first>>16].Value() == nil {
			t.Error("what is in force was freed")
		}
		inForce[i].Store(nil)
	}
	for began := time.Now(); ; runtime.GC() {
		all = slices.DeleteFunc(all, func(p weak.Pointer[uint32]) bool { return p.Value() == nil })
		advised := adviseds()
		if len(all) == 0 && advised == 0 {
			return
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("%d of %d generations are still there, and %d parts of memory are to be on big pages", len(all), generations, advised)
		}
	}
}

// adviseds is the number of mappings of this process that are advised to be on big
// pages; 0 where the system does not say.
func adviseds() int {
	text, _ := os.ReadFile("/proc/self/smaps")
	n := 0
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("VmFlags:")) && bytes.Contains(line, []byte(" hg")) {
			n++
		}
	}
	return n
}
