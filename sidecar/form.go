package sidecar

import (
	"slices"
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
// ends no line; and where the first line is what is asked, as Envoy does it, the path
// below the door's own and the method, which is one of formMethods. Everything else is
// left to fasthttp, from its first byte.

// form is the head whose form may come again.
type form struct {
	head  []byte     // its lines as they came, but for the first
	lines []formPart // of head; none while there is no head
	// asks: the first line is what is asked; else it is formLine.
	asks  bool
	host  []byte // what fasthttp read as the host
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

// question is what forward-auth reads of the head of a request: the method and the
// target of its first line, its Host, and the lines behind the first, with the empty one
// at their end. All alias the head.
type question struct{ method, target, host, lines []byte }

// formLine is the first line of a head that is kept, where it asks nothing.
const (
	formLine = formMethod + " " + pathAuthorize + formEnd

	formMethod = "GET"
	formEnd    = " HTTP/1.1\r\n"
)

// formMethods are the methods that fasthttp reads alike where a request says that its
// body is empty, and whose answers it writes alike.
var formMethods = [...]string{"GET", "PUT", "POST", "DELETE"}

// first reads the first line of a head of the form; n is its length, 0 if it is of
// another.
func (f *form) first(request []byte) (q question, n int) {
	if !f.asks {
		if len(request) < len(formLine) || string(request[:len(formLine)]) != formLine {
			return q, 0
		}
		return question{method: request[:len(formMethod)], target: request[len(formMethod)+1:][:len(pathAuthorize)], host: f.host}, len(formLine)
	}
	for _, method := range formMethods {
		if len(request) <= len(method) || string(request[:len(method)]) != method || request[len(method)] != ' ' {
			continue
		}
		target := request[len(method)+1:]
		if len(target) <= len(pathAuthorize) || string(target[:len(pathAuthorize)]) != pathAuthorize || target[len(pathAuthorize)] != '/' {
			return q, 0
		}
		for n < len(target) && '!' <= target[n] && target[n] <= '~' {
			n++
		}
		if rest := target[n:]; len(rest) < len(formEnd) || string(rest[:len(formEnd)]) != formEnd {
			return q, 0
		}
		return question{method: request[:len(method)], target: target[:n], host: f.host}, len(method) + 1 + n + len(formEnd)
	}
	return q, 0
}

// match returns what is read of a request's head if the request is a head of the form to
// its last byte, and nothing else.
func (f *form) match(request []byte) (q question, ok bool) {
	if len(f.lines) == 0 {
		return q, false
	}
	q, at := f.first(request)
	if at == 0 {
		return q, false
	}
	q.lines = request[at:]
	from := 0
	for i := range f.lines {
		l := &f.lines[i]
		kept := f.head[from:l.end]
		from = l.end
		if rest := request[at:]; len(rest) >= len(kept) && string(rest[:len(kept)]) == string(kept) {
			at += len(kept)
			continue
		} else if l.free == 0 || len(rest) < l.free || string(rest[:l.free]) != string(kept[:l.free]) {
			return q, false
		}
		at += l.free
		for at < len(request) && ' ' <= request[at] && request[at] <= '~' {
			at++
		}
		if len(request)-at < 2 || request[at] != '\r' || request[at+1] != '\n' {
			return q, false
		}
		at += 2
	}
	return q, string(request[at:]) == "\r\n"
}

// keep remembers the head of a request that forward-auth has answered; h is what was
// read of it. A head that asks for anything more, or announces a body, is not kept. asks
// says that the first lines of such heads are what is asked: then the head has to say
// that its body is empty, since methods differ in what its silence means.
func (f *form) keep(at endpoint, head *fasthttp.RequestHeader, h *headers, asks bool) {
	raw := head.RawHeaders()
	if f.unused == maxUnused || len(raw) > maxForm || h.requestID != nil || h.expect || h.length != asks || h.transfer || h.close || h.origin || !head.IsHTTP11() {
		return
	}
	if asks {
		if head.ContentLength() != 0 || !slices.Contains(formMethods[:], view(head.Method())) || len(head.RequestURI()) == len(pathAuthorize) {
			return
		}
	} else if string(head.Method()) != formMethod || string(head.RequestURI()) != pathAuthorize {
		return
	}
	f.head = append(f.head[:0], raw...)
	f.lines = f.lines[:0]
	for from := 0; ; {
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
	f.at, f.asks = at, asks
	f.host = append(f.host[:0], head.Host()...)
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
func (s *Server) formed(c *conn, q question) (answer []byte) {
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
	x.conn, x.question, x.headers.credentials = c, q, f.shown
	r := x.logged(x.answer())
	c.wire = s.appendForward(c.wire[:0], x.began, x.notes.made, &r)
	x.counted(r.status)
	x.conn, x.question, x.headers = nil, question{}, headers{}
	x.keep()
	return c.wire
}
