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
func (s *Server) access(ctx *fasthttp.RequestCtx, st *state, at endpoint, began time.Time) int {
	explain := string(st.headers.explain) == "true"
	snapshot, refused := s.asked(ctx, st)
	if refused != 0 {
		return refused
	}
	now := s.now(began)
	body := ctx.Request.Body()
	if at == endpointEvaluations {
		return s.evaluations(ctx, st, snapshot, body, now, explain)
	}
	r, err := st.decoder.Evaluation(body, now)
	if err != nil {
		return refuse(ctx, 400, err.Error())
	}
	st.count.single[s.evaluation(ctx, st, snapshot, r, explain)].Add(1)
	return 200
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

// evaluation answers one request, and returns its verdict.
func (s *Server) evaluation(ctx *fasthttp.RequestCtx, st *state, snapshot *index.Snapshot, r *policy.Request, explain bool) uint8 {
	ctx.Response.Header.SetContentType("application/json")
	var d policy.Decision
	if explain {
		e := snapshot.Explain(r)
		d = e.Decision
		st.buf = appendExplanation(st.buf[:0], &e)
	} else {
		d = snapshot.Decide(r, &st.scratch)
		if d.Outcome == policy.Allow && d.MaxOpenSeconds == 0 {
			ctx.Response.SetBodyRaw(allowedBody)
			return verdictOf(d)
		}
		st.buf = appendDecision(st.buf[:0], d)
	}
	st.answer(ctx)
	return verdictOf(d)
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
		st.count.batched[s.evaluation(ctx, st, snapshot, single, explain)].Add(1)
		return 200
	}
	for _, v := range st.batch.finish(st, semantic) {
		st.count.batched[v].Add(1)
	}
	ctx.Response.Header.SetContentType("application/json")
	st.buf = append(st.buf, "]}"...)
	st.answer(ctx)
	return 200
}

// answer makes the state's buffer the answer's body.
func (st *state) answer(ctx *fasthttp.RequestCtx) {
	if len(st.buf) > keepAnswer { // copied, it would stay with the connection
		ctx.Response.SetBodyRaw(st.buf)
		st.buf = nil
		return
	}
	ctx.Response.SetBody(st.buf)
}

// batch is what a state knows of the batch being answered. The answers so far
// are in state.buf.
// batchLooks bounds the statements that are looked at to explain one batch:
// without it, each of a thousand items may look at as many as a single request
// (attack class 22). Items past it are decided, and say that they are truncated.
const batchLooks = 100_000

type batch struct {
	snapshot *index.Snapshot
	explain  bool
	looked   int     // at how many statements, to explain
	verdicts []uint8 // of each item so far
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
	if len(b.verdicts) > 0 {
		st.buf = append(st.buf, ',')
	}
	var d policy.Decision
	switch {
	case err != nil:
		st.buf = appendItemError(st.buf, err.Error())
	case b.explain && b.looked < batchLooks:
		e := b.snapshot.Explain(r)
		d = e.Decision
		b.looked += e.Looked
		st.buf = appendExplanation(st.buf, &e)
	case b.explain:
		d = b.snapshot.Decide(r, &st.scratch)
		st.buf = appendExplanation(st.buf, &policy.Explanation{Decision: d, Digest: b.snapshot.Digest(), Truncated: true})
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
func (b *batch) finish(st *state, semantic request.Semantic) []uint8 {
	for which, f := range b.first {
		if f.items > 0 && semantic.Decides(which == 1) {
			st.buf = st.buf[:f.bytes]
			return b.verdicts[:f.items]
		}
	}
	return b.verdicts
}
