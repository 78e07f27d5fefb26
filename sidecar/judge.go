package sidecar

import (
	"bytes"
	"net"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// judged refuses a request for what its head says, before any of its body is
// read. It answers, then, and returns the status; 0 if the head is fine.
func (s *Server) judged(ctx *fasthttp.RequestCtx, c *conn, h *headers) (endpoint, int) {
	if c != nil {
		c.answered = true
	}
	head := &ctx.Request.Header
	h.read(head.RawHeaders())
	if id := h.requestID; id != nil && len(id) <= maxRequestID {
		echo(ctx, id)
	}
	if h.close { // fasthttp knows only the exact value `close`
		ctx.SetConnectionClose()
	}
	at := s.find(head.RequestURI())
	l := noListener
	if c != nil {
		l = c.listener
	}
	status, message := s.judge(head, h, at, l, c)
	switch status {
	case 0:
		return at, 0
	case 400, 429, 431:
		ctx.SetConnectionClose()
	case 405:
		allow(ctx, at)
	}
	if status == 404 {
		at = endpointOther // also on a listener that has less
	}
	return at, refuse(ctx, at, status, message)
}

// noListener is where a request comes from that came over no connection.
var noListener = new(listener)

// judge says why a request is refused for its head; the status is 0 if it is
// not. c is nil if the connection is not known, where the benefit of the doubt
// is given.
func (s *Server) judge(head *fasthttp.RequestHeader, h *headers, at endpoint, l *listener, c *conn) (status int, message string) {
	switch {
	case !head.IsHTTP11() && string(head.Protocol()) != "HTTP/1.0":
		return 400, "this server speaks HTTP/1.1"
	case h.framing != "":
		return 400, h.framing
	case h.lines > maxHeaderLines:
		return 431, "there are more than " + itoa(maxHeaderLines) + " headers; send fewer"
	}
	if !table[at].hosts || s.config.Doors.Secrets == nil || !s.config.Doors.admits(h.secret) {
		if message = s.browser(head.Host(), h, l, c); message != "" {
			return 403, message
		}
	}
	switch {
	case at == endpointOther || l.watch && !table[at].probe:
		if l.watch {
			return 404, "there is no such endpoint at this address; it has " + probes
		}
		return 404, "there is no such endpoint; see " + pathMetadata
	case table[at].method != "" && string(head.Method()) != table[at].method:
		return 405, "this endpoint answers " + table[at].method
	case head.ContentLength() > s.config.MaxBody:
		return 413, s.tooLong()
	case c != nil && !table[at].probe && !c.all.admit(c):
		return 429, tooManyConnections
	}
	return 0, ""
}

// received is fasthttp's hook after a head was read, where nothing can be
// answered yet and the connection is not known. A request that announces a body
// and will be refused is marked as one that asks first whether to send it, so
// that expected answers it without waiting for the body.
func (s *Server) received(l *listener) func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
	return func(head *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
		if length := head.ContentLength(); length > 0 || length == -1 {
			var h headers
			h.read(head.RawHeaders())
			if status, _ := s.judge(head, &h, s.find(head.RequestURI()), l, nil); status != 0 {
				head.Set("Expect", "100-continue")
			}
		}
		return c
	}
}

// expected is fasthttp's hook for a request that asks whether to send its body.
func (s *Server) expected(ctx *fasthttp.RequestCtx) int {
	c, _ := ctx.Conn().(*conn)
	var h headers
	at, status := s.judged(ctx, c, &h)
	if status == 0 {
		if c != nil {
			c.answered = false // `100 Continue` is no answer
		}
		return fasthttp.StatusContinue
	}
	if c != nil {
		c.linger.Store(true)
	}
	s.shared.answered(at, status, nil)
	return status
}

// notHost is said of a Host header that is no host, or has no port behind it.
const notHost = "the Host header is no HOST or HOST:PORT; write an IPv6 address in brackets, as in [::1]:8180, and a port in digits"

// browser holds a request to the rules for browsers (specification 3.2): web
// pages reach loopback addresses, by their own name with rebinding DNS. The
// Unix socket is exempt. What only watches the process is reached by whatever
// name a machine has; a web page may not read that either.
func (s *Server) browser(host []byte, h *headers, l *listener, c *conn) (refusal string) {
	if l.unix {
		return ""
	}
	if h.origin {
		return "a web page may not ask: requests with an Origin header are refused"
	}
	if l.watch || c != nil && c.host != nil && bytes.Equal(host, c.host) {
		return ""
	}
	name, ok := hostOf(view(host))
	if !ok {
		return notHost
	}
	if !s.allowedHost(name, l, c) {
		return "the Host header names neither an address of this listener nor localhost; ask there, or allow the name with -public-url or -allow-host"
	}
	if c != nil {
		c.host = append(c.host[:0], host...)
	}
	return ""
}

// allowedHost reports that Host may name that host.
func (s *Server) allowedHost(host string, l *listener, c *conn) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		for name := range s.hosts.names {
			if equalFold(host, name) {
				return true
			}
		}
		return false
	}
	address = address.Unmap()
	if s.hosts.addresses[address] {
		return true
	}
	if l.address.IsValid() {
		return address == l.address
	}
	// The listener is on every address of the machine: the one that the client
	// connected to is one of them.
	if c == nil {
		return true
	}
	if c.Conn == nil {
		return false
	}
	tcp, ok := c.Conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	local, ok := netip.AddrFromSlice(tcp.IP)
	return ok && address == local.Unmap()
}
