package sidecar

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// listener wraps one that the server was given: it gives each connection a
// place, answers 429 when there is none, and outlives a shortage of file
// descriptors.
type listener struct {
	net.Listener
	server *Server
	unix   bool
	// watch: only what watches the process is answered (Config.Watch).
	watch bool
	// address is the one that it listens on; invalid if that is every address
	// of the machine, or none.
	address netip.Addr
	once    sync.Once
}

// Accept returns the next connection that has a place.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			return nil, io.EOF // what fasthttp takes for the end
		case shortage(err):
			l.server.log.Error("a connection cannot be accepted; trying again", "error", err)
			time.Sleep(50 * time.Millisecond)
			continue
		default:
			return nil, err
		}
		if wrapped := l.server.connections.add(c, l); wrapped != nil {
			return wrapped, nil
		}
		l.server.refuse(c)
	}
}

// Close closes the listener once: fasthttp and Shutdown both do.
func (l *listener) Close() (err error) {
	l.once.Do(func() { err = l.Listener.Close() })
	return err
}

// shortage reports whether an error of accept is one that passes: the process or
// the machine has too little of something, or the client has gone.
func shortage(err error) bool {
	for _, e := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// The phases of a connection, in the low bits of conn.due.
const (
	phaseSilent  = iota // no byte has come yet
	phaseReading        // a request has begun
	phaseWorking        // it is there, and being answered
	phaseWriting
	phaseRepeat // a request that came with the kept head is being answered (repeat.go)
	phaseIdle   // the next request is awaited
	phaseBits   = 3
)

// The values of conn.due that hold no time.
const (
	fired   = -1 // the timeout of the phase has struck
	closing = -2 // the connection is to be closed after the answer under way
)

// conn is a connection with its timeouts. Setting a deadline costs more than
// deciding a request, so that a deadline is set only when a timeout has struck:
// due says when the present phase ends, and one goroutine looks at all connections
// now and then (timeouts.go).
//
// The fields after mu, but for awaited, linger and once, belong to the goroutine
// that serves the connection.
type conn struct {
	net.Conn
	listener *listener
	all      *connections

	at    int         // the index in all.list; all.mu guards it, and place
	place place       // what it counts against (places.go)
	lost  atomic.Bool // it has lost its place, and counts against nothing
	since int64       // when it was accepted, on the clock of all

	// due holds when the phase ends, on the coarse clock of all, in the bits above
	// phaseBits, and the phase in those below; or fired, closing, or 0 when the
	// connection is closed.
	due atomic.Int64
	mu  sync.Mutex // orders what the two goroutines do to Conn's deadlines

	reserved bool   // its place is one of the reserve
	answered bool   // the handler has run: the next write is an answer
	host     []byte // the last Host header that was allowed
	peer     []byte // who is at its other end, once that was asked
	between  bool   // fasthttp waits for a request, and has none of its bytes
	repeat   repeat
	form     form
	wire     []byte       // holds an answer to a request with the kept head
	awaited  atomic.Int64 // bytes that the answer being sent took of the budget of answers
	linger   atomic.Bool  // Close reads what the client still sends
	once     sync.Once
}

// enter begins a phase that ends after the timeout, and returns what due was.
func (c *conn) enter(phase int64, timeout time.Duration) (before int64) {
	return c.due.Swap(c.all.after(timeout)<<phaseBits | phase)
}

// Read reads; the first byte of a request starts its time.
func (c *conn) Read(b []byte) (int, error) {
	if c.between {
		return c.receive(b)
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.begin()
	}
	return n, err
}

// begin starts the time of a request, if it has not begun.
func (c *conn) begin() {
	if due := c.due.Load(); due != fired {
		if phase := due & (1<<phaseBits - 1); phase == phaseIdle || phase == phaseSilent {
			c.enter(phaseReading, c.all.read)
		}
	}
}

// rest returns the value of due for an idle connection.
func (c *conn) rest() int64 {
	wait := c.all.idle
	if c.lost.Load() {
		wait = 0
	}
	return c.all.after(wait)<<phaseBits | phaseIdle
}

// work begins the phase in which a request is answered, which has no timeout.
func (c *conn) work() {
	if c.due.Swap(noEnd<<phaseBits|phaseWorking) == fired { // after the request's last byte
		c.unfire()
	}
}

// unfire takes back the deadline that fire set, so that the connection can be
// read again.
func (c *conn) unfire() {
	if c.Conn == nil {
		return
	}
	c.mu.Lock()
	_ = c.Conn.SetReadDeadline(time.Time{})
	c.mu.Unlock()
}

// turn is fasthttp's hook for the connection's states. Between StateIdle and
// StateActive fasthttp waits for the first byte of a request.
func (c *conn) turn(state fasthttp.ConnState) {
	c.between = state == fasthttp.StateIdle
	if c.between {
		c.sent()
	}
}

// sent gives back to the budget of answers what the last answer took of it.
func (c *conn) sent() {
	if n := c.awaited.Swap(0); n > 0 {
		c.listener.server.answers.give(n)
	}
}

// Write writes; after an answer the connection is idle.
func (c *conn) Write(b []byte) (int, error) {
	before := c.enter(phaseWriting, c.all.write)
	n, err := c.Conn.Write(b)
	switch {
	case c.answered:
		c.answered = false
		if before == fired { // between the request's last byte and its answer
			c.unfire()
		}
		c.due.Store(c.rest())
	case before != fired: // `100 Continue`, or a further piece of an answer
		c.due.Store(before)
	}
	return n, err
}

// Close closes the connection once. Where linger is set it first reads what the
// client still sends, since closing with unread bytes makes the system drop the
// answer. During phaseRepeat it only notes that answerRepeat is to end the
// connection.
func (c *conn) Close() (err error) {
	for due := c.due.Load(); due > 0 && due&(1<<phaseBits-1) == phaseRepeat; due = c.due.Load() {
		if c.due.CompareAndSwap(due, closing) {
			return nil
		}
	}
	c.once.Do(func() {
		c.due.Store(0)
		if c.linger.Load() {
			drain(c.Conn)
		}
		err = c.Conn.Close()
		c.sent()
		c.all.remove(c)
	})
	return err
}

// drain closes the writing side, and reads for lingerTime at most.
func drain(c net.Conn) {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c, lingerBytes)
}

// The bounds of drain.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 8 << 20
)

// refusers bounds the connections without a place that are being refused with
// care; beyond, they are closed at once.
const refusers = 64

const tooManyConnections = "too many connections; use fewer, or raise -max-connections"

// refuse answers 429 without waiting for a request.
func (s *Server) refuse(c net.Conn) {
	s.shared.answered(endpointOther, 429, nil)
	select {
	case s.refusing <- struct{}{}:
	default:
		_ = c.Close()
		return
	}
	go func() {
		defer func() { <-s.refusing }()
		defer c.Close()
		_ = c.SetWriteDeadline(time.Now().Add(lingerTime))
		if _, err := io.WriteString(c, tooManyWire); err == nil {
			drain(c)
		}
	}()
}
