package sidecar

import (
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

// take takes n bytes for a holder that has own bytes of the budget, and which may
// pass the budget by beyond bytes. It returns false if there is no room. A holder
// that is alone may have more than the whole budget: what is large by
// configuration must not fail for ever.
func (b *budget) take(n, own, beyond int64) bool {
	for {
		used := b.used.Load()
		if used > own && used+n > b.max+beyond {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// give gives n bytes back.
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

// pooledClasses is how many classes are kept: those up to 128 KiB.
const pooledClasses = 5

// small returns a buffer of freeBytes.
func (p *buffers) small() *buffer { return p.get(0) }

// get returns a buffer of the class, which the budget has allowed.
func (p *buffers) get(class int) *buffer {
	if class < pooledClasses {
		if b, ok := p.pools[class].Get().(*buffer); ok {
			return b
		}
	}
	return &buffer{make([]byte, freeBytes<<class), class}
}

// charge returns the bytes that a buffer of the class takes of the budget.
func charge(class int) int64 {
	if class == 0 {
		return 0
	}
	return int64(freeBytes) << class
}

// put takes a buffer back, which must not be used any more.
func (p *buffers) put(b *buffer) {
	p.budget.give(charge(b.class))
	p.keep(b)
}

// keep keeps a buffer for another request, unless it is large.
func (p *buffers) keep(b *buffer) {
	if b.class < pooledClasses {
		p.pools[b.class].Put(b)
	}
}

// grow returns a buffer of the next class with what b holds, nil if the budget does
// not allow it. b must not be used any more in either case.
func (p *buffers) grow(b *buffer) *buffer {
	if !p.budget.take(charge(b.class+1)-charge(b.class), charge(b.class), 0) {
		p.put(b)
		return nil
	}
	larger := p.get(b.class + 1)
	copy(larger.b, b.b)
	p.keep(b)
	return larger
}
