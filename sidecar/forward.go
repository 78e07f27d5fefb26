package sidecar

import (
	"fmt"
	"net/netip"
	"strings"

	"postern/policy"
)

// pathAuthorize is where proxies ask. In mode envoy the path that is asked about
// stands behind it.
const pathAuthorize = "/authorize"

// Forward is how a proxy asks whether it may let a request through (specification
// 7.2).
type Forward struct {
	// Mode is the name of a row of forwardModes.
	Mode     string
	Identity Identity
}

// forwardMode is which headers a kind of proxy says what in. Their names are in
// lower case; "" is the request's own.
type forwardMode struct {
	name              string
	method, uri, host string
	client, tls       string
	// last: client is a list of which the proxy wrote the last.
	last bool
	// scheme: tls is http or https, and not a version of TLS or none.
	scheme bool
	// passesHost: the request comes with the client's Host.
	passesHost bool
	// filters: the proxy passes only some headers on.
	filters bool
	// placeholders: the proxy leaves `{name}` where it knows no value.
	placeholders bool
}

var forwardModes = [...]forwardMode{
	{name: "nginx", method: "x-original-method", uri: "x-original-uri", host: "x-original-host", client: "x-original-client", tls: "x-original-tls"},
	{name: "haproxy", method: "x-original-method", uri: "x-original-uri", host: "x-original-host", client: "x-original-client", tls: "x-original-tls"},
	{name: "caddy", method: "x-forwarded-method", uri: "x-forwarded-uri", host: "x-forwarded-host", client: "x-forwarded-for", tls: "x-forwarded-proto",
		last: true, scheme: true, passesHost: true, placeholders: true},
	{name: "traefik", method: "x-forwarded-method", uri: "x-forwarded-uri", host: "x-forwarded-host", client: "x-forwarded-for", tls: "x-forwarded-proto",
		last: true, scheme: true, filters: true},
	{name: "envoy", client: "x-forwarded-for", tls: "x-forwarded-proto", last: true, scheme: true, passesHost: true, filters: true},
}

// ForwardModes are the names of all modes.
func ForwardModes() (names []string) {
	for _, m := range forwardModes {
		names = append(names, m.name)
	}
	return names
}

// forwarding is a Forward as requests are answered by it. It never changes.
type forwarding struct {
	*forwardMode
	names    *headerNames // those of the mode
	identity identity
	sight    *sight
}

func newForwarding(d *Doors) (*forwarding, error) {
	f := &forwarding{}
	for i := range forwardModes {
		if forwardModes[i].name == d.Forward.Mode {
			f.forwardMode = &forwardModes[i]
		}
	}
	if f.forwardMode == nil {
		return nil, fmt.Errorf("no mode of forward-auth is called %q; write one of %s", d.Forward.Mode, strings.Join(ForwardModes(), ", "))
	}
	f.names = newHeaderNames(f.method, f.uri, f.host, f.client, f.tls)
	if f.passesHost && d.Secrets == nil {
		return nil, fmt.Errorf("forward-auth for %s passes the client's Host on, and so needs a secret: any web page could ask otherwise", f.name)
	}
	keys := []string{"aws:sourceip", "aws:securetransport"}
	if !f.scheme {
		keys = append(keys, "s3:tlsversion")
	}
	f.sight = newSight(d, true, keys...)
	var err error
	f.identity, err = newIdentity(&d.Forward.Identity, d.Org, f.placeholders)
	return f, err
}

// Why forward-auth denies what no policy was asked about, beside the reasons of
// internal/s3request.
const (
	denySecret   = "secret"   // the secret is missing or wrong
	denyHeaders  = "headers"  // a header of the mode is missing, empty, there twice or under another spelling
	denyIdentity = "identity" // the identity cannot be read for certain
)

// forwardDoor is the door of proxies. It answers 200, 401 or 403, and nothing else.
type forwardDoor struct{}

func (forwardDoor) refuse(status int, _ string) reply {
	reason := "refused"
	if status == 503 {
		reason = "unavailable"
	}
	return forbidden(403, reason)
}

// accessDenied is the body of every denial: the error of S3 that a client of S3 wants
// to read, where a proxy hands an answer on as it is.
var accessDenied = []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)

const typeXML = "application/xml"

// forbidden is the answer to a request that the proxy must not let through.
func forbidden(status int, reason string) reply {
	return reply{status: status, contentType: typeXML, body: accessDenied, reason: reason}
}

