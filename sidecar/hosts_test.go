package sidecar

import (
	"strings"
	"testing"
)

// TestHostOf: a Host header is `HOST` or `HOST:PORT` and nothing else.
func TestHostOf(t *testing.T) {
	for header, want := range map[string]string{
		"localhost": "localhost", "localhost:80": "localhost", "LocalHost:8180": "LocalHost", "127.0.0.1": "127.0.0.1", "127.0.0.1:1": "127.0.0.1",
		"a-b.c_d.example:65535": "a-b.c_d.example", "[::1]": "::1", "[::1]:80": "::1", "[::ffff:127.0.0.1]:80": "::ffff:127.0.0.1",
		strings.Repeat("a", 255): strings.Repeat("a", 255), strings.Repeat("a", 255) + ":65535": strings.Repeat("a", 255),

		"": "", ":": "", ":80": "", "localhost:": "", "localhost:x": "", "localhost:8x": "", "localhost:+80": "", "localhost:-1": "", "localhost: 80": "",
		"localhost:0": "", "localhost:65536": "", "localhost:000080": "", "localhost:80:80": "", "localhost:80@evil.example": "", "localhost@evil.example": "",
		"evil@localhost": "", "user:80@localhost": "", "localhost:80/": "", "localhost/": "", "localhost#": "", "localhost?": "", "localhost,evil": "", "localhost evil": "",
		"localhost\\evil": "", "local%68ost": "", "localho\u017ft": "", "::1": "", "fe80::1:80": "", "1:2": "1", "[::1": "", "::1]": "", "[::1]x": "", "[::1]80": "", "[::1]:": "",
		"[::1]:x": "", "[]": "", "[]:80": "", "[localhost]": "", "[127.0.0.1]": "", "[fe80::1%eth0]": "", "[fe80::1%25eth0]:80": "", "[[::1]]": "",
		strings.Repeat("a", 262): "",
	} {
		if host, ok := hostOf(header); ok != (want != "") || ok && host != want {
			t.Errorf("%q: %q, %v, want %q", header, host, ok, want)
		}
	}
}

// TestHostIsTold: a Host header that is no host is a 400 or 403 that says so, and
// nothing about bodies.
func TestHostIsTold(t *testing.T) {
	s := serve(t, nil)
	for _, host := range []string{"127.0.0.1:x", "::1", "localhost:", "localhost:80@evil.example", "[::1", "localhost:65536", "a b", "%zz"} {
		for _, text := range []string{get("/healthz"), post(pathEvaluation, "{}")} {
			got := s.ask(t, strings.Replace(text, "Host: localhost", "Host: "+host, 1))
			if got.status != 400 && got.status != 403 || !strings.Contains(got.body, "the Host header is no HOST or HOST:PORT") {
				t.Errorf("Host %q: %+v", host, got)
			}
		}
	}
}

// TestJudgedByItsHead: what a head alone decides is answered before anything of
// the body has come, and the connection is closed.
func TestJudgedByItsHead(t *testing.T) {
	s := serve(t, nil)
	announced := "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"Host":    {"POST " + pathEvaluation + " HTTP/1.1\r\nHost: evil.example" + announced, 403},
		"Origin":  {"POST " + pathEvaluation + " HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example" + announced, 403},
		"path":    {"POST /nowhere HTTP/1.1\r\nHost: localhost" + announced, 404},
		"method":  {"PUT " + pathEvaluation + " HTTP/1.1\r\nHost: localhost" + announced, 405},
		"length":  {"POST " + pathEvaluation + " HTTP/1.1\r\nHost: localhost" + strings.Replace(announced, "1000", "1048577", 1), 413},
		"chunked": {"POST " + pathEvaluation + " HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n", 403},
		"expect":  {"POST " + pathEvaluation + " HTTP/1.1\r\nHost: evil.example\r\nExpect: 100-continue" + announced, 403},
		"lines":   {"POST " + pathEvaluation + " HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("a:b\r\n", maxHeaderLines) + announced[2:], 431},
	} {
		conn := s.dial(t).send(c.text)
		if got := conn.answer(); got.status != c.want || !got.last {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
		conn.closed()
	}
	s.counted(t, `{endpoint="evaluation",code="403"}`, 4)
	s.counted(t, `{endpoint="other",code="404"}`, 1)
}
