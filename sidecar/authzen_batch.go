package sidecar

import (
	"postern/index"
	"postern/internal/request"
	"postern/policy"
)

// batchDoor is the door of batches.
type batchDoor struct{ authzen }

func (e batchDoor) ask(x *exchange) reply {
	if status, message := e.head(x); status != 0 {
		return e.refuse(status, message)
	}
	if !x.work() {
		return x.unfinished()
	}
	b := &x.batch
	b.explain = e.explained(x)
	b.Restart()
	single, semantic, err := x.decoder.Evaluations(x.body, x.now, b)
	switch {
	case err != nil:
		x.forget()
		return e.refuse(400, err.Error())
	case single != nil:
		x.notes.batch = false
		return e.one(x, single)
	case x.task.stopped != goesOn:
		return x.unfinished()
	}
	b.finish(semantic)
	return x.json(200)
}

// The bounds of what explains the items of one batch, all together
// (specification 3.2): without them each of a thousand items could have as much
// as a single request. Items past them are decided, and say that they are
// truncated.
const (
	batchLooks   = 100_000 // statements that are looked at
	explainBytes = 1 << 20 // bytes of the answer; of a single one too
)

// batch is the batch that an exchange is answering (request.Visitor). The answers
// so far are in the exchange's buffer.
type batch struct {
	x       *exchange
	explain bool
	looked  int // at how many statements, to explain
	// first holds the ends of the answers up to the first deny and the first
	// allow: in items and in bytes, 0 while there is none.
	first [2]struct{ items, bytes int }
}

// Restart begins the answer.
func (b *batch) Restart() {
	b.x.buf = append(b.x.buf[:0], `{"evaluations":[`...)
	b.x.forget()
	b.x.notes.batch = true
	b.looked = 0
	clear(b.first[:])
}

// Ahead brings near what deciding an item needs.
func (b *batch) Ahead(r *policy.Request) {
	if !b.explain {
		b.x.snapshot.Ahead(r, &b.x.scratch)
	}
}

// A batch is asked ahead by as many items as the index wants.
var _ [request.Ahead - index.AheadBy]struct{} = [index.AheadBy - request.Ahead]struct{}{}

// Item answers one item.
func (b *batch) Item(r *policy.Request, err error) (allow bool) {
	x, org := b.x, ""
	if r != nil {
		org = r.Principal.Org
	}
	if !x.task.goOn(org) || !x.fits() {
		return false
	}
	if len(x.verdicts) > 0 {
		x.buf = append(x.buf, ',')
	}
	var d policy.Decision
	switch {
	case err != nil:
		x.decided(d)
		x.unasked(nil, denyRequest)
		x.buf = appendItemError(x.buf, err.Error())
	case !b.explain:
		d = appendAnswer(x, r)
	case b.looked < batchLooks && len(x.buf) < explainBytes:
		e := x.explain(r)
		d = e.Decision
		b.looked += e.Looked
		x.buf = appendExplanation(x.buf, &e, explainBytes-len(x.buf))
	default:
		d = x.decide(r)
		x.buf = appendExplanation(x.buf, &policy.Explanation{Decision: d, Digest: x.snapshot.Digest(), Truncated: true}, explainBytes)
	}
	allow = d.Outcome == policy.Allow
	which := 0
	if allow {
		which = 1
	}
	if f := &b.first[which]; f.items == 0 {
		f.items, f.bytes = len(x.verdicts), len(x.buf)
	}
	return allow
}

// finish drops the answers after the deciding one, and ends the body.
func (b *batch) finish(semantic request.Semantic) {
	for which, f := range b.first {
		if f.items > 0 && semantic.Decides(which == 1) {
			b.x.buf, b.x.verdicts = b.x.buf[:f.bytes], b.x.verdicts[:f.items]
			break
		}
	}
	b.x.buf = append(b.x.buf, "]}"...)
}
