package sidecar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"postern/internal/s3request"
)

// formHeads are heads of a mode, of one form, with the status that each gets.
func formHeads(mode string) map[string]string {
	head := func(method, target, user string, secure bool, more ...string) string {
		return forwardHead(mode, method, target, "10.1.2.3", secure, append(append([]string{signedV4}, more...), "X-Postern-Org: o1", "X-Postern-Principal: "+user)...)
	}
	return map[string]string{
		head("GET", "/b/k", "saml/jean", true):                       "200",
		head("HEAD", "/b/another/k?versionId=v", "saml/jean", false): "200",
		head("DELETE", "/b/k", "saml/jean", true):                    "403",
		head("GET", "/b//k", "saml/jean", true):                      "403",
		head("GET", "/b/k", "", true):                                "401",
		head("GET", "/b/k?acl&policy", "saml/jean", true):            "403",
		head("GET", "/b/k", "saml/max", true):                        "403",
	}
}

// TestForms: a head of the form of the one before is answered as the handler answers
// it, byte for byte; and one that differs in more is left to it.
func TestForms(t *testing.T) {
	for _, mode := range []string{"nginx", "haproxy", "caddy", "traefik"} {
		s := doorServer(t, Doors{Forward: &Forward{Mode: mode}})
		head := func(method, target string, more ...string) string {
			return forwardHead(mode, method, target, "10.1.2.3", true, append(more, jean...)...)
		}
		yes, no := head("GET", "/b/k"), head("DELETE", "/b/longer/key")
		with := func(line string) string {
			return strings.Replace(yes, "\r\nX-Postern-Org", "\r\n"+line+"\r\nX-Postern-Org", 1)
		}
		first := func(line string) string { return strings.Replace(yes, "GET /authorize HTTP/1.1", line, 1) }
		changed := func(from, to string) string {
			if !strings.Contains(yes, from) {
				t.Fatalf("%s: no %q", mode, from)
			}
			return strings.Replace(yes, from, to, 1)
		}
		for _, c := range []struct {
			name   string
			pieces []string
			how    string
		}{
			{"one form", []string{yes, no, yes, no, yes}, "hrrrr"},
			{"a signature", []string{with("Authorization: AWS K:a"), with("Authorization: AWS L:b"), with("Authorization: AWS4"), with("Authorization:")}, "hrrr"},
			{"a header more", []string{yes, with("X-Amz-Acl: private"), with("X-Amz-Acl: public-read"), yes}, "hhrh"},
			{"another case", []string{yes, changed("X-Postern-Org", "x-postern-org"), yes}, "hhh"},
			{"another order", []string{yes, changed("X-Postern-Org: o1\r\nX-Postern-Principal: saml/jean", "X-Postern-Principal: saml/jean\r\nX-Postern-Org: o1"), yes}, "hhh"},
			{"another host", []string{yes, changed("\r\nHost: ", "\r\nHost: x"), yes}, ""},
			{"another secret", []string{yes, changed(doorSecret, doorSecret+"new"), changed(doorSecret, doorSecret+"old"), yes}, ""},
			{"a control character", []string{yes, changed("saml/jean", "saml/\x01"), yes}, ""},
			{"a tab", []string{yes, changed("saml/jean", "saml/jean\t"), yes}, ""},
			{"a byte from 0x80", []string{yes, changed("saml/jean", "saml/j\xc3\xa4"), yes}, ""},
			{"an end of line in a value", []string{yes, changed("saml/jean", "saml/jean\nX-Postern-Groups: a"), yes}, ""},
			{"a lone CR", []string{yes, changed("saml/jean", "saml/jean\rX"), yes}, ""},
			{"a folded value", []string{yes, changed("saml/jean", "saml/jean\r\n more"), yes}, ""},
			{"a value that ends the head", []string{yes, changed("saml/jean", "saml/jean\r\n\r\nGET /b HTTP/1.1"), yes}, ""},
			{"a blank before a colon", []string{yes, changed("X-Postern-Org:", "X-Postern-Org :"), yes}, ""},
			{"no blank", []string{yes, changed("X-Postern-Org: o1", "X-Postern-Org:o1"), yes}, "hrr"},
			{"a length", []string{with("Content-Length: 0"), with("Content-Length: 0"), yes, yes}, "hhhr"},
			{"a body", []string{yes, with("Content-Length: 4") + "body", yes}, ""},
			{"a coding", []string{with("Transfer-Encoding: chunked") + "0\r\n\r\n", with("Transfer-Encoding: chunked") + "0\r\n\r\n"}, ""},
			{"closing", []string{yes, with("Connection: close"), yes}, "hh"},
			{"expecting", []string{with("Expect: 100-continue"), with("Expect: 100-continue")}, ""},
			{"an id", []string{with("X-Request-ID: 1"), with("X-Request-ID: 2"), with("X-Request-ID: 2")}, "hhh"},
			{"kept alive, then closing", []string{with("Connection: keep-alive"), with("Connection: keep-alive"), with("Connection: close"), yes}, "hrh"},
			{"an origin", []string{with("Origin: http://x"), with("Origin: http://x")}, "hh"},
			{"another method", []string{first("POST /authorize HTTP/1.1"), first("POST /authorize HTTP/1.1"), yes, yes}, ""},
			{"a path below", []string{first("GET /authorize/x HTTP/1.1"), first("GET /authorize/x HTTP/1.1"), yes, yes}, "hhhr"},
			{"a query", []string{first("GET /authorize?x HTTP/1.1"), first("GET /authorize?x HTTP/1.1")}, "hh"},
			{"HTTP/1.0", []string{first("GET /authorize HTTP/1.0"), first("GET /authorize HTTP/1.0")}, ""},
			{"two in one piece", []string{yes, yes + no, no, yes}, "hhrr"},
			{"cut", []string{yes, no[:40], no[40:], yes}, ""},
			{"cut before its end", []string{yes, yes[:len(yes)-2], "\r\n", yes}, "hhr"},
			{"one and a half", []string{yes, yes + no[:30], no[30:], yes}, ""},
			{"many forms", []string{yes, with("A: b"), with("A: c"), with("A: c"), yes}, "hhhrh"},
			{"a long head", []string{with("X-Amz-Meta-A: " + strings.Repeat("b", maxForm)), with("X-Amz-Meta-A: " + strings.Repeat("b", maxForm))}, "hh"},
			{"a long value", []string{with("X-Amz-Meta-A: b"), with("X-Amz-Meta-A: " + strings.Repeat("b", maxForm))}, "hr"},
			{"an evaluation between", []string{yes, repeatYes, yes, repeatYes}, "hhrr"},
		} {
			got, want := s.play(t, true, c.pieces...), s.play(t, false, c.pieces...)
			if got.text() != want.text() || strings.Contains(want.how(), "r") {
				t.Errorf("%s, %s: answered (%s)\n%s\nby the handler (%s)\n%s", mode, c.name, got.how(), got.text(), want.how(), want.text())
			}
			if c.how != "" && got.how() != c.how {
				t.Errorf("%s, %s: answered by %q, want %q", mode, c.name, got.how(), c.how)
			}
		}
	}
}

