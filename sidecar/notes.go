package sidecar

import (
	"math"
	"time"

	"postern/index"
	"postern/internal/decisionlog"
	"postern/policy"
)

// Decisions are noted for the decision log where they are made, in exchange.decide
// and exchange.explain, whatever the door; what a door denies without a policy is
// noted by permitted and logged. The notes are handed over with the answer, in one
// place (committed), before it is written, since an answer that finds no room in
// the log may have to be refused.

// notes are the decisions of one answer.
type notes struct {
	log    *decisionlog.Log // nil if there is none
	source decisionlog.Source
	text   []byte
	n      int    // how many were noted, items of a batch aside
	denied bool   // one of them is a deny
	batch  bool   // they are of the items of a batch
	made   []byte // the id that was made for the answer; empty if the request had one
}

func (n *notes) begin(l *decisionlog.Log) {
	if n.log = l; l != nil {
		n.source = l.Source()
	}
}

func (n *notes) forget() {
	if n.log == nil {
		return
	}
	if cap(n.text) > keptNotes {
		n.text = nil
	}
	n.text, n.n, n.denied, n.batch, n.made = n.text[:0], 0, false, false, n.made[:0]
}

// maxNotes bounds the notes of one answer, in bytes: beyond, requests are left out.
// The items of a batch may share much of it, and say little themselves.
const maxNotes = 4 << 20

// keptNotes is the size of the largest memory for notes that stays with an exchange;
// larger ones are taken from the budget of answers.
const keptNotes = 64 << 10

// introduce tells the log of a snapshot.
func (s *Server) introduce(snapshot *index.Snapshot) {
	if snapshot != nil && s.introduced.Load() != snapshot {
		s.config.Log.Generation(&index.Grounded{Snapshot: snapshot})
		s.introduced.Store(snapshot)
	}
}

// note notes a decision about r, which is nil where it could not be read. why is
// why it was made without a policy.
func (x *exchange) note(r *policy.Request, d policy.Decision, why string) {
	note := decisionlog.Note{Request: r, Decision: d, Why: why, Item: x.notes.n, Cut: r != nil && len(x.notes.text) > maxNotes}
	if x.notes.batch {
		note.Item = len(x.verdicts) - 1
	}
	if why == "" {
		note.Caller, note.Owner = x.scratch.Effective()
	}
	x.notes.n++
	x.notes.denied = x.notes.denied || d.Outcome != policy.Allow
	x.notes.text = x.notes.log.Note(x.notes.text, &note)
}

// unasked notes a question that a door denies without asking a policy.
func (x *exchange) unasked(r *policy.Request, why string) {
	if x.notes.log != nil {
		x.note(r, policy.Decision{Generation: x.generation()}, why)
	}
}

// logged commits the notes of an answer, and returns it, or a refusal in its place.
// An answer of a proxy's or store's door that no note accounts for gets one.
func (x *exchange) logged(r reply) reply {
	if x.notes.log == nil || table[x.at].door == nil {
		return r
	}
	if len(r.body) > freeBytes && !x.fits() {
		return x.unfinished()
	}
	if table[x.at].metadata == "" && (x.notes.n == 0 || !r.allows && !x.notes.denied) {
		d := policy.Decision{Generation: x.generation()}
		why := r.reason
		switch {
		case r.allows:
			d.Outcome, why = policy.Allow, "root"
		case why == "":
			why = "refused"
		}
		x.note(nil, d, why)
	}
	if !x.committed(x.headers.requestID) {
		x.forget()
		return refusal(x.at, 503, "the decision log has no room, and nothing is decided that is not logged; ask again later")
	}
	return r
}

func (x *exchange) generation() uint64 {
	if x.snapshot == nil {
		return 0
	}
	return x.snapshot.Generation()
}

// committed hands the notes over, under the id of the request or one that is made;
// false if the answer must not be given.
func (x *exchange) committed(id []byte) bool {
	n := &x.notes
	if len(n.text) == 0 {
		return true
	}
	if len(id) == 0 || len(id) > maxRequestID {
		n.made = n.log.AppendID(n.made[:0], &n.source)
		id = n.made
	}
	a := decisionlog.Answer{Began: x.began, Duration: time.Since(x.began), ID: id, Door: table[x.at].name, Notes: n.text, Items: math.MaxInt, Batch: n.batch}
	if x.server.config.Now != nil {
		a.Began = time.Unix(x.now, 0)
	}
	if n.batch {
		a.Items = len(x.verdicts)
	}
	if x.conn != nil {
		a.Peer = x.conn.who()
	}
	return n.log.Commit(&n.source, &a)
}

// who says who is at the other end of a connection: the address, or of a Unix
// socket the user's number.
func (c *conn) who() []byte {
	if c.peer == nil {
		c.peer = []byte{}
		if c.Conn != nil {
			if c.listener.unix {
				c.peer = appendUser(c.peer, c.Conn)
			} else if a := c.Conn.RemoteAddr(); a != nil {
				c.peer = append(c.peer, a.String()...)
			}
		}
	}
	return c.peer
}
