package sidecar

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/internal/s3request"
	"postern/policy"
)

const doorSecret = "0123456789abcdef0123456789abcdef"

// doorPolicy is what the doors' tests are served with.
var doorPolicy = map[string]string{
	"o1/access-policies/all.json": `{"version":"v1alpha1","name":"all","statements":[
  {"name":"do","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["saml/jean","spiffe/*","cert/*","user/*","subuser/*"]},
  {"name":"keep","effect":"Deny","actions":["s3:DeleteObject"],"resources":["*"],"principals":["*"]},
  {"name":"secret","effect":"Deny","actions":["s3:GetObject"],"resources":["b/secret/*"],"principals":["*"]}]}`,
	"o1/buckets/b.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},
  {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/tls/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
  {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/office/*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
  {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/tagged/*","Condition":{"StringEquals":{"s3:ExistingObjectTag/class":"secret"}}},
  {"Effect":"Deny","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"StringNotLike":{"s3:prefix":["public/*"]}}}]}`,
	"o1/bare/c": "", "o1/bare/d": "",
	"o2/access-policies/all.json": `{"version":"v1alpha1","name":"all","statements":[
  {"name":"do","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`,
}

func doorServer(t testing.TB, doors Doors) *served {
	t.Helper()
	if doors.Secrets == nil {
		secrets := [][]byte{[]byte(doorSecret), []byte(doorSecret + "new")}
		doors.Secrets = func() [][]byte { return secrets }
	}
	s := build(t, func(c *Config) { c.Doors = doors })
	s.config.Current.Store(snapshotOf(t, 7, doorPolicy))
	return s
}

// forwardHead is how each mode says a request; more are the lines of the caller.
func forwardHead(mode, method, target, client string, secure bool, more ...string) string {
	tls, scheme := "none", "http"
	if secure {
		tls, scheme = "TLSv1.3", "https"
	}
	var lines []string
	first := "GET /authorize HTTP/1.1"
	host := "localhost"
	switch mode {
	case "nginx", "haproxy":
		lines = []string{"X-Original-Method: " + method, "X-Original-URI: " + target, "X-Original-Host: store", "X-Original-Client: " + client, "X-Original-Tls: " + tls}
	case "caddy", "traefik":
		lines = []string{"X-Forwarded-Method: " + method, "X-Forwarded-Uri: " + target, "X-Forwarded-Host: store", "X-Forwarded-For: 9.9.9.9, " + client, "X-Forwarded-Proto: " + scheme}
		host = "store"
	case "envoy":
		first, host = method+" /authorize"+target+" HTTP/1.1", "store"
		lines = []string{"X-Forwarded-For: " + client, "X-Forwarded-Proto: " + scheme, "Content-Length: 0"}
	}
	lines = append(lines, "X-Postern-Secret: "+doorSecret)
	lines = append(lines, more...)
	return first + "\r\nHost: " + host + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

var jean = []string{"X-Postern-Org: o1", "X-Postern-Principal: saml/jean"}

// deniedBody is what every denial says, in words of S3.
const deniedBody = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`

// answerOf asks, and returns the status and the reason.
func answerOf(t testing.TB, s *served, text string) string {
	t.Helper()
	ctx := call(t, s, text)
	s.handle(ctx)
	want, kind := "", ""
	if ctx.Response.StatusCode() != 200 {
		want, kind = deniedBody, "application/xml"
	}
	if got := string(ctx.Response.Body()); got != want || want != "" && string(ctx.Response.Header.ContentType()) != kind {
		t.Errorf("%q: the body of a %d is %s %q", text, ctx.Response.StatusCode(), ctx.Response.Header.ContentType(), got)
	}
	return strings.TrimSpace(fmt.Sprint(ctx.Response.StatusCode(), " ", string(ctx.Response.Header.Peek("X-Postern-Reason"))))
}

// signedV4 is what a client of version 4 sends.
const signedV4 = "Authorization: AWS4-HMAC-SHA256 Credential=K/d/r/s3/aws4_request, SignedHeaders=host, Signature=0"

// TestForwardAuth asks the same of each mode.
func TestForwardAuth(t *testing.T) {
	for _, mode := range ForwardModes() {
		s := doorServer(t, Doors{Forward: &Forward{Mode: mode}})
		for _, c := range []struct {
			method, target, client string
			secure                 bool
			more                   []string
			want                   string
		}{
			{"GET", "/b/k", "10.1.2.3", true, jean, "200"},
			{"HEAD", "/b/k", "10.1.2.3", true, jean, "200"},
			{"PUT", "/b/k", "10.1.2.3", true, append([]string{signedV4}, jean...), "200"},
			{"DELETE", "/b/k", "10.1.2.3", true, jean, "403 organization_deny"},
			{"GET", "/b/secret/k", "10.1.2.3", true, jean, "403 organization_deny"},
			{"GET", "/b/secre%74/k", "10.1.2.3", true, jean, "403 organization_deny"},
			{"GET", "/b/x/..%2fsecret/k", "10.1.2.3", true, jean, "403 path"},
			{"GET", "/b/k?acl&policy", "10.1.2.3", true, jean, "403 unknown_operation"},
			{"POST", "/b?delete", "10.1.2.3", true, jean, "403 keys_in_body"},
			{"PUT", "/b/k", "10.1.2.3", true, append([]string{signedV4, "x-amz-copy-source: b/open/k"}, jean...), "200"},
			{"PUT", "/b/k", "10.1.2.3", true, append([]string{signedV4, "x-amz-copy-source: b/secret/k"}, jean...), "403 organization_deny"},
			{"GET", "/b/tls/k", "10.1.2.3", true, jean, "200"},
			{"GET", "/b/tls/k", "10.1.2.3", false, jean, "403 bucket_deny"},
			{"GET", "/b/office/k", "10.1.2.3", true, jean, "200"},
			{"GET", "/b/office/k", "192.0.2.1", true, jean, "403 bucket_deny"},
			{"GET", "/b/tagged/k", "10.1.2.3", true, jean, "403 bucket_deny"}, // a key that no request states
			{"GET", "/b?list-type=2&prefix=public%2F", "10.1.2.3", true, jean, "200"},
			{"GET", "/b?list-type=2&prefix=private%2F", "10.1.2.3", true, jean, "403 bucket_deny"},
			{"GET", "/b", "10.1.2.3", true, jean, "403 bucket_deny"},
			{"GET", "/c/k", "10.1.2.3", true, jean, "200"},
			{"GET", "/unheard/k", "10.1.2.3", true, jean, "403 owner_unknown"},
			{"PUT", "/new", "10.1.2.3", true, append([]string{"x-amz-acl: private"}, jean...), "200"},
			{"PUT", "/c", "10.1.2.3", true, append([]string{"x-amz-acl: private"}, "X-Postern-Org: o2", "X-Postern-Principal: saml/jean"), "403 owner_mismatch"},
			{"GET", "/", "10.1.2.3", true, jean, "200"},
			{"GET", "/b/k", "10.1.2.3", true, nil, "401 identity"},
			{"GET", "/b/k", "10.1.2.3", true, []string{"X-Postern-Org: o1"}, "401 identity"},
			{"GET", "/b/k", "10.1.2.3", true, []string{"X-Postern-Org: o1", "X-Postern-Principal: "}, "401 identity"},
			{"GET", "/b/k", "10.1.2.3", true, []string{"X-Postern-Principal: saml/jean"}, "401 identity"},
			{"GET", "/b/k", "10.1.2.3", true, []string{"X-Postern-Org: o1", "X-Postern-Principal: saml%2Fjean"}, "200"},
			{"GET", "/b/k", "10.1.2.3", true, []string{"X-Postern-Org: o1", "X-Postern-Principal: saml%2"}, "403 identity"},
			{"GET", "/b/k", "10.1.2.3", true, []string{"X-Postern-Org: o1", "X-Postern-Principal: jean"}, "403 bad_request"},
			{"GET", "/b/k", "10.1.2.3", true, []string{"X-Postern-Org: o1", "X-Postern-Principal: group/admins"}, "403 bad_request"},
			{"GET", "/b/k", "10.1.2.3", true, append(jean, "X-Postern-Principal: saml/max"), "403 identity"},
			{"GET", "/b/k", "10.1.2.3", true, append(jean, "X_Postern_Principal: saml/max"), "403 identity"},
			{"GET", "/b/k", "10.1.2.3", true, append(jean, "X-Postern-Groups: admins"), "403 identity"},
			{"GET", "/b/k", "10.1.2.3", true, append(jean, "X-Postern-Principals: role/a"), "403 identity"},
			{"GET", "/b/k", "10.1.2.3", true, append(jean, "X-HTTP-Method-Override: DELETE"), "200"},
			{"GET", "/b/k", "not an address", true, jean, "403 headers"},
			{"GET", "/b/" + strings.Repeat("k", 2046), "10.1.2.3", true, jean, "200"},
			{"GET", "/b/" + strings.Repeat("k", 2047), "10.1.2.3", true, jean, "403 bad_request"},
			{"GET", "/b/k?" + strings.Repeat("prefix=a&", 200), "10.1.2.3", true, jean, "403 unknown_operation"},
			{"GET", "http://evil/b/k", "10.1.2.3", true, jean, "403 path"},
		} {
			if mode == "envoy" && c.target[0] != '/' {
				continue // it is part of the path there
			}
			text := forwardHead(mode, c.method, c.target, c.client, c.secure, c.more...)
			if got := answerOf(t, s, text); got != c.want {
				t.Errorf("%s: %s %.80s %q: %s, want %s", mode, c.method, c.target, c.more, got, c.want)
			}
		}
	}
}

// TestForwardHeaders takes each header of each mode away, doubles it, empties it
// and gives it a twin with underscores: none of these is answered (attack classes
// 28 and 29).
func TestForwardHeaders(t *testing.T) {
	for i := range forwardModes {
		m := &forwardModes[i]
		s := doorServer(t, Doors{Forward: &Forward{Mode: m.name}})
		whole := forwardHead(m.name, "GET", "/b/k", "10.1.2.3", true, jean...)
		if got := answerOf(t, s, whole); got != "200" {
			t.Fatalf("%s: %s", m.name, got)
		}
		for _, name := range []string{m.method, m.uri, m.host, m.client, m.tls, "x-postern-secret"} {
			if name == "" {
				continue
			}
			at := strings.Index(strings.ToLower(whole), "\r\n"+name+":")
			if at < 0 {
				t.Fatalf("%s: the request has no %s", m.name, name)
			}
			end := at + 2 + strings.Index(whole[at+2:], "\r\n")
			line := whole[at+2 : end]
			_, value, _ := strings.Cut(line, ": ")
			for what, instead := range map[string]string{
				"missing": "", "empty": "\r\n" + name + ":", "twice": "\r\n" + line + "\r\n" + line,
				"twice, in two cases": "\r\n" + line + "\r\n" + strings.ToUpper(line[:len(name)]) + ": " + value,
				"with a twin":         "\r\n" + line + "\r\n" + strings.ReplaceAll(name, "-", "_") + ": " + value,
				"its twin alone":      "\r\n" + strings.ReplaceAll(name, "-", "_") + ": " + value,
			} {
				if name == "x-postern-secret" && what == "with a twin" {
					continue // nobody gains by it
				}
				got := answerOf(t, s, whole[:at]+instead+whole[end:])
				if !strings.HasPrefix(got, "403") {
					t.Errorf("%s: %s %s: %s", m.name, name, what, got)
				}
			}
		}
	}
}

// TestForwardSecret: one of several secrets, on every listener, and with it the
// Host and Origin of others.
func TestForwardSecret(t *testing.T) {
	s := doorServer(t, Doors{Forward: &Forward{Mode: "nginx"}})
	whole := forwardHead("nginx", "GET", "/b/k", "10.1.2.3", true, jean...)
	for instead, want := range map[string]string{
		doorSecret: "200", doorSecret + "new": "200", doorSecret + "x": "403", doorSecret[1:]: "403", "": "403",
		strings.ToUpper(doorSecret): "403", doorSecret + " ": "200", "x" + doorSecret: "403",
	} {
		text := strings.Replace(whole, "X-Postern-Secret: "+doorSecret, "X-Postern-Secret: "+instead, 1)
		if got := answerOf(t, s, text); !strings.HasPrefix(got, want) {
			t.Errorf("secret %q: %s, want %s", instead, got, want)
		}
	}
	evil := strings.Replace(whole, "Host: localhost", "Host: evil.example\r\nOrigin: http://evil.example", 1)
	if got := answerOf(t, s, evil); got != "200" {
		t.Errorf("the client's Host and Origin, with the secret: %s", got)
	}
	if got := answerOf(t, s, strings.Replace(evil, doorSecret, doorSecret[1:], 1)); got != "403 refused" {
		t.Errorf("the client's Host and Origin, without the secret: %s", got)
	}
	// Elsewhere the secret admits nobody.
	ctx := call(t, s, strings.Replace(evil, "GET /authorize", "GET /v1/status", 1))
	s.handle(ctx)
	if ctx.Response.StatusCode() != 403 {
		t.Errorf("/v1/status: %d", ctx.Response.StatusCode())
	}
	open := build(t, func(c *Config) { c.Doors = Doors{Forward: &Forward{Mode: "nginx"}} })
	open.config.Current.Store(snapshotOf(t, 7, doorPolicy))
	if got := answerOf(t, open, strings.Replace(whole, "X-Postern-Secret: "+doorSecret+"\r\n", "", 1)); got != "200" {
		t.Errorf("without a secret: %s", got)
	}
	if got := answerOf(t, open, evil); got != "403 refused" {
		t.Errorf("without a secret, a foreign Host: %s", got)
	}
}

// TestForwardAnswersAlways: 200, 401 or 403 with an empty body, whatever happens;
// and there is no such endpoint where it is off.
func TestForwardAnswersAlways(t *testing.T) {
	s := doorServer(t, Doors{Forward: &Forward{Mode: "nginx"}})
	whole := forwardHead("nginx", "GET", "/b/k", "10.1.2.3", true, jean...)
	big := strings.Replace(whole, "GET /authorize", "POST /authorize", 1)
	for _, text := range []string{
		strings.Replace(whole, "GET", "PROPFIND", 1), strings.Replace(whole, "GET /authorize", "GET /authorize/x/../y?z", 1),
		strings.Replace(big, "\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody", 1),
		strings.Replace(whole, "\r\n\r\n", strings.Repeat("\r\nA: b", maxHeaderLines)+"\r\n\r\n", 1),
		strings.Replace(whole, "HTTP/1.1", "HTTP/1.0", 1),
	} {
		got := answerOf(t, s, text)
		if got != "200" && !strings.HasPrefix(got, "403 ") {
			t.Errorf("%.60q: %s", text, got)
		}
	}
	for _, status := range codes {
		if r := (forwardDoor{}).refuse(status, "x"); r.status != 403 || r.reason == "" || string(r.body) != deniedBody {
			t.Errorf("refused with %d: %+v", status, r)
		}
	}
	s.config.Current.Store(nil)
	if got := answerOf(t, s, whole); got != "403 unavailable" {
		t.Errorf("before the first snapshot: %s", got)
	}
	off := build(t, nil)
	ctx := call(t, off, whole)
	off.handle(ctx)
	if ctx.Response.StatusCode() != 404 {
		t.Errorf("switched off: %d", ctx.Response.StatusCode())
	}
	for _, path := range []string{"/authorizex", "/Authorize", "//authorize"} {
		ctx := call(t, s, strings.Replace(whole, "/authorize", path, 1))
		s.handle(ctx)
		if ctx.Response.StatusCode() != 404 {
			t.Errorf("%s: %d", path, ctx.Response.StatusCode())
		}
	}
}

// TestForwardIdentityHeaders: lists, and what is chosen to be read.
func TestForwardIdentityHeaders(t *testing.T) {
	s := doorServer(t, Doors{Org: "o1", Forward: &Forward{Mode: "caddy", Identity: Identity{Headers: []string{"principal", "principals", "groups"}}}})
	for _, c := range []struct {
		more []string
		want string
	}{
		{[]string{"X-Postern-Principal: role/x", "X-Postern-Principals: saml/jean", "X-Postern-Groups: "}, "200"},
		{[]string{"X-Postern-Principal: role/x", "X-Postern-Principals: saml/max, saml%2Fjean,", "X-Postern-Groups: a,b%2Cc"}, "200"},
		{[]string{"X-Postern-Principal: saml/jean", "X-Postern-Principals: ,", "X-Postern-Groups: ,"}, "200"},
		{[]string{"X-Postern-Principal: saml/jean", "X-Postern-Principals: a/b,,c/d", "X-Postern-Groups: "}, "403 identity"},
		{[]string{"X-Postern-Principal: saml/jean", "X-Postern-Principals: ,a/b", "X-Postern-Groups: "}, "403 identity"},
		{[]string{"X-Postern-Principal: saml/jean", "X-Postern-Principals: a/b"}, "403 identity"},
		{[]string{"X-Postern-Principal: saml/jean", "X-Postern-Groups: "}, "403 identity"},
		{[]string{"X-Postern-Org: o1", "X-Postern-Principal: saml/jean", "X-Postern-Principals: ", "X-Postern-Groups: "}, "403 identity"},
		{[]string{"X-Postern-Principal: {http.auth.user.id}", "X-Postern-Principals: ", "X-Postern-Groups: "}, "403 identity"},
		{[]string{"X-Postern-Principal: saml/jean", "X-Postern-Principals: ", "X-Postern-Groups: " + strings.Repeat("g,", 1025)}, "403 bad_request"},
		{[]string{"X-Postern-Principal: saml/jean", "X-Postern-Principals: " + strings.Repeat("a/b,", 256), "X-Postern-Groups: "}, "403 bad_request"},
		{[]string{"X-Postern-Principal: saml/%ff", "X-Postern-Principals: ", "X-Postern-Groups: "}, "403 bad_request"},
	} {
		if got := answerOf(t, s, forwardHead("caddy", "GET", "/b/k", "10.1.2.3", true, c.more...)); got != c.want {
			t.Errorf("%.200q: %s, want %s", c.more, got, c.want)
		}
	}
	for _, bad := range [][]string{{"org"}, {"principal", "claims"}, {}} {
		if _, err := newIdentity(&Identity{Headers: bad}, "", false); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// TestDoorContext: what the operator vouches for fills what the door cannot see,
// and never contradicts what it sees.
func TestDoorContext(t *testing.T) {
	with := func(key string, values ...string) Doors {
		a := policy.Attribute{Key: key}
		for _, v := range values {
			a.Values = append(a.Values, policy.Value{Kind: policy.ValueString, Text: v})
		}
		return Doors{Context: []policy.Attribute{a}, Forward: &Forward{Mode: "nginx"}}
	}
	for _, c := range []struct {
		doors  Doors
		target string
		want   string
	}{
		{with("s3:existingObjectTag/class", "public"), "/b/tagged/k", "200"},
		{with("s3:ExistingObjectTag/class", "secret"), "/b/tagged/k", "403 bucket_deny"},
		{with("s3:ExistingObjectTag/class", "public", "secret"), "/b/tagged/k", "403 bucket_deny"},
		{with("AWS:SecureTransport", "true"), "/b/tls/k", "200"},
		{with("aws:SecureTransport", "false"), "/b/k", "403 context"},
		{with("s3:prefix", "x"), "/b/k", "403 context"},
		{with("s3:prefix", "x"), "/c?prefix=x", "200"},
		{with("s3:prefix", "x"), "/c?prefix=y", "403 context"},
		{with("s3:prefix", "x"), "/c?prefix=+", "403 context"},
		{with("x:anything", "y"), "/b/k", "200"},
	} {
		s := doorServer(t, c.doors)
		if got := answerOf(t, s, forwardHead("nginx", "GET", c.target, "10.1.2.3", true, jean...)); got != c.want {
			t.Errorf("%+v %s: %s, want %s", c.doors.Context, c.target, got, c.want)
		}
	}
}

// authority makes certificates.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: clock.Add(-time.Hour), NotAfter: clock.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{t, key, cert, pool}
}

// issue makes a certificate with some URIs, as a proxy escapes it.
func (a *authority) issue(change func(*x509.Certificate), uris ...string) string {
	a.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "jean", Organization: []string{"o1"}},
		NotBefore: clock.Add(-time.Hour), NotAfter: clock.Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			a.t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// TestForwardCertificates: who a client's certificate says it is.
func TestForwardCertificates(t *testing.T) {
	any, own, other := newAuthority(t), newAuthority(t), newAuthority(t)
	certs := func(subject bool) Doors {
		return Doors{Forward: &Forward{Mode: "nginx", Identity: Identity{Certificate: &Certificates{
			CAs: []CA{{"", any.pool}, {"o1", own.pool}}, SPIFFE: map[string]string{"t": "o1", "t2": "o2"}, Subject: subject}}}}
	}
	s := doorServer(t, certs(false))
	now := clock
	s.config.Now = func() time.Time { return now }
	ask := func(lines ...string) string {
		return answerOf(t, s, forwardHead("nginx", "GET", "/b/k", "10.1.2.3", true, lines...))
	}
	good := any.issue(nil, "spiffe://t/ns/a")
	der, _ := url.PathUnescape(good)
	block, _ := pem.Decode([]byte(der))
	for _, c := range []struct{ what, cert, want string }{
		{"a SPIFFE id", good, "200"},
		{"the same in base64", base64.StdEncoding.EncodeToString(block.Bytes), "200"},
		{"the same again", good, "200"},
		{"of an authority of one organization", own.issue(nil, "spiffe://t/ns/a"), "200"},
		{"of another's trust domain", own.issue(nil, "spiffe://t2/ns/a"), "403 identity"},
		{"of an unknown trust domain", any.issue(nil, "spiffe://unknown/ns/a"), "403 identity"},
		{"of no path", any.issue(nil, "spiffe://t/"), "403 identity"},
		{"with an escape", any.issue(nil, "spiffe://t/a%2Fb"), "403 identity"},
		{"with a query", any.issue(nil, "spiffe://t/a?b"), "403 identity"},
		{"of two URIs", any.issue(nil, "spiffe://t/a", "spiffe://t/b"), "403 identity"},
		{"of no URI", any.issue(nil), "403 identity"},
		{"postern's own form", own.issue(nil, "postern:o1/saml/jean"), "200"},
		{"postern's own form of any authority", any.issue(nil, "postern:o1/saml/jean"), "403 identity"},
		{"postern's own form of another organization", own.issue(nil, "postern:o2/saml/jean"), "403 identity"},
		{"postern's own form, a group", own.issue(nil, "postern:o1/group/a"), "403 identity"},
		{"postern's own form, a token", own.issue(nil, "postern:o1/token/a"), "403 identity"},
		{"postern's own form, no name", own.issue(nil, "postern:o1/saml"), "403 identity"},
		{"postern's own form, with a query", own.issue(nil, "postern:o1/saml/jean?x"), "403 identity"},
		{"postern's own form, with an empty query", own.issue(nil, "postern:o1/saml/jean?"), "403 identity"},
		{"postern's own form, with a fragment", own.issue(nil, "postern:o1/saml/jean#x"), "403 identity"},
		{"postern's own form, with an escape", own.issue(nil, "postern:o1/saml/j%65an"), "403 identity"},
		{"postern's own form behind slashes", own.issue(nil, "postern://o1/saml/jean"), "403 identity"},
		{"SPIFFE of another case", any.issue(nil, "spiffe://T/ns/a"), "403 identity"},
		{"SPIFFE with a port", any.issue(nil, "spiffe://t:1/ns/a"), "403 identity"},
		{"SPIFFE with a user", any.issue(nil, "spiffe://u@t/ns/a"), "403 identity"},
		{"SPIFFE with a fragment", any.issue(nil, "spiffe://t/a#b"), "403 identity"},
		{"a URI of the web", any.issue(nil, "https://t/ns/a"), "403 identity"},
		{"one known URI and another", any.issue(nil, "spiffe://t/ns/a", "https://t/"), "403 identity"},
		{"the same URI twice", any.issue(nil, "spiffe://t/ns/a", "spiffe://t/ns/a"), "403 identity"},
		{"of a stranger", other.issue(nil, "spiffe://t/ns/a"), "403 identity"},
		{"expired", any.issue(func(c *x509.Certificate) { c.NotAfter = clock.Add(-time.Minute) }, "spiffe://t/ns/a"), "403 identity"},
		{"not yet", any.issue(func(c *x509.Certificate) { c.NotBefore = clock.Add(time.Minute) }, "spiffe://t/ns/a"), "403 identity"},
		{"a server's", any.issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, "spiffe://t/ns/a"), "403 identity"},
		{"none", "x", "403 identity"},
		{"two", good + good, "403 identity"},
	} {
		if got := ask("X-Client-Cert: "+c.cert, "X-Client-Verify: SUCCESS"); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{nil, "401 identity"}, {[]string{"X-Client-Verify: NONE"}, "401 identity"},
		{[]string{"X-Client-Cert: " + good}, "403 identity"}, {[]string{"X-Client-Verify: SUCCESS"}, "403 identity"},
		{[]string{"X-Client-Cert: " + good, "X-Client-Verify: FAILED"}, "403 identity"},
		{[]string{"X-Client-Cert: " + good, "X-Client-Verify: SUCCESS", "X-Postern-Principal: saml/jean"}, "403 identity"},
		{[]string{"X-Client-Cert: " + good, "X-Client-Verify: SUCCESS", "X_Client_Cert: " + good}, "403 identity"},
	} {
		if got := ask(c.lines...); got != c.want {
			t.Errorf("%.60q: %s, want %s", c.lines, got, c.want)
		}
	}
	// What was verified is not for ever, and what was not yet valid is not never.
	early := any.issue(func(c *x509.Certificate) { c.NotBefore = clock.Add(30 * time.Second) }, "spiffe://t/ns/a")
	ask("X-Client-Cert: "+early, "X-Client-Verify: SUCCESS")
	now = clock.Add(2 * time.Minute)
	if got := ask("X-Client-Cert: "+early, "X-Client-Verify: SUCCESS"); got != "200" {
		t.Errorf("two minutes later: %s", got)
	}
	now = clock.Add(2 * time.Hour)
	if got := ask("X-Client-Cert: "+good, "X-Client-Verify: SUCCESS"); got != "403 identity" {
		t.Errorf("past its end: %s", got)
	}
	s = doorServer(t, certs(true))
	if got := ask("X-Client-Cert: "+any.issue(nil), "X-Client-Verify: SUCCESS"); got != "200" {
		t.Errorf("by the subject: %s", got)
	}
	s = doorServer(t, certs(true))
	if got := ask("X-Client-Cert: "+own.issue(func(c *x509.Certificate) { c.Subject.Organization = []string{"o2"} }), "X-Client-Verify: SUCCESS"); got != "403 identity" {
		t.Errorf("the subject of another organization: %s", got)
	}
}

// TestForwardAgreesWithAuthZEN: a request at the door is allowed if and only if
// each question that it stands for is, asked at the main door with the same keys.
func TestForwardAgreesWithAuthZEN(t *testing.T) {
	s := doorServer(t, Doors{Forward: &Forward{Mode: "nginx"}})
	var reader s3request.Reader
	n, yes := 0, 0
	for _, who := range []string{"saml/jean", "saml/max", "user/a"} {
		for _, org := range []string{"o1", "o2"} {
			for _, method := range []string{"GET", "PUT", "DELETE", "HEAD", "POST"} {
				for _, target := range []string{"/", "/b", "/b/k", "/b/tls/k", "/b/secret/a+b", "/c/k?acl", "/b/k?uploads", "/c?prefix=a", "/b?prefix=public%2Fx", "/c/k?versionId=v", "/d?policy", "/e", "/b/office/k?tagging"} {
					for _, headers := range [][]string{nil, {"x-amz-acl: private"}, {"x-amz-copy-source: b/secret/k"}, {"x-amz-tagging: a=b"}} {
						text := forwardHead("nginx", method, target, "10.1.2.3", true, append([]string{"X-Postern-Org: " + org, "X-Postern-Principal: " + who}, headers...)...)
						req := s3request.Request{Method: method, Target: target, Hosts: &s3request.Hosts{}, Now: clock.Unix()}
						for _, h := range headers {
							name, value, _ := strings.Cut(h, ": ")
							req.Headers = append(req.Headers, s3request.Header{Name: name, Value: value})
						}
						want := reader.Read(&req) == s3request.None
						for i := range reader.Questions {
							body := authzenOf(org, who, &reader, &reader.Questions[i])
							ctx := call(t, s, post(pathEvaluation, body))
							s.handle(ctx)
							want = want && strings.HasPrefix(string(ctx.Response.Body()), `{"decision":true`)
						}
						n++
						if got := answerOf(t, s, text) == "200"; got != want {
							t.Errorf("%s %s of %s %s %q: allowed %v, and %v at the main door", method, target, org, who, headers, got, want)
						}
						if want {
							yes++
						}
					}
				}
			}
		}
	}
	if yes < 50 || n-yes < 50 {
		t.Errorf("%d of %d are allowed: the test says little", yes, n)
	}
}

// authzenOf writes a question as AuthZEN does.
func authzenOf(org, who string, r *s3request.Reader, q *s3request.Question) string {
	provider, name, _ := strings.Cut(who, "/")
	kind := "bucket"
	owner := ""
	switch {
	case q.Object:
		kind = "object"
	case q.Resource == "*":
		kind = "organization"
	case q.Created:
		owner = fmt.Sprintf(`,"properties":{"org":%q}`, org)
	}
	var keys []string
	for _, a := range r.Keys(q) {
		var values []string
		for _, v := range a.Values {
			values = append(values, fmt.Sprintf("%q", v.Text))
		}
		keys = append(keys, fmt.Sprintf("%q:[%s]", a.Key, strings.Join(values, ",")))
	}
	keys = append(keys, `"aws:SourceIp":"10.1.2.3"`, `"aws:SecureTransport":true`, `"s3:TlsVersion":1.3`)
	return fmt.Sprintf(`{"subject":{"type":%q,"id":%q,"properties":{"org":%q}},"action":{"name":%q},"resource":{"type":%q,"id":%q%s},"context":{%s}}`,
		provider, name, org, q.Action, kind, q.Resource, owner, strings.Join(keys, ","))
}

// doorRequest is a plain request of a door.
type doorRequest struct {
	server     *served
	text, want string
}

func (d doorRequest) told(ctx *fasthttp.RequestCtx) string {
	return fmt.Sprint(ctx.Response.StatusCode(), string(ctx.Response.Header.Peek("X-Postern-Reason")), string(ctx.Response.Body()))
}

// doorRequests are the requests that must not cost an allocation.
func doorRequests(t testing.TB) map[string]doorRequest {
	out := map[string]doorRequest{}
	for _, mode := range ForwardModes() {
		s := doorServer(t, Doors{Forward: &Forward{Mode: mode}})
		out[mode+", allow"] = doorRequest{s, forwardHead(mode, "GET", "/b/dir/k.txt?versionId=v", "10.1.2.3", true, jean...), "200"}
		out[mode+", deny"] = doorRequest{s, forwardHead(mode, "DELETE", "/b/a%20b", "10.1.2.3", true, jean...), "403organization_deny" + deniedBody}
		out[mode+", copy"] = doorRequest{s, forwardHead(mode, "PUT", "/b/k", "10.1.2.3", true, append([]string{signedV4, "x-amz-copy-source: c/a%20b", "x-amz-acl: private"}, jean...)...), "200"}
	}
	stores := storeServer(t, MinIO{})
	for name, text := range map[string]string{
		"Ceph": cephPost(cephBody("GET", "/c/a", "versionId=v", "dir/a b", "c")), "MinIO": minioPost(minioBody("s3:GetObject", "c", "dir/a b")),
		"MinIO, escaped": minioPost(minioBody("s3:PutObject", "c", "k", `"account"`, `"\u0061ccount"`, "jean", `j\u0065an`)),
	} {
		out[name] = doorRequest{stores, text, `200{"result":true}`}
	}
	out["Ceph, deny"] = doorRequest{stores, cephPost(cephBody("DELETE", "/c/a", "", "a", "c")), `200{"result":false}`}
	out["MinIO, deny"] = doorRequest{stores, minioPost(minioBody("s3:ListBucket", "b", "", `"principaltype"`, `"prefix":["x"],"principaltype"`)), `200{"result":false}`}
	out["MinIO, claims"] = doorRequest{stores, minioPost(minioBody("s3:GetObject", "c", "k", `"claims":{}`, `"claims":{"parent":"jean","sub":"s","iss":"i","a":{"b":1}}`)), `200{"result":false}`}
	ca := newAuthority(t)
	s := doorServer(t, Doors{Forward: &Forward{Mode: "nginx", Identity: Identity{Certificate: &Certificates{CAs: []CA{{"", ca.pool}}, SPIFFE: map[string]string{"t": "o1"}}}}})
	out["certificate"] = doorRequest{s, forwardHead("nginx", "GET", "/b/k", "10.1.2.3", true, "X-Client-Cert: "+ca.issue(nil, "spiffe://t/a"), "X-Client-Verify: SUCCESS"), "200"}
	return out
}

// FuzzForward gives the doors heads that are made to be read in two ways: whatever
// they hold, the answer is 200, 401 or 403 with the body of that, and 200 only with the
// secret and to a caller of an organization that has policies.
func FuzzForward(f *testing.F) {
	servers := map[string]*served{}
	for _, mode := range ForwardModes() {
		servers[mode] = doorServer(f, Doors{Forward: &Forward{Mode: mode}})
		f.Add(mode, forwardHead(mode, "GET", "/b/k", "10.1.2.3", true, jean...))
		f.Add(mode, forwardHead(mode, "PUT", "/b/k+l?versionId=v", "10.1.2.3", true, append([]string{signedV4, "x-amz-copy-source: /b/secret/k?versionId=v", "X_Amz_Acl: x"}, jean...)...))
		f.Add(mode, forwardHead(mode, "DELETE", "/b//..%2f%00?acl&acl", "::1", false, append(jean, "X-HTTP-Method-Override: GET", "X-Original-Method: GET")...))
	}
	f.Fuzz(func(t *testing.T, mode, text string) {
		s := servers[mode]
		if s == nil {
			return
		}
		var ctx fasthttp.RequestCtx
		ctx.Init2(&conn{listener: &listener{server: s.Server}, all: s.connections}, quiet{s.Server.log}, false)
		if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(text))); err != nil {
			return
		}
		head := &ctx.Request.Header
		s.handle(&ctx)
		status := ctx.Response.StatusCode()
		if s.find(head.RequestURI()) == endpointOther {
			if status == 200 {
				t.Errorf("%q: %d", text, status)
			}
			return
		}
		if strings.HasPrefix(string(head.RequestURI()), pathAuthorize) && (status != 200 && status != 401 && status != 403 || string(ctx.Response.Body()) != map[bool]string{false: deniedBody}[status == 200]) {
			t.Errorf("%q: %d %q", text, status, ctx.Response.Body())
		}
		if !strings.HasPrefix(string(head.RequestURI()), pathAuthorize) || status != 200 {
			return
		}
		org := string(head.Peek("X-Postern-Org"))
		if !strings.Contains(text, doorSecret) || head.Peek("X-Postern-Principal") == nil || org != "o1" && org != "o2" && !strings.Contains(org, "%") {
			t.Errorf("%q is allowed", text)
		}
	})
}

// TestForwardKeepAlive: a connection of a proxy answers one request after the
// other, and a body that a request brings is no request.
func TestForwardKeepAlive(t *testing.T) {
	for _, mode := range ForwardModes() {
		s := serve(t, func(c *Config) {
			secrets := [][]byte{[]byte(doorSecret)}
			c.Doors = Doors{Secrets: func() [][]byte { return secrets }, Forward: &Forward{Mode: mode}}
		})
		s.config.Current.Store(snapshotOf(t, 7, doorPolicy))
		c := s.dial(t)
		put := forwardHead(mode, "PUT", "/b/k", "10.1.2.3", true, append([]string{signedV4}, jean...)...)
		del := forwardHead(mode, "DELETE", "/b/k", "10.1.2.3", true, jean...)
		for i, text := range []string{put, del, put, put} {
			want := 200
			if text == del {
				want = 403
			}
			if got := c.send(text).answer(); got.status != want {
				t.Errorf("%s: request %d of a connection: %+v", mode, i, got)
			}
		}
		if mode == "envoy" {
			continue // its proxy sends no body
		}
		inside := put
		smuggled := strings.Replace(del, "\r\n\r\n", fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(inside)), 1) + inside
		c = s.dial(t)
		if got := c.send(smuggled).answer(); got.status != 403 {
			t.Errorf("%s: a denied request with a body: %+v", mode, got)
		}
		c.closed()
	}
}

// TestForwardOnce: a secret that is shown twice is none, be one of them empty, and
// what asks for an explanation, which a proxy's client can send, changes nothing.
func TestForwardOnce(t *testing.T) {
	s := doorServer(t, Doors{Forward: &Forward{Mode: "nginx"}})
	whole := forwardHead("nginx", "GET", "/b/k", "10.1.2.3", true, jean...)
	line := "X-Postern-Secret: " + doorSecret + "\r\n"
	for with, want := range map[string]string{
		line: "200", line + line: "403 secret", line + "X-Postern-Secret: \r\n": "403 secret", "X-Postern-Secret:\r\n" + line: "403 secret",
		line + "x-postern-secret: x\r\n": "403 secret", "X_Postern_Secret: " + doorSecret + "\r\n": "403 secret", "": "403 secret",
		line + "X-Postern-Explain: true\r\n": "200",
	} {
		if got := answerOf(t, s, strings.Replace(whole, line, with, 1)); got != want {
			t.Errorf("%q: %s, want %s", with, got, want)
		}
	}
}

// TestForwardSmuggling: a head whose length can be read in two ways has one answer,
// no allow, and the end of the connection: what stands behind it is no request. (A
// proxy would take the answer to that for the answer to its next request.)
func TestForwardSmuggling(t *testing.T) {
	secrets := [][]byte{[]byte(doorSecret)}
	s := serve(t, func(c *Config) {
		c.Doors = Doors{Secrets: func() [][]byte { return secrets }, Forward: &Forward{Mode: "nginx"}, Ceph: true, Org: "o1"}
	})
	s.config.Current.Store(snapshotOf(t, 7, doorPolicy))
	put := forwardHead("nginx", "PUT", "/b/k", "10.1.2.3", true, append([]string{signedV4}, jean...)...)
	del := forwardHead("nginx", "DELETE", "/b/k", "10.1.2.3", true, jean...)
	ceph := cephPost(cephBody("GET", "/c/k", "", "k", "c"))
	length := fmt.Sprintf("Content-Length: %d", len(put))
	for _, framing := range []string{
		length + "\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\n" + length, "Content-Length: 0\r\n" + length, length + "\r\nContent-Length: 0", "Content-Length: +0", "Content-Length: 0x0",
		"Content-Length: 0, 5", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding : chunked", "X: a\r\n Transfer-Encoding: chunked",
		"Transfer-Encoding: chunked, identity", "Transfer-Encoding:\x0bchunked", "X: a\rTransfer-Encoding: chunked", "Content-Length : 0",
	} {
		for name, text := range map[string]string{"forward-auth": del, "Ceph": ceph[:strings.Index(ceph, "\r\n\r\n")+4]} {
			if name == "Ceph" {
				text = strings.Replace(text, "Content-Length", "X-Length", 1)
			}
			c := s.dial(t)
			c.send(strings.Replace(text, "\r\n\r\n", "\r\n"+framing+"\r\n\r\n", 1) + "0\r\n\r\n" + put)
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			all, err := io.ReadAll(c)
			if n := strings.Count(string(all), "HTTP/1.1 4") + strings.Count(string(all), "HTTP/1.1 2"); n != 1 || err != nil || strings.Contains(string(all), "HTTP/1.1 200") && !strings.Contains(string(all), `{"result":false}`) {
				t.Errorf("%s, %q: %d answers, %v: %q", name, framing, n, err, all)
			}
		}
	}
}
