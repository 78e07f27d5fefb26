package decisionlog

import (
	"sync/atomic"
	"unsafe"
)

// ring is memory in which records wait for the writer: a circle of words, of which
// those from tail to head hold records. Who answers claims words at the head by one
// compare-and-swap, fills them, and last stores the record's first word, which
// tells its length; the writer reads what is complete at the tail, and clears it.
// head and tail count bytes since the start and never wrap.
type ring struct {
	_     [128]byte // no line is shared with what lies before, or fetched with it
	head  atomic.Uint64
	_     [120]byte
	tail  atomic.Uint64
	_     [120]byte
	words []uint64
	size  uint64 // of words, in bytes; a power of two
	// drops is what did not fit.
	drops drops

	// What follows is the writer's.
	read uint64 // up to where it has read; tail follows
	end  uint64 // up to where it reads in this pass
	next record // the record at read, if there is one
	has  bool
	wrap []byte // a record that crosses the end of words
	told struct {
		allow, deny uint64
		from        int64
	} // what lines of drops have told
}

// complete is set in the first word of a record that can be read. The rest of the
// word is the record's length in bytes, a multiple of wordBytes.
const (
	complete  = 1 << 63
	wordBytes = 8
)

func newRing(size int) *ring {
	return &ring{words: make([]uint64, size/wordBytes), size: uint64(size)}
}

// rounded is the length of a record that has n bytes behind its first word.
func rounded(n int) uint64 { return uint64(n+2*wordBytes-1) &^ (wordBytes - 1) }

// claim takes n bytes, so that no more than limit are taken in all; it is false if
// there is no room.
func (r *ring) claim(n, limit uint64) (at uint64, ok bool) {
	for {
		tail := r.tail.Load() // before head, so that it is not beyond
		head := r.head.Load()
		if head+n-tail > limit {
			return 0, false
		}
		if r.head.CompareAndSwap(head, head+n) {
			return head, true
		}
	}
}

// bytes is the memory as bytes.
func (r *ring) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(r.words))), r.size)
}

// put copies text to a place that was claimed, and returns the place behind it.
func (r *ring) put(at uint64, text []byte) uint64 {
	from := at & (r.size - 1)
	n := copy(r.bytes()[from:], text)
	copy(r.bytes(), text[n:])
	return at + uint64(len(text))
}

// putText is put for a string.
func (r *ring) putText(at uint64, text string) uint64 {
	from := at & (r.size - 1)
	n := copy(r.bytes()[from:], text)
	copy(r.bytes(), text[n:])
	return at + uint64(len(text))
}

// finish makes a record of n bytes readable.
func (r *ring) finish(at, n uint64) {
	atomic.StoreUint64(&r.words[at&(r.size-1)/wordBytes], n|complete)
}

// begin begins a pass of the writer: it reads what is claimed by now.
func (r *ring) begin() { r.end = r.head.Load() }

// peek reads the next record into r.next; false if there is none, or it is not
// complete.
func (r *ring) peek() bool {
	if r.has {
		return true
	}
	if r.read >= r.end {
		return false
	}
	word := atomic.LoadUint64(&r.words[r.read&(r.size-1)/wordBytes])
	if word&complete == 0 {
		return false
	}
	n := word &^ complete
	from := r.read & (r.size - 1)
	var text []byte
	if from+n <= r.size {
		text = r.bytes()[from : from+n]
	} else {
		r.wrap = append(append(r.wrap[:0], r.bytes()[from:]...), r.bytes()[:from+n-r.size]...)
		text = r.wrap
	}
	r.next = record{text: text[wordBytes:], size: n}
	r.has = true
	return true
}

// pass clears the record that peek has read, and goes on to the next. What was read
// of it is no longer valid.
func (r *ring) pass() {
	n := r.next.size
	from := r.read & (r.size - 1)
	if from+n <= r.size {
		clear(r.words[from/wordBytes : (from+n)/wordBytes])
	} else {
		clear(r.words[from/wordBytes:])
		clear(r.words[:(from+n-r.size)/wordBytes])
	}
	r.read += n
	r.has = false
	if r.read-r.tail.Load() >= r.size/16 {
		r.release()
	}
}

// release gives the words that were cleared to who answers.
func (r *ring) release() { r.tail.Store(r.read) }

// drops counts what was dropped since the start, and from when to when since the
// writer last looked.
type drops struct {
	allow, deny atomic.Uint64
	from, to    atomic.Int64 // in nanoseconds since 1970; 0 for none
}

// add counts a record that was dropped, of that time. The span comes first: who
// reads the counts finds every counted record in it, or in the span before.
func (d *drops) add(allow bool, at int64) {
	for from := d.from.Load(); (from == 0 || at < from) && !d.from.CompareAndSwap(from, at); {
		from = d.from.Load()
	}
	for to := d.to.Load(); at > to && !d.to.CompareAndSwap(to, at); {
		to = d.to.Load()
	}
	if allow {
		d.allow.Add(1)
	} else {
		d.deny.Add(1)
	}
}
