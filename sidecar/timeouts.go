package sidecar

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// connections holds the connections that are open, their places and the clock of
// their timeouts.
type connections struct {
	read, write, idle time.Duration
	tick              time.Duration
	start             time.Time
	coarse            atomic.Int64 // nanoseconds since start, renewed every tick

	mu         sync.Mutex
	list       []*conn
	max, taken [placeKinds]int
	running    bool
	stop       chan struct{}
	once       sync.Once // closes stop
	ticked     func(open int)
}

// ticks is how many ticks the shortest timeout has.
const ticks = 10

// noEnd is when a phase without a timeout ends, in nanoseconds: never.
const noEnd = 1 << 58

func newConnections(c *Config) *connections {
	shortest := min(c.ReadTimeout, c.WriteTimeout, c.IdleTimeout)
	return &connections{
		max:  [placeKinds]int{ordinary: c.MaxConnections, reserve: reservePlaces, watching: watchingPlaces},
		read: c.ReadTimeout, write: c.WriteTimeout, idle: c.IdleTimeout,
		tick: min(max(shortest/ticks, time.Millisecond), time.Second), start: time.Now(), stop: make(chan struct{}),
	}
}

// now is the time on the clock of the connections.
func (a *connections) now() int64 { return int64(time.Since(a.start)) }

// after returns the coarse time at which a timeout that starts now has passed for
// sure: the coarse clock is late by up to a tick.
func (a *connections) after(timeout time.Duration) int64 {
	return a.coarse.Load() + int64(timeout+a.tick)
}

// open is how many connections are open.
func (a *connections) open() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.list)
}

// watch ends the phases whose time has come, until end is called.
func (a *connections) watch() {
	ticker := time.NewTicker(a.tick)
	defer ticker.Stop()
	for {
		select {
		case <-a.stop:
			return
		case <-ticker.C:
		}
		now := a.now()
		a.coarse.Store(now)
		a.mu.Lock()
		for _, c := range a.list {
			c.expire(now)
		}
		open := len(a.list)
		a.mu.Unlock()
		a.ticked(open)
	}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// expire ends the connection's phase if its time has come.
func (c *conn) expire(now int64) {
	if due := c.due.Load(); due > 0 && due>>phaseBits <= now {
		c.fire(due)
	}
}

// fire ends the phase that due stands for, by a deadline that has passed, which
// wakes the goroutine that serves the connection. It returns false if that phase
// has ended already.
func (c *conn) fire(due int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.due.CompareAndSwap(due, fired) {
		return false
	}
	if phase := due & (1<<phaseBits - 1); phase == phaseWriting || phase == phaseRepeat {
		_ = c.Conn.SetWriteDeadline(past)
	} else {
		_ = c.Conn.SetReadDeadline(past)
	}
	return true
}

// closeSilent closes the connections that have not sent a byte, to which no answer
// is due.
func (a *connections) closeSilent() {
	a.closeIf(func(c *conn) bool {
		due := c.due.Load()
		return due > 0 && due&(1<<phaseBits-1) == phaseSilent
	})
}

// closeIf closes the connections that which chooses.
func (a *connections) closeIf(which func(*conn) bool) {
	a.mu.Lock()
	var chosen []net.Conn
	for _, c := range a.list {
		if which(c) {
			chosen = append(chosen, c.Conn)
		}
	}
	a.mu.Unlock()
	for _, c := range chosen {
		_ = c.Close() // the serving goroutine finds it closed and removes it
	}
}

// end stops watch, for good.
func (a *connections) end() { a.once.Do(func() { close(a.stop) }) }