// TestFreeValues: what HTTP, judge or the answer depend on may not differ between heads of
// one form.
func TestFreeValues(t *testing.T) {
	for _, name := range []string{"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "te", "trailer", "connection", "keep-alive", "proxy-connection", "upgrade",
		"expect", "origin", "sec-fetch-site", "cookie", "x-request-id", "x-auth-token", "x-postern-secret", "x-postern-explain", "x-postern-token", "if-none-match", "x-amz", "x-forwarded", "x-original-", ""} {
		if freeValue(name) || freeValue(strings.ToUpper(name)) {
			t.Errorf("the value of %q may differ", name)
		}
	}
}

// TestFormsOfEnvoy is TestForms where the first line is what is asked.
func TestFormsOfEnvoy(t *testing.T) {
	s := doorServer(t, Doors{Forward: &Forward{Mode: "envoy"}})
	head := func(method, target string) string {
		return forwardHead("envoy", method, target, "10.1.2.3", true, jean...)
	}
	yes, no := head("GET", "/b/k"), head("DELETE", "/b/longer/key")
	first := func(line string) string { return strings.Replace(yes, "GET /authorize/b/k HTTP/1.1", line, 1) }
	changed := func(from, to string) string {
		if !strings.Contains(yes, from) {
			t.Fatalf("no %q", from)
		}
		return strings.Replace(yes, from, to, 1)
	}
	for _, c := range []struct {
		name   string
		pieces []string
		how    string
	}{
		{"one form", []string{yes, no, yes, head("PUT", "/b/k?versionId=v"), head("POST", "/b?delete"), yes}, "hrrrrr"},
		{"HEAD, whose answers have no body", []string{yes, head("HEAD", "/b/no"), head("HEAD", "/b/k"), yes}, "hhhr"},
		{"first HEAD", []string{head("HEAD", "/b/k"), yes, yes}, "hhr"},
		{"CONNECT", []string{yes, head("CONNECT", "/b/k"), yes}, ""},
		{"a method of the client's own", []string{yes, head("GETS", "/b/k"), head("get", "/b/k"), head("", "/b/k"), yes}, ""},
		{"every byte of a path", []string{yes, head("GET", "/b/!\"#$%&'()*+,-.0:;<=>?@[\\]^_`{|}~"), head("GET", "/b/%41%2f..%"), yes}, "hrrr"},
		{"dots", []string{yes, head("GET", "/../b/k"), head("GET", "//b/k"), head("GET", "/."), yes}, "hrrrr"},
		{"no path", []string{yes, head("GET", ""), head("GET", "?x"), head("GET", "x"), yes}, ""},
		{"another endpoint", []string{yes, first("GET /healthz HTTP/1.1"), first("GET /authorized/b HTTP/1.1"), yes}, "hhhr"},
		{"a whole URL", []string{yes, first("GET http://store/authorize/b/k HTTP/1.1"), yes}, "hhr"},
		{"a blank in the path", []string{yes, first("GET /authorize/b/k a HTTP/1.1"), yes}, ""},
		{"two blanks", []string{yes, first("GET  /authorize/b/k HTTP/1.1"), yes}, ""},
		{"a tab", []string{yes, first("GET /authorize/b\t HTTP/1.1"), yes}, ""},
		{"a tab for a blank", []string{yes, first("GET\t/authorize/b/k HTTP/1.1"), yes}, ""},
		{"no blank", []string{yes, first("GETS/authorize/b/k HTTP/1.1"), yes}, ""},
		{"a delete character", []string{yes, first("GET /authorize/b/\x7f HTTP/1.1"), yes}, ""},
		{"a body each", []string{changed("Content-Length: 0", "Content-Length: 4") + "body", changed("Content-Length: 0", "Content-Length: 4"), "body"}, ""},
		{"a byte from 0x80", []string{yes, first("GET /authorize/b/\xc3\xa4 HTTP/1.1"), yes}, ""},
		{"a line in the path", []string{yes, first("GET /authorize/b/k\r\nA: b HTTP/1.1"), yes}, ""},
		{"HTTP/1.0", []string{yes, first("GET /authorize/b/k HTTP/1.0"), yes}, ""},
		{"no version", []string{yes, first("GET /authorize/b/k"), yes}, ""},
		{"another host", []string{yes, changed("Host: store", "Host: other"), yes}, "hhh"},
		{"no length", []string{changed("Content-Length: 0\r\n", ""), changed("Content-Length: 0\r\n", ""), yes, yes}, "hhhr"},
		{"a length", []string{yes, changed("Content-Length: 0", "Content-Length: 4") + "body", yes}, ""},
		{"a length twice", []string{changed("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"), changed("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 4") + "body", yes}, ""},
		{"a coding", []string{changed("Content-Length: 0", "Transfer-Encoding: chunked") + "0\r\n\r\n", yes, yes}, ""},
		{"cut in the first line", []string{yes, no[:15], no[15:], yes}, ""},
		{"two in one piece", []string{yes, yes + no, no}, "hhr"},
	} {
		got, want := s.play(t, true, c.pieces...), s.play(t, false, c.pieces...)
		if got.text() != want.text() || strings.Contains(want.how(), "r") {
			t.Errorf("%s: answered (%s)\n%s\nby the handler (%s)\n%s", c.name, got.how(), got.text(), want.how(), want.text())
		}
		if c.how != "" && got.how() != c.how {
			t.Errorf("%s: answered by %q, want %q", c.name, got.how(), c.how)
		}
	}
}

