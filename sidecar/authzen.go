package sidecar

import (
	"time"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/request"
	"postern/policy"
)

// access answers the two evaluation endpoints. The snapshot is loaded once, so
// that a batch is of one generation, and so is the clock.
func (s *Server) access(ctx *fasthttp.RequestCtx, st *state, at endpoint, body []byte, began time.Time) int {
	explain := string(st.headers.explain) == "true"
	snapshot, refused := s.asked(ctx, st)
	if refused != 0 {
		return refused
	}
	now := s.now(began)
	if (explain || at == endpointEvaluations) && !st.task.begin(s, st.conn, began, body) {
		return st.task.unfinished(ctx)
	}
	if at == endpointEvaluations {
		return s.evaluations(ctx, st, snapshot, body, now, explain)
	}
	r, err := st.decoder.Evaluation(body, now)
	if err != nil {
		return refuse(ctx, 400, err.Error())
	}
	v, status := s.evaluation(ctx, st, snapshot, r, explain)
	if status == 200 {
		st.count.single[v].Add(1)
	}
	return status
}

// asked checks what holds for every question, and returns the snapshot that
// answers it; or the status of the refusal, which is answered then.
func (s *Server) asked(ctx *fasthttp.RequestCtx, st *state) (snapshot *index.Snapshot, refused int) {
	if st.headers.explain != nil && s.config.ExplainOff {
		return nil, refuse(ctx, 403, "explanations are switched off; ask without X-Postern-Explain")
	}
	if snapshot = s.config.Current.Load(); snapshot == nil {
		ctx.Response.Header.Set("Retry-After", "1")
		return nil, refuse(ctx, 503, "no policies are in force yet; see /readyz")
	}
	if !isJSON(ctx.Request.Header.ContentType()) {
		return nil, refuse(ctx, 400, "the body has to be JSON, and say so: send Content-Type: application/json")
	}
	return snapshot, 0
}

// now is the clock of a decision, in seconds since 1970.
func (s *Server) now(began time.Time) int64 {
	if s.config.Now != nil {
		return s.config.Now().Unix()
	}
	return began.Unix()
}

// evaluation answers one request, and returns its verdict and the status.
func (s *Server) evaluation(ctx *fasthttp.RequestCtx, st *state, snapshot *index.Snapshot, r *policy.Request, explain bool) (verdict, int) {
	ctx.Response.Header.SetContentType("application/json")
	var d policy.Decision
	if explain {
		if !st.task.turn(r.Principal.Org, time.Now()) {
			return 0, st.task.unfinished(ctx)
		}
		e := snapshot.Explain(r)
		d = e.Decision
		st.buf = appendExplanation(st.buf[:0], &e, explainBytes)
	} else {
		d = snapshot.Decide(r, &st.scratch)
		if d.Outcome == policy.Allow && d.MaxOpenSeconds == 0 {
			ctx.Response.SetBodyRaw(allowedBody)
			return verdictOf(d), 200
		}
		st.buf = appendDecision(st.buf[:0], d)
	}
	return verdictOf(d), st.answer(ctx, 200)
}

var allowedBody = []byte(allowed)

// evaluations answers a batch.
func (s *Server) evaluations(ctx *fasthttp.RequestCtx, st *state, snapshot *index.Snapshot, body []byte, now int64, explain bool) int {
	st.batch.snapshot, st.batch.explain = snapshot, explain
	st.Restart()
	single, semantic, err := st.decoder.Evaluations(body, now, st)
	if err != nil {
		return refuse(ctx, 400, err.Error())
	}
	if single != nil {
		v, status := s.evaluation(ctx, st, snapshot, single, explain)
		if status == 200 {
			st.count.batched[v].Add(1)
		}
		return status
	}
	if st.task.stopped != goesOn {
		return st.task.unfinished(ctx)
	}
	verdicts := st.batch.finish(st, semantic)
	ctx.Response.Header.SetContentType("application/json")
	st.buf = append(st.buf, "]}"...)
	status := st.answer(ctx, 200)
	if status == 200 {
		for _, v := range verdicts {
			st.count.batched[v].Add(1)
		}
	}
	return status
}

