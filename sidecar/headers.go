package sidecar

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"unsafe"

	"github.com/valyala/fasthttp"
)

// headers is what the door looks at among a request's headers. The slices
// alias the request.
type headers struct {
	origin    bool
	requestID []byte
	explain   []byte // nil if the header is not there
	// framing is what is wrong with how the request says its length.
	framing string

	length, transfer, expect bool
	// close: the client asks that the connection ends with this answer.
	close bool
}

// maxRequestID bounds the X-Request-ID that is echoed, in bytes.
const maxRequestID = 256

// read goes once through the raw header lines. fasthttp has checked that names
// and values hold no control characters; it does not refuse Content-Length
// beside Transfer-Encoding, which two servers in a row may read differently.
func (h *headers) read(raw []byte) {
	*h = headers{}
	for len(raw) > 0 {
		line := raw
		if end := bytes.IndexByte(raw, '\n'); end >= 0 {
			line, raw = raw[:end], raw[end+1:]
		} else {
			raw = nil
		}
		if len(line) == 0 {
			continue
		}
		switch line[0] | 0x20 {
		case 'e':
			if _, ok := named(line, "expect"); ok {
				h.expect = true
			}
		case 'o':
			if _, ok := named(line, "origin"); ok {
				h.origin = true
			}
		case 'x':
			if v, ok := named(line, "x-request-id"); ok && h.requestID == nil {
				h.requestID = v
			} else if v, ok := named(line, "x-postern-explain"); ok {
				h.explain = v
			}
		case 'c':
			if _, ok := named(line, "content-length"); ok {
				h.length = true
			} else if v, ok := named(line, "connection"); ok {
				h.close = h.close || listed(view(v), "close")
			}
		case 't':
			if v, ok := named(line, "transfer-encoding"); ok {
				h.transfer = true
				if !equalFold(view(v), "chunked") {
					h.framing = "the only Transfer-Encoding is chunked; or send Content-Length"
				}
			}
		case ' ' | 0x20, '\t' | 0x20:
			if line[0] == ' ' || line[0] == '\t' {
				h.framing = "a header must stand on one line"
			}
		}
	}
	if h.length && h.transfer {
		h.framing = "send either Content-Length or Transfer-Encoding, not both"
	}
}

// named returns the value of a header line if it has that name, which is given
// in lower case.
func named(line []byte, name string) ([]byte, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' {
		return nil, false
	}
	if !equalFold(view(line[:len(name)]), name) {
		return nil, false
	}
	return bytes.Trim(line[len(name)+1:], " \t\r"), true
}

// listed reports whether a comma-separated list holds a word, in any ASCII case.
func listed(list, word string) bool {
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		if equalFold(strings.Trim(item, " \t"), word) {
			return true
		}
	}
	return false
}

// isJSON reports whether a Content-Type is application/json, with or without
// parameters.
func isJSON(contentType []byte) bool {
	const want = "application/json"
	if string(contentType) == want {
		return true
	}
	return len(contentType) >= len(want) && equalFold(view(contentType[:len(want)]), want) &&
		(len(contentType) == len(want) || strings.IndexByte("; \t", contentType[len(want)]) >= 0)
}

// mayAsk holds a request to the rules for browsers (specification 3.2): web
// pages reach loopback addresses, by their own name with rebinding DNS. The
// Unix socket is exempt.
func (s *Server) mayAsk(ctx *fasthttp.RequestCtx, h *headers) (refusal string) {
	c, _ := ctx.Conn().(*conn)
	if c != nil && c.listener.unix {
		return ""
	}
	if h.origin {
		return "a web page may not ask: requests with an Origin header are refused"
	}
	host := ctx.Request.Header.Host()
	if c != nil && c.host != nil && bytes.Equal(host, c.host) {
		return ""
	}
	if !s.allowedHost(view(host), c, ctx) {
		return "the Host header names neither an address of this listener nor localhost; ask there, or allow the name with -public-url or -allow-host"
	}
	if c != nil && len(host) <= 255 {
		c.host = append(c.host[:0], host...)
	}
	return ""
}

func (s *Server) allowedHost(host string, c *conn, ctx *fasthttp.RequestCtx) bool {
	host = hostOf(host)
	if host == "" || len(host) > 255 {
		return false
	}
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
	if c != nil && c.listener.address.IsValid() {
		return address == c.listener.address
	}
	// The listener is on every address of the machine: the one that the client
	// connected to is one of them.
	if tcp, ok := ctx.LocalAddr().(*net.TCPAddr); ok {
		local, ok := netip.AddrFromSlice(tcp.IP)
		return ok && address == local.Unmap()
	}
	return false
}

// equalFold compares s with lower, which is in lower case, without regard to
// ASCII case.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// view looks at bytes as a string, for as long as they do not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