// TestFormsAtRandom plays heads of one form and of others, whole and in pieces; the
// answers are counted alike.
func TestFormsAtRandom(t *testing.T) {
	for _, mode := range []string{"nginx", "haproxy", "caddy", "traefik", "envoy"} {
		servers := [2]*served{doorServer(t, Doors{Forward: &Forward{Mode: mode}}), doorServer(t, Doors{Forward: &Forward{Mode: mode}})}
		r := rand.New(rand.NewPCG(5, 6))
		requests := []string{get("/healthz"), forwardHead(mode, "GET", "/b/k", "10.1.2.3", true, jean...)}
		for text, want := range formHeads(mode) {
			if got := answerOf(t, servers[0], text); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
			answerOf(t, servers[1], text)
			requests = append(requests, text)
		}
		repeated := 0
		for range 700 {
			var pieces []string
			for range 1 + r.IntN(8) {
				text := requests[r.IntN(len(requests))]
				switch r.IntN(10) {
				case 0: // with the one before
					if n := len(pieces); n > 0 {
						pieces[n-1] += text
						continue
					}
				case 1: // cut
					at := 1 + r.IntN(len(text)-1)
					pieces = append(pieces, text[:at])
					text = text[at:]
				case 2: // a byte is another
					at := r.IntN(len(text))
					text = text[:at] + string(byte(r.IntN(256))) + text[at+1:]
				}
				pieces = append(pieces, text)
			}
			with, without := servers[0].play(t, true, pieces...), servers[1].play(t, false, pieces...)
			if with.text() != without.text() {
				t.Fatalf("%q\nanswered (%s)\n%s\nby the handler\n%s", pieces, with.how(), with.text(), without.text())
			}
			repeated += strings.Count(with.how(), "r")
		}
		if repeated < 300 {
			t.Errorf("%s: only %d answers were not the handler's", mode, repeated)
		}
		with, without := servers[0].blocks.sum(), servers[1].blocks.sum()
		clear(with.durations[:])
		clear(without.durations[:])
		if with != without {
			t.Errorf("%s: counted %v, by the handler %v", mode, with, without)
		}
	}
}