func (forwardDoor) ask(x *exchange) reply {
	f, a := x.server.forward, &x.asking
	if !x.shows(x.headers.secret) {
		return forbidden(403, denySecret)
	}
	q := x.question
	if q.lines == nil {
		q = question{x.head.Method(), x.head.RequestURI(), x.head.Host(), x.head.RawHeaders()}
	}
	a.readLines(q.lines)
	facts, ok := f.facts(a, &q)
	if !ok {
		return forbidden(403, denyHeaders)
	}
	if status := f.identity.read(a, x.now, &a.request.Principal); status != 200 {
		return forbidden(status, denyIdentity)
	}
	s := &a.s3
	s.Hosts, s.OpaqueKeys = &x.server.config.Doors.Hosts, x.server.config.Doors.OpaqueKeys
	s.Headers, s.Filtered, s.Now = a.lines, f.filters, x.now
	if reason := a.reader.Read(s); reason != 0 {
		return forbidden(403, reason.String())
	}
	if ok, reason := x.allowed(f.sight, facts[:]); !ok {
		return forbidden(403, reason)
	}
	return reply{status: 200, allows: true}
}

// facts reads what the proxy says of a request into a.s3, and the condition keys that
// follow. It is false unless each header of the mode is there, once.
func (f *forwarding) facts(a *asking, q *question) (keys []policy.Attribute, ok bool) {
	var values [5]string
	if !a.each(f.names, values[:]) {
		return nil, false
	}
	for i, name := range f.names.names {
		if name != "" && values[i] == "" {
			return nil, false
		}
	}
	s := &a.s3
	s.Method, s.Target, s.Host = values[0], values[1], values[2]
	if f.method == "" {
		s.Method = view(q.method)
	}
	if f.uri == "" {
		s.Target = strings.TrimPrefix(view(q.target), pathAuthorize)
	}
	if f.host == "" {
		s.Host = view(q.host)
	}
	client, tls := values[3], values[4]
	if f.last {
		client = strings.Trim(client[strings.LastIndexByte(client, ',')+1:], " \t")
	}
	if _, err := netip.ParseAddr(client); err != nil {
		return nil, false
	}
	version, secure, ok := tlsVersion(tls)
	if f.scheme {
		version, secure, ok = "", tls == "https", tls == "https" || tls == "http"
	}
	if !ok {
		return nil, false
	}
	keys = append(a.stated[:0], a.fact(0, "aws:SourceIp", policy.ValueString, client), a.fact(1, "aws:SecureTransport", policy.ValueBool, boolText(secure)))
	if version != "" {
		keys = append(keys, a.fact(2, "s3:TlsVersion", policy.ValueNumber, version))
	}
	return keys, true
}

// tlsVersion reads a version of TLS as OpenSSL writes it, or `none`.
func tlsVersion(text string) (version string, secure, ok bool) {
	switch text {
	case "none":
		return "", false, true
	case "TLSv1":
		return "1.0", true, true
	case "TLSv1.1", "TLSv1.2", "TLSv1.3":
		return text[len("TLSv"):], true, true
	}
	return "", false, false
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// headerNames are names of headers that are looked for together, in lower case; ""
// is none. Each begins with x.
type headerNames struct {
	names   []string
	lengths uint64 // which lengths they have
}

func newHeaderNames(names ...string) *headerNames {
	h := &headerNames{names: names}
	for _, name := range names {
		if name == "" {
			continue
		}
		if name[0] != 'x' || len(name) > 63 {
			panic("sidecar: " + name + " is no header that is looked for so")
		}
		h.lengths |= 1 << len(name)
	}
	return h
}

// each finds the headers of some names. It is false if one is there twice, or under
// a name with underscores that a gateway may take for it.
func (a *asking) each(h *headerNames, values []string) bool {
	var seen uint64
	for i := range a.lines {
		line := &a.lines[i]
		length := len(line.Name)
		if length > 63 || h.lengths>>length&1 == 0 || line.Name[0]|0x20 != 'x' {
			continue
		}
		for n, name := range h.names {
			if len(name) != length {
				continue
			}
			if !equalFold(line.Name, name) {
				if twinOf(line.Name, name) {
					return false
				}
				continue
			}
			if seen>>n&1 != 0 {
				return false
			}
			seen |= 1 << n
			values[n] = line.Value
		}
	}
	return true
}

// twinOf reports that a name is another one but for case and underscores, and has
// underscores.
func twinOf(s, lower string) bool {
	if len(s) != len(lower) || strings.IndexByte(s, '_') < 0 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c == '_' {
			c = '-'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
