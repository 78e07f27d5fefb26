package sidecar

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A client decides how long the server keeps what it sent and what it has not
// read yet, so these are bounded over all connections together, whatever their
// number. What is small is free: it is bounded by the bound on connections.
const (
	// freeBytes is what a request's body, and an answer, may hold without
	// asking a budget.
	freeBytes = 8 << 10
	// receivedBytes bounds the bodies that are being received or wait for
	// their turn, sentBytes the answers that are being made or wait for their
	// client.
	receivedBytes = 48 << 20
	sentBytes     = 48 << 20
	// probeBytes is how far the answers of probes may go beyond, and those of
	// the listener that watches twice as far: nobody else can use that up.
	probeBytes = 4 << 20
)

// budget is a number of bytes that may be held at one time.
type budget struct {
	max  int64
	used atomic.Int64
}

// take reports whether n more bytes may be held, where the caller may go beyond
// the budget by some. A single holder may have more than the whole budget: what
// is large by configuration must not fail for ever.
func (b *budget) take(n, beyond int64) bool {
	for {
		used := b.used.Load()
		if used > 0 && used+n > b.max+beyond {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// buffer is what a body is received in. Its capacity is freeBytes shifted by
// its class.
type buffer struct {
	b     []byte
	class int
}

// buffers keeps buffers between requests, by class, and holds those above
// freeBytes to the budget.
type buffers struct {
	budget budget
	pools  [pooledClasses]sync.Pool
}

// pooledClasses are the classes that are kept: to 128 KiB.
const pooledClasses = 5

// classOf is the smallest class that holds n bytes.
func classOf(n int) int {
	if n <= freeBytes {
		return 0
	}
	return bits.Len(uint((n - 1) / freeBytes))
}

// get returns a buffer of the class, nil if the budget does not allow it.
func (p *buffers) get(class int) *buffer {
	size := freeBytes << class
	if class > 0 && !p.budget.take(int64(size), 0) {
		return nil
	}
	if class < pooledClasses {
		if b, ok := p.pools[class].Get().(*buffer); ok {
			return b
		}
	}
	return &buffer{make([]byte, size), class}
}

// put takes a buffer back, which must not be used any more.
func (p *buffers) put(b *buffer) {
	if b.class > 0 {
		p.budget.give(int64(len(b.b)))
	}
	if b.class < pooledClasses {
		p.pools[b.class].Put(b)
	}
}

// grow returns a buffer of the class with what b holds, and takes b back; nil,
// and b is taken back all the same, if the budget does not allow it.
func (p *buffers) grow(b *buffer, class int) *buffer {
	larger := p.get(class)
	if larger != nil {
		copy(larger.b, b.b)
	}
	p.put(b)
	return larger
}
