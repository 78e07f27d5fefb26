package sidecar

import (
	"errors"
	"io"
	"net"

	"github.com/valyala/fasthttp"
)

// A body is received after its request's head was judged (judge.go), into a
// buffer that grows with what has come: an announced length allocates nothing.

// prefetched is how much of a body fasthttp reads before the handler runs; it
// is the least that it can be told.
const prefetched = 1

// body is a request's body. Its bytes are valid until release.
type body struct {
	bytes  []byte
	buffer *buffer
	// unread: some of the body is still to come, so that nothing can be read
	// from the connection any more.
	unread bool
}

func (s *Server) release(b *body) {
	if b.buffer != nil {
		s.bodies.put(b.buffer)
		b.buffer = nil
	}
}

// receive reads the body of a request. If it cannot, it answers, and returns
// the status.
func (s *Server) receive(ctx *fasthttp.RequestCtx, at endpoint) (b body, refused int) {
	stream := ctx.RequestBodyStream()
	if stream == nil { // there is none, or it was read with its head
		b.bytes = ctx.Request.Body()
		return b, 0
	}
	b.unread = true
	length := ctx.Request.Header.ContentLength() // at most MaxBody: judge looked
	most := length
	if length < 0 { // chunked
		most = s.config.MaxBody + 1
	}
	b.buffer = s.bodies.small()
	for n := 0; ; {
		if n == length {
			b.unread = false
			b.bytes = b.buffer.b[:n]
			return b, 0
		}
		if n == len(b.buffer.b) {
			if b.buffer = s.bodies.grow(b.buffer); b.buffer == nil {
				return b, refuse(ctx, at, 503, "the server holds as much of large requests as it may; send this one again, or send smaller ones")
			}
		}
		got, err := stream.Read(b.buffer.b[n:min(most, len(b.buffer.b))])
		n += got
		switch {
		case n > s.config.MaxBody:
			return b, refuse(ctx, at, 413, s.tooLong())
		case err == nil || n == length:
		case err == io.EOF && length < 0:
			b.unread = false
			b.bytes = b.buffer.b[:n]
			return b, 0
		default:
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			status, message := s.unreadable(err)
			return b, refuse(ctx, at, status, message)
		}
	}
}

func (s *Server) tooLong() string {
	return "the body is longer than " + itoa(s.config.MaxBody) + " bytes; send less, or raise -max-body"
}

// unreadable says what to answer to a request that could not be read to its
// end.
func (s *Server) unreadable(err error) (status int, message string) {
	var small *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.As(err, &small):
		return 431, "the headers are longer than " + itoa(maxHeader) + " bytes"
	case errors.As(err, &network) && network.Timeout():
		return 408, "the request did not arrive in time"
	}
	return 400, misread(err)
}
