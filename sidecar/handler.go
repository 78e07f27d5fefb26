package sidecar

import (
	"bytes"
	"time"

	"github.com/valyala/fasthttp"
)

// handle answers one request.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	c, _ := ctx.Conn().(*conn)
	defer s.recovered(ctx)
	var h headers
	at, status := s.judged(ctx, c, &h)
	var b body
	var st *state
	defer func() {
		s.release(&b)
		if st != nil { // the handler panicked
			st.settle()
			st.task.end()
		}
	}()
	if status == 0 && at.method() == "POST" {
		b, status = s.receive(ctx)
	} else {
		b.unread = ctx.RequestBodyStream() != nil
	}
	began := time.Now()
	st = s.states.Get().(*state)
	st.headers, st.conn, st.beyond = h, c, 0
	if at.probe() {
		st.beyond = probeBytes
	}
	if c != nil {
		c.work()
		if c.listener.watch {
			st.beyond = 2 * probeBytes
		}
		if c.reserved { // its place is for another probe
			ctx.SetConnectionClose()
		}
	}
	if status == 0 {
		status = s.answer(ctx, st, at, b.bytes, began)
	}
	if b.unread {
		ctx.SetConnectionClose()
		if c != nil && status != 408 {
			c.linger.Store(true)
		}
	}
	if at == endpointEvaluation && status == 200 { // single has counted it
		if c != nil {
			c.repeat.keep(&ctx.Request.Header, &h)
		}
	} else {
		st.count.requests[at][codeOf(status)].Add(1)
	}
	st.count.observe(at, time.Since(began))
	s.putState(st)
	st = nil
}

const (
	pathEvaluation  = "/access/v1/evaluation"
	pathEvaluations = "/access/v1/evaluations"
	pathMetadata    = "/.well-known/authzen-configuration"

	pathSearchSubject  = "/access/v1/search/subject"
	pathSearchResource = "/access/v1/search/resource"
	pathSearchAction   = "/access/v1/search/action"
)

// find tells which endpoint a request's target names: the path as it was sent,
// byte for byte. Nothing is decoded or cleaned, so that no proxy in front can
// take one path for another.
func find(target []byte) endpoint {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	switch string(target) {
	case pathEvaluation:
		return endpointEvaluation
	case pathEvaluations:
		return endpointEvaluations
	case pathSearchSubject:
		return endpointSearchSubject
	case pathSearchResource:
		return endpointSearchResource
	case pathSearchAction:
		return endpointSearchAction
	case pathMetadata:
		return endpointMetadata
	case "/healthz":
		return endpointHealth
	case "/readyz":
		return endpointReady
	case "/v1/status":
		return endpointStatus
	case "/metrics":
		return endpointMetrics
	}
	return endpointOther
}

// method is what the endpoint is asked with.
func (e endpoint) method() string {
	switch e {
	case endpointMetadata, endpointHealth, endpointReady, endpointStatus, endpointMetrics:
		return "GET"
	}
	return "POST"
}

// probe reports that the endpoint is for those who watch the process: it is
// answered when others are not any more.
func (e endpoint) probe() bool {
	return e == endpointHealth || e == endpointReady || e == endpointMetrics
}

// answer answers a request whose head was judged and whose body is there; it
// returns the status.
func (s *Server) answer(ctx *fasthttp.RequestCtx, st *state, at endpoint, body []byte, began time.Time) int {
	switch at {
	case endpointEvaluation, endpointEvaluations:
		return s.access(ctx, st, at, body, began)
	case endpointSearchSubject, endpointSearchResource, endpointSearchAction:
		return s.search(ctx, st, at, body, began)
	case endpointMetadata:
		return s.metadata(ctx, st)
	case endpointReady:
		return s.ready(ctx, st)
	case endpointStatus:
		return s.status(ctx, st)
	case endpointMetrics:
		return s.metrics(ctx, st)
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.Response.SetBodyString(`{"status":"ok"}`) // endpointHealth
	return 200
}

// refuse is fail, and returns the status.
func refuse(ctx *fasthttp.RequestCtx, status int, message string) int {
	fail(ctx, status, message)
	return status
}
