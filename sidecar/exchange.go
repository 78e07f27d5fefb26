package sidecar

import (
	"runtime"
	"time"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/request"
	"postern/policy"
)

// exchange is one request and the work on its answer, with the memory that this
// takes, which is kept between requests. One goroutine at a time has it.
type exchange struct {
	server *Server
	count  *counters

	// The request. It aliases the connection's buffers, and is valid until the
	// answer is written.
	at   endpoint
	conn *conn                   // nil if it came over none
	head *fasthttp.RequestHeader // nil if it came with the kept head (repeat.go), or of its form

	question question // what a head of the kept form asks (form.go); else zero
	headers  headers
	body     []byte
	began    time.Time // when it was there
	// What decides it: the snapshot, nil for a page, and the clock, in seconds
	// since 1970.
	snapshot *index.Snapshot
	now      int64

	decoder  request.Decoder
	scratch  index.Scratch
	asking   asking // of the doors of doors.go
	task     task
	batch    batch
	verdicts []verdict // what was decided, to be counted with the answer
	notes    notes     // the same, to be logged

	buf     []byte // the body of the answer
	charged int64  // what buf has taken of the budget of answers
	beyond  int64  // how far it may go beyond
}

func (s *Server) newExchange() *exchange {
	x := &exchange{server: s, count: s.blocks.take(), buf: make([]byte, 0, 512)}
	x.batch.x = x
	x.notes.begin(s.config.Log)
	runtime.AddCleanup(x, s.blocks.giveBack, x.count)
	return x
}

// begin returns an exchange for a request that is there.
func (s *Server) begin(at endpoint, body []byte, began time.Time) *exchange {
	x := s.exchanges.Get().(*exchange)
	x.at, x.body, x.began = at, body, began
	return x
}

// counted counts an answer that has been written.
func (x *exchange) counted(status int) {
	x.count.answered(x.at, status, x.verdicts)
	x.count.observe(x.at, time.Since(x.began))
}

// end ends the work of an exchange, and keeps it for another request.
func (x *exchange) end() {
	x.settle()
	x.task.end()
	if cap(x.buf) > freeBytes || x.buf == nil { // one large answer must not stay with many exchanges
		x.buf = make([]byte, 0, 512)
	}
	x.conn, x.head, x.headers, x.beyond = nil, nil, headers{}, 0
	x.keep()
}

// keep is end for a request that came with the kept head, which had no more of
// the exchange than what is cleared here.
func (x *exchange) keep() {
	x.body, x.snapshot = nil, nil
	x.forget()
	x.server.exchanges.Put(x)
}

// answer has the request answered by its endpoint.
func (x *exchange) answer() reply {
	row := &table[x.at]
	if row.page != nil {
		return row.page.show(x)
	}
	if !x.load() {
		return row.door.refuse(503, "no policies are in force yet; see /readyz")
	}
	return row.door.ask(x)
}

// load loads the snapshot and the clock, for a door; false before the first
// snapshot.
func (x *exchange) load() bool {
	x.now = x.began.Unix()
	if now := x.server.config.Now; now != nil {
		x.now = now().Unix()
	}
	x.snapshot = x.server.config.Current.Load()
	if x.server.config.Log != nil {
		x.server.introduce(x.snapshot)
	}
	return x.snapshot != nil
}

// decide decides a request of this exchange.
func (x *exchange) decide(r *policy.Request) policy.Decision {
	d := x.snapshot.Decide(r, &x.scratch)
	x.decided(d)
	if x.notes.log != nil {
		x.note(r, d, "")
	}
	return d
}

// explain is decide with the grounds. It allocates.
func (x *exchange) explain(r *policy.Request) policy.Explanation {
	e := x.snapshot.Explain(r)
	x.decided(e.Decision)
	if x.notes.log != nil {
		x.snapshot.Decide(r, &x.scratch) // for what explanations do not say
		x.note(r, e.Decision, "")
	}
	return e
}

// decided notes a decision, which counts if the answer that it stands in is
// written.
func (x *exchange) decided(d policy.Decision) { x.verdicts = append(x.verdicts, verdictOf(d)) }

// forget takes back what was decided: it does not count.
func (x *exchange) forget() {
	x.verdicts = x.verdicts[:0]
	x.notes.forget()
}

// work begins the work on an exchange that may take long; false if it is to stop
// already, and unfinished is the answer.
func (x *exchange) work() bool { return x.task.begin(x.server, x.conn, x.began, x.body) }

// unfinished is the answer to a request whose work was stopped. Nothing that was
// decided for it counts.
func (x *exchange) unfinished() reply {
	x.forget()
	r := refusal(x.at, 503, x.task.stopped.message())
	r.last = true
	return r
}

// fits takes from the budget of answers what the buffer, and the notes, have grown by; false, and
// the work stops, if there is no room.
func (x *exchange) fits() bool {
	n := int64(cap(x.buf))
	if notes := cap(x.notes.text); notes > keptNotes {
		n += int64(notes)
	}
	if n > freeBytes && n > x.charged {
		if !x.server.answers.take(n-x.charged, x.charged, x.beyond) {
			x.task.stopped = noRoom
			return false
		}
		x.charged = n
	}
	return true
}

// settle gives back what the buffer has taken, if no connection has it.
func (x *exchange) settle() {
	if x.charged > 0 {
		x.server.answers.give(x.charged)
		x.charged = 0
	}
}