// answer makes the state's buffer the answer's body, and returns the status;
// 503, with another body, if the answer is large and there is no room for it
// until its client has read it.
func (st *state) answer(ctx *fasthttp.RequestCtx, status int) int {
	if len(st.buf) <= freeBytes {
		ctx.Response.SetStatusCode(status)
		ctx.Response.SetBody(st.buf)
		return status
	}
	if !st.fits() {
		return st.task.unfinished(ctx)
	}
	ctx.Response.SetStatusCode(status)
	ctx.Response.SetBodyRaw(st.buf) // copied, it would stay with the connection
	st.buf = nil
	if st.conn != nil {
		st.conn.awaited.Add(st.charged)
		st.charged = 0
	}
	return status
}

// fits takes from the budget of answers what the state's buffer has grown by;
// false, and the work stops, if there is no room.
func (st *state) fits() bool {
	if n := int64(cap(st.buf)); n > freeBytes && n > st.charged {
		if !st.server.answers.take(n-st.charged, st.charged, st.beyond) {
			st.task.stopped = noRoom
			return false
		}
		st.charged = n
	}
	return true
}

// settle gives back what the buffer has taken, if no connection has it.
func (st *state) settle() {
	if st.charged > 0 {
		st.server.answers.give(st.charged)
		st.charged = 0
	}
}

// The bounds of what explains one answer, all items of a batch together
// (specification 3.2): without them each of a thousand items could have as much
// as a single request. Items past them are decided, and say that they are
// truncated.
const (
	batchLooks   = 100_000 // statements that are looked at for a batch
	explainBytes = 1 << 20
)

// batch is what a state knows of the batch being answered. The answers so far
// are in state.buf.
type batch struct {
	snapshot *index.Snapshot
	explain  bool
	looked   int       // at how many statements, to explain
	verdicts []verdict // of each item so far
	// first holds the ends of the answers up to the first deny and the first
	// allow: in items and in bytes, 0 while there is none.
	first [2]struct{ items, bytes int }
}

// Restart begins the answer of a batch (request.Visitor).
func (st *state) Restart() {
	st.buf = append(st.buf[:0], `{"evaluations":[`...)
	st.batch.verdicts = st.batch.verdicts[:0]
	st.batch.looked = 0
	clear(st.batch.first[:])
}

// Item answers one item of a batch (request.Visitor).
func (st *state) Item(r *policy.Request, err error) (allow bool) {
	b := &st.batch
	org := ""
	if r != nil {
		org = r.Principal.Org
	}
	if !st.task.goOn(org) || !st.fits() {
		return false
	}
	if len(b.verdicts) > 0 {
		st.buf = append(st.buf, ',')
	}
	var d policy.Decision
	switch {
	case err != nil:
		st.buf = appendItemError(st.buf, err.Error())
	case b.explain && b.looked < batchLooks && len(st.buf) < explainBytes:
		e := b.snapshot.Explain(r)
		d = e.Decision
		b.looked += e.Looked
		st.buf = appendExplanation(st.buf, &e, explainBytes-len(st.buf))
	case b.explain:
		d = b.snapshot.Decide(r, &st.scratch)
		st.buf = appendExplanation(st.buf, &policy.Explanation{Decision: d, Digest: b.snapshot.Digest(), Truncated: true}, explainBytes)
	default:
		d = b.snapshot.Decide(r, &st.scratch)
		st.buf = appendDecision(st.buf, d)
	}
	b.verdicts = append(b.verdicts, verdictOf(d))
	allow = d.Outcome == policy.Allow
	which := 0
	if allow {
		which = 1
	}
	if f := &b.first[which]; f.items == 0 {
		f.items, f.bytes = len(b.verdicts), len(st.buf)
	}
	return allow
}

// finish drops the answers after the deciding one, and returns the verdicts of
// the rest.
func (b *batch) finish(st *state, semantic request.Semantic) []verdict {
	for which, f := range b.first {
		if f.items > 0 && semantic.Decides(which == 1) {
			st.buf = st.buf[:f.bytes]
			return b.verdicts[:f.items]
		}
	}
	return b.verdicts
}
