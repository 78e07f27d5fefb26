package sidecar

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// connections are all that are open, and the clock of their timeouts.
type connections struct {
	max               int
	read, write, idle time.Duration
	tick              time.Duration
	start             time.Time
	coarse            atomic.Int64 // nanoseconds since start, renewed every tick

	mu      sync.Mutex
	list    []*conn
	running bool
	stop    chan struct{}
	once    sync.Once // closes stop
}

// ticks is how often the shortest timeout is looked at in its time.
const ticks = 10

func newConnections(c *Config) *connections {
	shortest := min(c.ReadTimeout, c.WriteTimeout, c.IdleTimeout)
	return &connections{
		max: c.MaxConnections, read: c.ReadTimeout, write: c.WriteTimeout, idle: c.IdleTimeout,
		tick: min(max(shortest/ticks, time.Millisecond), time.Second), start: time.Now(), stop: make(chan struct{}),
	}
}

// after is the coarse time when a timeout that starts now has passed for sure:
// the clock may be late by a tick.
func (a *connections) after(timeout time.Duration) int64 {
	return a.coarse.Load() + int64(timeout+a.tick)
}

// add takes a connection in; nil if there are too many.
func (a *connections) add(c net.Conn, l *listener) *conn {
	wrapped := &conn{Conn: c, listener: l, all: a}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.list) >= a.max {
		return nil
	}
	if !a.running {
		a.running = true
		a.coarse.Store(int64(time.Since(a.start)))
		go a.watch()
	}
	wrapped.enter(phaseSilent, a.read)
	wrapped.place = len(a.list)
	a.list = append(a.list, wrapped)
	return wrapped
}

func (a *connections) remove(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.list[len(a.list)-1]
	a.list[c.place] = last
	last.place = c.place
	a.list[len(a.list)-1] = nil
	a.list = a.list[:len(a.list)-1]
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
		now := int64(time.Since(a.start))
		a.coarse.Store(now)
		a.mu.Lock()
		for _, c := range a.list {
			c.expire(now)
		}
		a.mu.Unlock()
	}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// expire wakes the connection's goroutine if its phase is over.
func (c *conn) expire(now int64) {
	due := c.due.Load()
	if due <= 0 || due>>phaseBits > now {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.due.CompareAndSwap(due, fired) {
		return
	}
	if phase := due & (1<<phaseBits - 1); phase == phaseWriting || phase == phaseRepeat {
		_ = c.Conn.SetWriteDeadline(past)
	} else {
		_ = c.Conn.SetReadDeadline(past)
	}
}

// closeSilent closes the connections that have not sent a byte: there is
// nothing to answer.
func (a *connections) closeSilent() {
	a.closeIf(func(c *conn) bool {
		due := c.due.Load()
		return due > 0 && due&(1<<phaseBits-1) == phaseSilent
	})
}

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
