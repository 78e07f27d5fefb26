package sidecar

import (
	"bytes"
	"time"
)

// task is the work on one request, as far as it takes turns and may be stopped.
// The zero task is of work that has not begun.
type task struct {
	server  *Server
	conn    *conn
	until   time.Time     // when the slice ends
	asked   time.Time     // when it was last looked whether the client is there
	working time.Time     // when the present turn began, zero without one
	worked  time.Duration // the length of the turns before it
	first   bool          // it is counted in Server.first
	stopped stop
}

// stop is why work ended early.
type stop uint8

const (
	goesOn     stop = iota
	clientGone      // nobody waits for the answer
	serverEnds      // Shutdown was called
	noRoom          // the answer does not fit the budget of answers
)

// askEvery is how often it is looked whether the client of long work is there.
const askEvery = 20 * time.Millisecond

// atOnce is how many tasks may be in their first slice, for which they need no
// turn. Further ones take a turn from their start, so that a crowd does not keep
// the processors from everyone else.
const atOnce = 8

// begin starts the work on a request that was there at the time at. It returns
// false if the work is to stop already.
func (t *task) begin(s *Server, c *conn, at time.Time, body []byte) bool {
	*t = task{server: s, conn: c, until: at.Add(slice), asked: at}
	if s.first.Add(1) <= atOnce {
		t.first = true
		return true
	}
	s.first.Add(-1)
	return t.turn(likelyOrg(body), at)
}

// likelyOrg returns the first organization that a body seems to name. It is used
// for nothing but the line in which work waits before its body is decoded.
func likelyOrg(body []byte) string {
	const member = `"org":`
	at := bytes.Index(body, []byte(member))
	if at < 0 {
		return ""
	}
	rest := bytes.TrimLeft(body[at+len(member):], " \t\r\n")
	if len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	rest = rest[1:min(len(rest), 66)]
	end := bytes.IndexByte(rest, '"')
	return string(rest[:max(end, 0)])
}

// goOn is called between items of the work, with the organization for which the
// next one is. It waits for its turn when a slice is over, and returns false if
// the work is to stop.
func (t *task) goOn(org string) bool {
	if t.stopped != goesOn {
		return false
	}
	now := time.Now()
	if now.Before(t.until) {
		return true
	}
	return t.turn(org, now)
}

// turn ends the slice, if there is one, and waits for a turn. Work that is long
// from its start begins with it. It returns false if the work is to stop.
func (t *task) turn(org string, now time.Time) bool {
	t.leaveFirst()
	var wait <-chan struct{}
	if t.working.IsZero() {
		wait = t.server.turns.take(org)
	} else {
		wait = t.server.turns.pass(org)
		t.worked += now.Sub(t.working)
	}
	t.working = time.Time{}
	if wait != nil && !t.wait(org, wait) {
		return false
	}
	if wait != nil {
		now = time.Now()
	}
	t.working, t.until = now, now.Add(slice)
	return t.wanted(now)
}

// leaveFirst ends the first slice.
func (t *task) leaveFirst() {
	if t.first {
		t.first = false
		t.server.first.Add(-1)
	}
}

// wait waits until the turn begins. It returns false if the work is to stop.
func (t *task) wait(org string, turn <-chan struct{}) bool {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		select {
		case <-turn:
			return true
		case <-t.server.ended:
		case <-ticker.C:
		}
		if !t.wanted(time.Now()) {
			t.server.turns.leave(org, turn)
			return false
		}
	}
}

// wanted reports whether the answer is still to be made.
func (t *task) wanted(now time.Time) bool {
	if t.server.ending.Load() {
		t.stopped = serverEnds
		return false
	}
	if now.Sub(t.asked) >= askEvery {
		t.asked = now
		if t.conn != nil && gone(t.conn.Conn) {
			t.stopped = clientGone
			return false
		}
	}
	return true
}

// end ends the task, and its slice or turn.
func (t *task) end() {
	t.leaveFirst()
	if !t.working.IsZero() {
		t.server.turns.give()
	}
	*t = task{}
}

// message says to a client why there is no answer.
func (s stop) message() string {
	switch s {
	case clientGone:
		return "the client closed its side of the connection before the answer was ready; keep it open until the answer is there"
	case serverEnds:
		return "the server is shutting down; ask again later"
	}
	return "the server holds as much of large answers as it may; read answers as they come, ask for less at a time, or ask again later"
}
