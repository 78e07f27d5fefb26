package sidecar

import (
	"bytes"
	"strings"
	"unsafe"

	"postern/internal/value"
)

// headers is what the server reads of a request's headers. The slices alias the
// request.
type headers struct {
	origin    bool
	requestID []byte
	explain   []byte // nil if the header is not there
	credentials
	// framing is what is wrong with how the request says its length.
	framing string

	length, transfer, expect bool
	lines                    int // how many header lines there are
	// close: the client asks that the connection ends with this answer.
	close bool
}

// credentials are what a caller of a door shows: secret is X-Postern-Secret, in which
// proxies show a secret; stores do so in X-Auth-Token and Authorization.
type credentials struct{ secret, authToken, authorization credential }

// keep copies others, so that they outlast their request.
func (c *credentials) keep(others *credentials) {
	c.secret.keep(others.secret)
	c.authToken.keep(others.authToken)
	c.authorization.keep(others.authorization)
}

// credential is a header that must not be there twice.
type credential struct {
	value []byte // of the last line
	lines int
}

func (c *credential) take(v []byte) { c.value, c.lines = v, c.lines+1 }

func (c *credential) keep(other credential) {
	c.value, c.lines = append(c.value[:0], other.value...), other.lines
}

// maxHeaderLines bounds the lines of a request's headers: each costs some 20
// times what a client has to send for it, for as long as the connection is open.
const maxHeaderLines = 128

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
		h.lines++
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
			} else if v, ok := named(line, "x-postern-secret"); ok {
				h.secret.take(v)
			} else if v, ok := named(line, "x-auth-token"); ok {
				h.authToken.take(v)
			}
		case 'a':
			if v, ok := named(line, "authorization"); ok {
				h.authorization.take(v)
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
	return bytesOf(trimmed(view(line[len(name)+1:]))), true
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

// equalFold compares two texts without regard to ASCII case.
func equalFold(s, other string) bool { return value.EqualFoldASCII(s, other) }

// bytesOf looks at a string as bytes, which must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// view looks at bytes as a string, for as long as they do not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
