package sidecar

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// Everything that the server answers is written in this file: nothing else
// touches a response (internal/house holds it to that).

// reply is the answer to a request, before it is written.
type reply struct {
	status      int
	contentType string
	// body is the exchange's buffer, or a text of at most freeBytes.
	body []byte
	// reason is the header X-Postern-Reason, for callers that read no body.
	reason string
	// retry: the same request may be answered in a second.
	retry bool
	// last: the connection ends with this answer.
	last bool
	// allows: a door of a proxy or store lets the request go on.
	allows bool
}

const typeJSON = "application/json"

// json is the answer of which the body, in JSON, is in the exchange's buffer.
func (x *exchange) json(status int) reply {
	return reply{status: status, contentType: typeJSON, body: x.buf}
}

// failure is the answer that no decision is in, as the HTTP API has it
// (specification 3.2, Errors).
func failure(status int, message string) reply {
	return reply{status: status, contentType: typeJSON, body: appendError(nil, message), retry: status == 429 || status == 503}
}

// refusal is the answer to a request that the endpoint does not see, or cannot
// answer, in the endpoint's form.
func refusal(at endpoint, status int, message string) reply {
	if d := table[at].door; d != nil {
		return d.refuse(status, message)
	}
	return failure(status, message)
}

// refuse writes a refusal, and returns its status.
func refuse(ctx *fasthttp.RequestCtx, at endpoint, status int, message string) int {
	r := refusal(at, status, message)
	return write(ctx, &r)
}

// write writes an answer whose body is short, and returns its status.
func write(ctx *fasthttp.RequestCtx, r *reply) int {
	writeHead(ctx, r)
	ctx.Response.SetBody(r.body)
	return r.status
}

func writeHead(ctx *fasthttp.RequestCtx, r *reply) {
	ctx.Response.SetStatusCode(r.status)
	ctx.Response.Header.SetContentType(r.contentType)
	if r.reason != "" {
		ctx.Response.Header.Set("X-Postern-Reason", r.reason)
	}
	if r.retry {
		ctx.Response.Header.Set("Retry-After", "1")
	}
	if r.last {
		ctx.SetConnectionClose()
	}
}

// respond writes the answer to the exchange, and returns its status; 503, with
// another body, if the answer is large and there is no room for it until its
// client has read it.
func (x *exchange) respond(ctx *fasthttp.RequestCtx, r *reply) int {
	if len(r.body) <= freeBytes {
		return write(ctx, r)
	}
	if !x.fits() {
		instead := x.unfinished()
		return write(ctx, &instead)
	}
	writeHead(ctx, r)
	ctx.Response.SetBodyRaw(r.body) // copied, it would stay with the connection
	x.buf = nil
	if x.conn != nil {
		x.conn.awaited.Add(x.charged)
		x.charged = 0
	}
	return r.status
}

// rewrite takes back what was answered so far, for a refusal that is to be
// written in its place.
func rewrite(ctx *fasthttp.RequestCtx) { ctx.Response.Reset() }

// echo gives back a request's X-Request-ID.
func echo(ctx *fasthttp.RequestCtx, id []byte) { ctx.Response.Header.SetBytesV("X-Request-ID", id) }

// allow says which method the endpoint answers.
func allow(ctx *fasthttp.RequestCtx, at endpoint) {
	ctx.Response.Header.Set("Allow", table[at].method)
}

// tooManyWire is the whole answer to a connection that has no place.
var tooManyWire = func() string {
	r := failure(429, tooManyConnections)
	return "HTTP/1.1 " + itoa(r.status) + " " + fasthttp.StatusMessage(r.status) + "\r\nContent-Type: " + r.contentType +
		"\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: " + itoa(len(r.body)) + "\r\n\r\n" + string(r.body)
}()

// wireHead is the head of answers 200 in one second, as fasthttp writes it.
type wireHead struct {
	second int64
	text   []byte // up to the digits of Content-Length
	date   int    // where the line of the date ends in it
}

// appendWire appends a whole answer 200 with a JSON body, as fasthttp would write
// it, with the request's id if it is not empty.
func (s *Server) appendWire(b []byte, now time.Time, id, body []byte) []byte {
	b = append(b, s.wireHeadOf(now).text...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	if len(id) > 0 {
		b = append(append(b, "\r\nX-Request-Id: "...), id...)
	}
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

// appendForward appends a whole answer of forward-auth, as fasthttp would write it, with
// an id if one was made for it.
func (s *Server) appendForward(b []byte, now time.Time, id []byte, r *reply) []byte {
	const before = "HTTP/1.1 200 OK"
	b = append(b, "HTTP/1.1 "...)
	b = append(strconv.AppendInt(b, int64(r.status), 10), ' ')
	b = append(b, fasthttp.StatusMessage(r.status)...)
	head := s.wireHeadOf(now)
	b = append(b, head.text[len(before):head.date]...)
	if len(r.body) > 0 {
		b = append(append(b, "\r\nContent-Type: "...), r.contentType...)
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.body)), 10)
	if len(id) > 0 {
		b = append(append(b, "\r\nX-Request-Id: "...), id...)
	}
	if r.reason != "" {
		b = append(append(b, "\r\nX-Postern-Reason: "...), r.reason...)
	}
	b = append(b, "\r\n\r\n"...)
	return append(b, r.body...)
}

func (s *Server) wireHeadOf(now time.Time) *wireHead {
	second := now.Unix()
	if h := s.wireHead.Load(); h != nil && h.second == second {
		return h
	}
	h := &wireHead{second: second, text: []byte("HTTP/1.1 200 OK\r\nDate: ")}
	h.text = fasthttp.AppendHTTPDate(h.text, now)
	h.date = len(h.text)
	h.text = append(h.text, "\r\nContent-Type: "+typeJSON+"\r\nContent-Length: "...)
	s.wireHead.Store(h)
	return h
}