// TestFormsSeeTheServer: a secret that is no longer valid, and a snapshot that is gone,
// show in a head of the kept form too; each answer has its line in the decision log.
func TestFormsSeeTheServer(t *testing.T) {
	var current atomic.Pointer[[][]byte]
	list := [][]byte{[]byte(doorSecret)}
	current.Store(&list)
	s := build(t, func(c *Config) {
		c.Doors = Doors{Forward: &Forward{Mode: "nginx"}, Secrets: func() [][]byte { return *current.Load() }}
	})
	s.config.Current.Store(snapshotOf(t, 7, doorPolicy))
	l, read := logBuilt(t, nil)
	logTo(s, l)
	yes := forwardHead("nginx", "GET", "/b/k", "10.1.2.3", true, jean...)
	c := &script{pieces: []string{yes, yes, yes, yes, yes, yes}}
	c.begin(t, s, true)
	answers := 0
	c.onWrite = func() {
		switch answers++; answers {
		case 2:
			current.Store(&[][]byte{[]byte("another")})
		case 3:
			current.Store(&list)
		case 4:
			s.config.Current.Store(nil)
		case 5:
			s.config.Current.Store(snapshotOf(t, 8, doorPolicy))
		}
	}
	_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
	got := ""
	for _, answer := range strings.Split(c.text(), "HTTP/1.1 ")[1:] {
		_, reason, _ := strings.Cut(answer, "X-Postern-Reason: ")
		reason, _, _ = strings.Cut(reason, "\r\n")
		got += fmt.Sprint(strings.Fields(answer)[0], " ", reason, ", ")
		if !strings.Contains(answer, "X-Request-Id: ") {
			t.Errorf("no id: %q", answer)
		}
	}
	if got != "200 , 200 , 403 secret, 200 , 403 unavailable, 200 , " || c.how() != "hrhrrr" {
		t.Errorf("answered %q by %s", got, c.how())
	}
	lines := told(read())
	slices.Sort(lines) // they are in no order
	const allow = "allow allowed s3:GetObject b/k"
	if want := []string{allow, allow, allow, allow, "deny secret", "deny unavailable"}; !slices.Equal(lines, want) {
		t.Errorf("logged %q", lines)
	}
}

// TestFormsOfHosts: where the Host is what names the bucket, it is that of the head.
func TestFormsOfHosts(t *testing.T) {
	for _, mode := range []string{"envoy", "caddy", "nginx"} {
		s := doorServer(t, Doors{Forward: &Forward{Mode: mode}, Hosts: s3request.Hosts{Domains: []string{"store"}}})
		head := func(bucket, method, key string) string {
			return strings.NewReplacer("Host: store", "Host: "+bucket+".store").Replace(forwardHead(mode, method, "/"+key, "10.1.2.3", true, jean...))
		}
		pieces := []string{head("b", "GET", "k"), head("b", "DELETE", "longer/key"), head("b", "GET", "secret/k"), head("b", "GET", "k"), head("c", "GET", "k"), head("b", "GET", "k")}
		got, want := s.play(t, true, pieces...), s.play(t, false, pieces...)
		if got.text() != want.text() || !strings.Contains(got.how(), "r") || strings.Count(want.text(), "HTTP/1.1 200") < 2 {
			t.Errorf("%s: answered (%s)\n%s\nby the handler\n%s", mode, got.how(), got.text(), want.text())
		}
	}
}
