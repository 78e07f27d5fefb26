package sidecar

import (
	"bytes"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// A client that keeps its connection sends the same head with each evaluation, byte
// for byte, but for the digits of Content-Length; so does an object store with each
// question to its door. Reading a head and writing one costs fasthttp about as much
// as decoding and deciding cost together; so a head is read once. When the last one of
// its connection comes again, the request is decided where it was received.
//
// No second reader of HTTP stands behind this, which could read a request
// differently: bytes are compared, and equal bytes have been read by fasthttp
// and passed by judge. Whatever is not one whole request of that head, with
// nothing behind it, and a body that is answered 200 is left to fasthttp, from
// its first byte.

// repeat is the head that may come again.
type repeat struct {
	// before and after are what stands around the digits of Content-Length;
	// both are empty while there is no head.
	before, after []byte
	// at is the endpoint that was asked. shown are the credentials of the head; a
	// store's door looks at them with each request anew, since secrets change.
	at    endpoint
	shown credentials
	// unused counts the heads in a row that were kept and did not come again.
	unused uint8
}

// The bounds of what is kept.
const (
	maxRepeat = 2 << 10 // bytes of a head
	// maxUnused is how many heads in a row are kept of a connection without
	// coming again. Then no more is kept: its heads differ, as where each holds a
	// trace.
	maxUnused = 8
)

// body returns the body of a request that has the kept head, nil if it is not
// one such request to its last byte.
func (r *repeat) body(request []byte) []byte {
	n := len(r.before)
	if n == 0 || len(request) < n || string(request[:n]) != string(r.before) {
		return nil
	}
	length, i := 0, n
	for ; i < len(request) && i < n+5 && '0' <= request[i] && request[i] <= '9'; i++ {
		length = length*10 + int(request[i]-'0')
	}
	head := i + len(r.after)
	if length == 0 || request[n] == '0' || head+length != len(request) || string(request[i:head]) != string(r.after) {
		return nil
	}
	return request[head:]
}

// keep remembers the head of a request that an endpoint which repeats has answered
// 200, on the plain path; h is what was read of it. A head that asks for anything
// more is not kept.
func (r *repeat) keep(at endpoint, head *fasthttp.RequestHeader, h *headers) {
	raw := head.RawHeaders()
	if r.unused == maxUnused || len(raw) > maxRepeat || h.requestID != nil || h.explain != nil || h.expect ||
		!head.IsHTTP11() || string(head.RequestURI()) != table[at].path || !bytes.HasSuffix(raw, []byte("\r\n\r\n")) {
		return
	}
	from, to := lengthDigits(raw)
	if from == to {
		return
	}
	r.unused++
	r.before = append(append(append(r.before[:0], "POST "...), table[at].path...), " HTTP/1.1\r\n"...)
	r.before = append(r.before, raw[:from]...)
	r.after = append(r.after[:0], raw[to:]...)
	r.at = at
	r.shown.keep(&h.credentials)
}

// lengthDigits returns where the digits of Content-Length begin and end in the
// lines of a head, of which fasthttp lets only one have that name; the same
// place twice if there is none.
func lengthDigits(lines []byte) (from, to int) {
	for at := 0; at < len(lines); {
		end := at + bytes.IndexByte(lines[at:], '\n') + 1
		if v, ok := named(lines[at:end-1], "content-length"); ok {
			from = at + bytes.LastIndex(lines[at:end], v)
			return from, from + len(v)
		}
		at = end
	}
	return 0, 0
}

// receive reads the first bytes of a request, while fasthttp has none of it.
// It answers those that come with the kept head, and returns what is left to
// fasthttp.
func (c *conn) receive(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		var body []byte
		var q question
		formed := false
		if n > 0 && err == nil && !c.listener.server.ending.Load() { // an ending server's answers say `Connection: close`
			if body = c.repeat.body(b[:n]); body == nil {
				q, formed = c.form.match(b[:n])
			}
		}
		if body == nil && !formed {
			if n > 0 {
				c.begin()
			}
			return n, err
		}
		answered, err := c.answerRepeat(body, q)
		if err != nil {
			return 0, err
		}
		if !answered {
			return n, nil
		}
		if body != nil {
			c.repeat.unused = 0
		} else {
			c.form.unused = 0
		}
	}
}

// answerRepeat answers a request that came with the kept head, if the
// answer is 200, or with one of the kept form, which asks q; else fasthttp is to read
// the request. Shutdown, which takes the connection for an idle one, does not close it
// meanwhile (Close).
func (c *conn) answerRepeat(body []byte, q question) (answered bool, err error) {
	repeat := c.all.after(c.all.write)<<phaseBits | phaseRepeat
	before := c.due.Swap(repeat)
	next := c.all.after(c.all.read)<<phaseBits | phaseReading
	var answer []byte
	if body != nil {
		answer = c.listener.server.repeated(c, body)
	} else {
		answer = c.listener.server.formed(c, q)
	}
	if answer != nil {
		if _, err := c.Conn.Write(answer); err != nil {
			return false, err
		}
		answered = true
		next = c.rest()
	}
	if before == fired { // between the wait's end and the request
		c.unfire()
	}
	if !c.due.CompareAndSwap(repeat, next) { // Close came, or the write took too long
		return false, net.ErrClosed
	}
	return answered, nil
}

// repeated answers one request on the plain path, and counts it. It returns
// the whole answer, in a buffer of c's or one that never changes; nil, and
// nothing counted, if the answer is not 200.
func (s *Server) repeated(c *conn, body []byte) (answer []byte) {
	// The handler meets the same panic when it is asked the same, and answers it.
	defer func() {
		if recover() != nil {
			answer = nil
		}
	}()
	if len(body) > s.config.MaxBody {
		return nil
	}
	x := s.begin(c.repeat.at, body, time.Now())
	if x.at == endpointEvaluation {
		answer = x.repeatedEvaluation(c)
	} else {
		answer = x.repeatedQuestion(c)
	}
	x.conn = nil
	x.keep()
	return answer
}

func (x *exchange) repeatedEvaluation(c *conn) (answer []byte) {
	if !x.load() {
		return nil
	}
	r, err := x.decoder.Evaluation(x.body, x.now)
	if err != nil {
		return nil
	}
	x.buf = x.buf[:0]
	appendAnswer(x, r)
	if x.conn = c; !x.committed(nil) {
		return nil
	}
	return x.wire(c, x.buf)
}

// repeatedQuestion asks the door of a store as the handler does.
func (x *exchange) repeatedQuestion(c *conn) []byte {
	x.conn = c
	x.headers.credentials = c.repeat.shown
	r := x.logged(x.answer())
	x.headers = headers{}
	return x.wire(c, r.body) // a store's door answers nothing but 200
}

// wire is the whole answer 200, counted.
func (x *exchange) wire(c *conn, body []byte) []byte {
	c.wire = x.server.appendWire(c.wire[:0], x.began, x.notes.made, body)
	x.counted(200)
	return c.wire
}
