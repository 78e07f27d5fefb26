package arena

import (
	"runtime"
	"unsafe"
)

// Words keeps lists of words in few allocations, each list from the start of a
// cache line on, and asks the system to have large allocations on big pages: what
// is read at random is found with fewer looks into the processor's tables. Nothing
// writes to a list again, so a list may be kept for any time; it keeps its whole
// allocation alive, and the garbage collector frees that after the last of its
// lists. So lists belong together that are dropped together, or are few. The zero
// Words is ready. It must not be copied once it is used, and is not safe for
// concurrent use.
type Words struct {
	free []uint32 // of the last allocation
	next int      // the number of words of the next
}

// The sizes of allocations, in words: each is twice the one before.
const (
	firstWords = 16 << 10
	mostWords  = 1 << 20
	lineWords  = 16
)

// Keep returns a copy of list. One that is large has an allocation of its own.
func (w *Words) Keep(list []uint32) []uint32 {
	n := (len(list) + lineWords - 1) / lineWords * lineWords
	switch {
	case n == 0:
		return nil
	case n > firstWords/4:
		return append(make([]uint32, 0, len(list)), list...)
	case n > len(w.free):
		w.next = min(max(firstWords, 2*w.next), mostWords)
		w.free = allocation(w.next)
	}
	out := w.free[:len(list):len(list)]
	w.free = w.free[n:]
	copy(out, list)
	return out
}

// allocation returns n words, on big pages if they are many. The advice is taken
// back when they are freed: the heap has other uses for the memory then.
func allocation(n int) []uint32 {
	words := make([]uint32, n)
	const size = unsafe.Sizeof(words[0])
	if from := uintptr(unsafe.Pointer(&words[0])); n == mostWords && bigPages(from, from+mostWords*size, true) {
		runtime.AddCleanup(&words[0], func(from uintptr) { bigPages(from, from+mostWords*size, false) }, from)
	}
	return words
}
