package sidecar

import (
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
	var x *exchange
	defer func() {
		s.release(&b)
		if x != nil { // the handler panicked
			x.settle()
			x.task.end()
		}
	}()
	if status == 0 && table[at].method == "POST" {
		b, status = s.receive(ctx, at)
	} else {
		b.unread = ctx.RequestBodyStream() != nil && ctx.Request.Header.ContentLength() != 0
	}
	x = s.begin(at, b.bytes, time.Now())
	x.head, x.headers, x.conn = &ctx.Request.Header, h, c
	if table[at].probe {
		x.beyond = probeBytes
	}
	if c != nil {
		c.work()
		if c.listener.watch {
			x.beyond = 2 * probeBytes
		}
		if c.reserved { // its place is for another probe
			ctx.SetConnectionClose()
		}
	}
	if status == 0 {
		r := x.logged(x.answer())
		if len(x.notes.made) > 0 {
			echo(ctx, x.notes.made)
		}
		status = x.respond(ctx, &r)
		switch {
		case c == nil:
		case table[at].repeats && status == 200:
			c.repeat.keep(at, &ctx.Request.Header, &h)
		case table[at].forms:
			c.form.keep(at, &ctx.Request.Header, &h, s.forward.uri == "")
		}
	}
	if b.unread {
		ctx.SetConnectionClose()
		if c != nil && status != 408 {
			c.linger.Store(true)
		}
	}
	x.counted(status)
	x.end()
	x = nil
}
