package sidecar

import (
	"net"
	"time"
)

// place is what an open connection counts against.
//
// An ordinary one is answered whatever it asks. When all of these are taken, a
// new connection takes that of one that makes way: of the silent the oldest,
// then of the idle the one that has been so for longest, then of those that
// have been sending a request for long. While none makes way, it gets one of the
// reserve: its request's head is read, in a short time, and a probe (/healthz,
// /readyz, /metrics) is answered; whatever else is asked is 429 unless an
// ordinary place is free by then. So probes get through whatever is asked for.
// The listener that only watches has places of its own.
type place uint8

const (
	ordinary place = iota
	reserve
	watching
	placeKinds
)

// The places beside Config.MaxConnections.
const (
	reservePlaces  = 256
	watchingPlaces = 64
)

// A connection makes way when it has been silent, idle, or sending a request for
// that long, in nanoseconds. Where the coarse clock tells, it may be early by a
// tick.
const (
	silentEnough  = 100e6
	idleEnough    = 2e9
	readingEnough = 2e9
	// reserveRead is how long a connection of the reserve may take for its
	// request.
	reserveRead = 1e9
)

// add gives a connection a place, and returns nil if there is none.
func (a *connections) add(c net.Conn, l *listener) *conn {
	wrapped := &conn{Conn: c, listener: l, all: a}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.running {
		a.running = true
		a.coarse.Store(a.now())
		go a.watch()
	}
	read := a.read
	switch {
	case l.watch:
		wrapped.place = watching
	case !a.room(ordinary):
		wrapped.place, wrapped.reserved = reserve, true
		read = min(read, reserveRead)
	}
	if wrapped.place != ordinary && !a.room(wrapped.place) {
		return nil
	}
	a.taken[wrapped.place]++
	wrapped.enter(phaseSilent, read)
	wrapped.since = a.now()
	wrapped.at = len(a.list)
	a.list = append(a.list, wrapped)
	return wrapped
}

func (a *connections) remove(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.list[len(a.list)-1]
	a.list[c.at] = last
	last.at = c.at
	a.list[len(a.list)-1] = nil
	a.list = a.list[:len(a.list)-1]
	if !c.lost.Load() {
		a.taken[c.place]--
	}
}

// admit reports whether the connection may ask anything. One of the reserve gets
// an ordinary place if there is one by now. It is called by the goroutine that
// serves the connection.
func (a *connections) admit(c *conn) bool {
	if !c.reserved {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.lost.Load() || !a.room(ordinary) {
		return false
	}
	a.taken[reserve]--
	a.taken[ordinary]++
	c.place, c.reserved = ordinary, false
	return true
}

// room reports whether a place of the kind is free, and takes one from a
// connection that makes way if need be. a.mu is held.
func (a *connections) room(kind place) bool {
	for tries := 0; a.taken[kind] >= a.max[kind]; tries++ {
		c := a.idlest(kind)
		if c == nil || tries == 3 {
			return false
		}
		if c.makeWay() {
			a.taken[kind]--
		}
	}
	return true
}

// idlest returns the connection that makes way next, nil if none does.
func (a *connections) idlest(kind place) (first *conn) {
	now := a.now()
	var rank, since int64
	for _, c := range a.list {
		if c.place != kind || c.lost.Load() {
			continue
		}
		if r, s := c.rank(now); r > 0 && (first == nil || r < rank || r == rank && s < since) {
			first, rank, since = c, r, s
		}
	}
	return first
}

// rank returns the order in which connections make way: the lowest rank first, and
// of equals the one with the lowest since, when its phase began. A connection that
// does not make way has the rank 0.
func (c *conn) rank(now int64) (rank, since int64) {
	due := c.due.Load()
	if due <= 0 {
		return 0, 0
	}
	began := func(timeout time.Duration) int64 { return due>>phaseBits - int64(timeout+c.all.tick) }
	enough := int64(silentEnough)
	switch phase := due & (1<<phaseBits - 1); {
	case phase == phaseSilent, c.place == reserve && phase == phaseReading:
		rank, since = 1, c.since
	case phase == phaseIdle:
		rank, since, enough = 2, began(c.all.idle), idleEnough
	case phase == phaseReading:
		rank, since, enough = 3, began(c.all.read), readingEnough
	}
	if now-since < enough {
		return 0, 0
	}
	return rank, since
}

// makeWay ends the phase that the connection is in, as if its timeout had struck,
// so that it closes; a request that comes at the same moment is answered first. It
// returns false if the phase has ended meanwhile.
func (c *conn) makeWay() bool {
	due := c.due.Load()
	c.lost.Store(true)
	if due > 0 && c.fire(due) {
		return true
	}
	c.lost.Store(false)
	return false
}
