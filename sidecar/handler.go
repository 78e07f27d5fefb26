package sidecar

import (
	"bytes"
	"time"

	"github.com/valyala/fasthttp"
)

// handle answers one request.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	c, _ := ctx.Conn().(*conn)
	if c != nil {
		c.answered = true
	}
	defer s.recovered(ctx)
	began := ctx.Time()
	if began.IsZero() { // not called by a server
		began = time.Now()
	}
	st := s.states.Get().(*state)
	at, status := s.route(ctx, st, began)
	if id := st.headers.requestID; id != nil && len(id) <= maxRequestID {
		ctx.Response.Header.SetBytesV("X-Request-ID", id)
	}
	if at == endpointEvaluation && status == 200 { // single has counted it
		if c != nil {
			c.repeat.keep(&ctx.Request.Header, &st.headers)
		}
	} else {
		st.count.requests[at][codeOf(status)].Add(1)
	}
	st.count.observe(time.Since(began))
	ctx.Request.ReleaseBody(keepBody)
	s.release(st)
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
func find(target []byte) (endpoint, string) {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	switch string(target) {
	case pathEvaluation:
		return endpointEvaluation, "POST"
	case pathEvaluations:
		return endpointEvaluations, "POST"
	case pathSearchSubject:
		return endpointSearchSubject, "POST"
	case pathSearchResource:
		return endpointSearchResource, "POST"
	case pathSearchAction:
		return endpointSearchAction, "POST"
	case pathMetadata:
		return endpointMetadata, "GET"
	case "/healthz":
		return endpointHealth, "GET"
	case "/readyz":
		return endpointReady, "GET"
	case "/v1/status":
		return endpointStatus, "GET"
	case "/metrics":
		return endpointMetrics, "GET"
	}
	return endpointOther, ""
}

// route answers a request; it returns what to count it as.
func (s *Server) route(ctx *fasthttp.RequestCtx, st *state, began time.Time) (endpoint, int) {
	h := &st.headers
	h.read(ctx.Request.Header.RawHeaders())
	at, method := find(ctx.Request.Header.RequestURI())
	if !ctx.Request.Header.IsHTTP11() && string(ctx.Request.Header.Protocol()) != "HTTP/1.0" {
		h.framing = "this server speaks HTTP/1.1"
	}
	if h.close { // fasthttp knows only the exact value `close`
		ctx.SetConnectionClose()
	}
	if h.framing != "" {
		ctx.SetConnectionClose()
		return at, refuse(ctx, 400, h.framing)
	}
	if refusal := s.mayAsk(ctx, h); refusal != "" {
		return at, refuse(ctx, 403, refusal)
	}
	if at == endpointOther {
		return at, refuse(ctx, 404, "there is no such endpoint; see "+pathMetadata)
	}
	if string(ctx.Request.Header.Method()) != method {
		ctx.Response.Header.Set("Allow", method)
		return at, refuse(ctx, 405, "this endpoint answers "+method)
	}
	switch at {
	case endpointEvaluation, endpointEvaluations:
		return at, s.access(ctx, st, at, began)
	case endpointSearchSubject, endpointSearchResource, endpointSearchAction:
		return at, s.search(ctx, st, at, began)
	case endpointMetadata:
		return at, s.metadata(ctx, st)
	case endpointHealth:
		ctx.Response.Header.SetContentType("application/json")
		ctx.Response.SetBodyString(`{"status":"ok"}`)
	case endpointReady:
		return at, s.ready(ctx, st)
	case endpointStatus:
		return at, s.status(ctx, st)
	case endpointMetrics:
		return at, s.metrics(ctx)
	}
	return at, 200
}

// refuse is fail, and returns the status.
func refuse(ctx *fasthttp.RequestCtx, status int, message string) int {
	fail(ctx, status, message)
	return status
}
