package explorer

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// newToken returns 128 random bits as text for the fragment of a URL.
func newToken() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// tokenHeader has the token. A page of another origin cannot send it without a
// preflight, which is not answered.
const tokenHeader = "X-Postern-Token"

// admits reports that a request has the token, once. The time that it takes tells
// nothing about the token.
func (s *Server) admits(r *http.Request) bool {
	given := r.Header.Values(tokenHeader)
	if len(given) != 1 {
		return false
	}
	want, have := sha256.Sum256([]byte(s.token)), sha256.Sum256([]byte(given[0]))
	return subtle.ConstantTimeCompare(want[:], have[:]) == 1
}

// foreign says why a request does not come from the explorer's own page, or from a
// person who opens it; "" if it does. A name that leads to loopback by another's
// DNS, and a page of another origin, are told by Host, Origin and Sec-Fetch-Site.
func foreign(r *http.Request) string {
	if !loopbackHost(r.Host) {
		return "Host is not a name of this machine's loopback; open the page by the URL that postern printed"
	}
	origins := r.Header.Values("Origin")
	if len(origins) > 1 || len(origins) == 1 && origins[0] != "http://"+r.Host {
		return "Origin is another page's"
	}
	sites := r.Header.Values("Sec-Fetch-Site")
	if len(sites) > 1 || len(sites) == 1 && sites[0] != "same-origin" && sites[0] != "none" {
		return "the request was made by another page"
	}
	return ""
}

// loopbackHost reports that a Host is localhost or an address of loopback.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// secure sets the headers that every answer has: the page may load and ask only what
// is here, nobody may frame it, and nothing of it is kept.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
