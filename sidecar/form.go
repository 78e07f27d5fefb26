package sidecar

import (
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// A proxy's heads are of one form on a connection: the same headers in the same order,
// of which some say the same each time, and others what is asked and by whom. When a
// head of the form of the last one comes, its door answers it where it was received,
// as those of repeat.go are.
//
// No second reader of HTTP stands behind this either: what tells how long a request
// is, where it goes and who may send it is compared byte for byte. Only the values of
// headers that HTTP knows nothing of may differ (freeValue), by printable ASCII, which
// ends no line. Everything else is left to fasthttp, from its first byte.

// form is the head whose form may come again.
type form struct {
	head  []byte     // as it came; its first line is formLine
	lines []formPart // all behind the first; none while there is no head
	at    endpoint
	shown credentials
	// unused counts the heads in a row that were kept and whose form did not come again.
	unused uint8
}

// formPart is a line of a head.
type formPart struct {
	end  int // where it ends in the head
	free int // how many bytes of it come again if its value may differ; else 0
}

// maxForm bounds a head that is kept, in bytes.
const maxForm = 4 << 10

// formLine is the first line of each head that is kept.
const formLine = "GET " + pathAuthorize + " HTTP/1.1\r\n"

// match returns the lines of a request's head, with the empty one at their end, if the
// request is a head of the form to its last byte, and nothing else; else nil.
func (f *form) match(request []byte) []byte {
	if len(f.lines) == 0 || len(request) < len(formLine) || string(request[:len(formLine)]) != formLine {
		return nil
	}
	at, from := len(formLine), len(formLine)
	for i := range f.lines {
		l := &f.lines[i]
		kept := f.head[from:l.end]
		from = l.end
		if rest := request[at:]; len(rest) >= len(kept) && string(rest[:len(kept)]) == string(kept) {
			at += len(kept)
			continue
		} else if l.free == 0 || len(rest) < l.free || string(rest[:l.free]) != string(kept[:l.free]) {
			return nil
		}
		at += l.free
		for at < len(request) && ' ' <= request[at] && request[at] <= '~' {
			at++
		}
		if len(request)-at < 2 || request[at] != '\r' || request[at+1] != '\n' {
			return nil
		}
		at += 2
	}
	if string(request[at:]) != "\r\n" {
		return nil
	}
	return request[len(formLine):]
}

// keep remembers the head of a request that forward-auth has answered; h is what was
// read of it. A head that asks for anything more, or announces a body, is not kept.
func (f *form) keep(at endpoint, head *fasthttp.RequestHeader, h *headers) {
	raw := head.RawHeaders()
	if f.unused == maxUnused || len(raw) > maxForm || h.requestID != nil || h.expect || h.length || h.transfer || h.close || h.origin ||
		!head.IsHTTP11() || string(head.Method()) != "GET" || string(head.RequestURI()) != pathAuthorize {
		return
	}
	f.head = append(append(f.head[:0], formLine...), raw...)
	f.lines = f.lines[:0]
	for from := len(formLine); ; {
		line := view(f.head[from:])
		length := strings.IndexByte(line, '\n') + 1
		if length < 2 || line[length-2] != '\r' {
			f.lines = f.lines[:0]
			return
		}
		if length == 2 {
			if len(line) != 2 {
				f.lines = f.lines[:0]
			}
			break
		}
		part := formPart{end: from + length}
		if colon := strings.IndexByte(line[:length], ':'); colon > 0 && freeValue(line[:colon]) {
			part.free = colon + 1
		}
		f.lines = append(f.lines, part)
		from = part.end
	}
	f.unused++
	f.at = at
	f.shown.keep(&h.credentials)
}

// freeValue reports that a header says nothing to HTTP, nor to judge.
func freeValue(name string) bool {
	for _, beginning := range [...]string{"x-amz-", "x-original-", "x-forwarded-"} {
		if len(name) > len(beginning) && equalFold(name[:len(beginning)], beginning) {
			return true
		}
	}
	for _, whole := range [...]string{"authorization", "user-agent", "referer", "range", "x-postern-org", "x-postern-principal", "x-postern-principals", "x-postern-groups", "x-client-cert", "x-client-verify"} {
		if equalFold(name, whole) {
			return true
		}
	}
	return false
}

// formed answers a head of the kept form, and counts it. It returns the whole answer;
// nil, and nothing counted, if the handler is to answer.
func (s *Server) formed(c *conn, lines []byte) (answer []byte) {
	// The handler meets the same panic when it is asked the same, and answers it.
	defer func() {
		if recover() != nil {
			answer = nil
		}
	}()
	f := &c.form
	if d := &s.config.Doors; d.Secrets != nil && !d.admits(f.shown.secret) {
		return nil // judge knows who may ask without
	}
	x := s.begin(f.at, nil, time.Now())
	x.conn, x.lines, x.headers.credentials = c, lines, f.shown
	r := x.logged(x.answer())
	c.wire = s.appendForward(c.wire[:0], x.began, x.notes.made, &r)
	x.counted(r.status)
	x.conn, x.lines, x.headers = nil, nil, headers{}
	x.keep()
	return c.wire
}
