package sidecar

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestBodyTooLarge(t *testing.T) {
	s := serve(t, func(c *Config) { c.MaxBody = 1000 })
	good := evaluation("jean", "s3:GetObject", "object", "closed/k")
	fits := good + strings.Repeat(" ", 1000-len(good))
	if got := decode(t, s, fits); got.status != 200 {
		t.Errorf("1000 bytes: %+v", got)
	}
	want := "the body is longer than 1000 bytes"
	for name, text := range map[string]string{
		"1001 bytes": post(pathEvaluation, fits+" "),
		"many bytes": post(pathEvaluation, fits+strings.Repeat(" ", 5<<20)),
		"announced":  "POST " + pathEvaluation + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n",
		"chunked":    chunked(fits, " "),
		"after 100":  strings.Replace(post(pathEvaluation, fits+" "), "Host:", "Expect: 100-continue\r\nHost:", 1),
	} {
		c := s.dial(t)
		go func() { _, _ = io.WriteString(c.Conn, text) }()
		got := c.answer()
		for got.status == 100 {
			got = c.answer()
		}
		if got.status != 413 || !strings.Contains(got.body, want) || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	s.counted(t, `{endpoint="evaluation",code="413"}`, 5)
	// Where nothing is asked that has a body, its length does not matter.
	if got := s.ask(t, post("/nowhere", fits+" ")); got.status != 404 {
		t.Errorf("to a bad path: %+v", got)
	}
	// A client that sends all before it reads gets its answer too.
	if got := s.ask(t, post(pathEvaluation, fits+strings.Repeat(" ", 7<<20))); got.status != 413 {
		t.Errorf("sent before reading: %+v", got)
	}
	if got := s.ask(t, chunked(good[:50], good[50:])); got.body != allowed {
		t.Errorf("a chunked body: %+v", got)
	}
}

// chunked is a POST of a body in pieces.
func chunked(pieces ...string) string {
	text := "POST " + pathEvaluation + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, p := range append(pieces, "") {
		text += fmt.Sprintf("%x\r\n%s\r\n", len(p), p)
	}
	return text
}

func TestHeadersTooLarge(t *testing.T) {
	s := serve(t, nil)
	if got := s.ask(t, get("/healthz", "X: "+strings.Repeat("x", maxHeader-200))); got.status != 200 {
		t.Errorf("large headers: %+v", got)
	}
	if got := s.ask(t, get("/healthz", "X: "+strings.Repeat("x", maxHeader))); got.status != 431 {
		t.Errorf("larger headers: %+v", got)
	}
	if got := s.ask(t, get("/"+strings.Repeat("x", 2*maxHeader))); got.status != 431 {
		t.Errorf("a long path: %+v", got)
	}
}

// TestMalformed: what is not HTTP is a 400 on a closed connection, and nothing
// of it is logged.
func TestMalformed(t *testing.T) {
	s := serve(t, nil)
	good := evaluation("jean", "s3:GetObject", "object", "closed/k")
	both := strings.Replace(chunked(good), "Transfer-Encoding", fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding", len(good)), 1)
	says := map[string]string{
		"Transfer-Encoding gzip":  "the only Transfer-Encoding is chunked, stated once; or send Content-Length",
		"Transfer-Encoding twice": "the only Transfer-Encoding is chunked, stated once; or send Content-Length",
		"Content-Length twice":    "send one Content-Length",
		"Content-Length negative": "Content-Length is no number of bytes",
		"no Host":                 "the Host header is missing",
		"two Hosts":               "send one Host header",
		"bad chunk":               "the body is not as its Content-Length or Transfer-Encoding says",
		"no method":               "the request is not HTTP/1.1 as this server reads it",
	}
	for name, text := range map[string]string{
		"Content-Length and Transfer-Encoding": both,
		"the same, the other way round":        strings.Replace(chunked(good), "chunked\r\n", fmt.Sprintf("chunked\r\nContent-Length: %d\r\n", len(good)), 1),
		"the same in other case":               strings.Replace(both, "Content-Length", "content-LENGTH", 1),
		"Transfer-Encoding identity":           strings.Replace(post(pathEvaluation, good), "Content-Type", "Transfer-Encoding: identity\r\nContent-Type", 1),
		"Transfer-Encoding gzip":               strings.Replace(chunked(good), "chunked\r\n", "gzip\r\n", 1),
		"Transfer-Encoding twice":              strings.Replace(chunked(good), "Transfer-Encoding", "Transfer-Encoding: chunked\r\nTransfer-Encoding", 1),
		"Content-Length twice":                 strings.Replace(post(pathEvaluation, good), "Content-Length", "Content-Length: 5\r\nContent-Length", 1),
		"Content-Length negative":              strings.Replace(post(pathEvaluation, good), "Content-Length: ", "Content-Length: -", 1),
		"Content-Length with sign":             strings.Replace(post(pathEvaluation, good), "Content-Length: ", "Content-Length: +", 1),
		"folded header":                        strings.Replace(post(pathEvaluation, good), "Host:", "X-Secret: a\r\n b\r\nHost:", 1),
		"no Host":                              strings.Replace(post(pathEvaluation, good), "Host: localhost\r\n", "", 1),
		"two Hosts":                            strings.Replace(post(pathEvaluation, good), "Host: localhost\r\n", "Host: localhost\r\nHost: localhost\r\n", 1),
		"space before the colon":               strings.Replace(post(pathEvaluation, good), "Host:", "Secret : x\r\nHost:", 1),
		"line feeds only":                      strings.ReplaceAll(post(pathEvaluation, good), "\r\n", "\n"),
		"no method":                            " / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"no protocol":                          "GET /secret\r\nHost: localhost\r\n\r\n",
		"HTTP/2":                               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"bad target":                           "GET secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"TLS":                                  "\x16\x03\x01\x02\x00\x01\x00\x01\xfcsecret\r\n\r\n",
		"bad chunk":                            strings.Replace(chunked(good), "\r\n\r\n", "\r\n\r\nzz", 1),
		"header with NUL":                      get("/healthz", "X: \x00secret"),
		"two requests in a chunk trick":        both + get("/healthz"),
	} {
		c := s.dial(t).send(text)
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		if got := c.answer(); got.status != 400 || !got.last {
			t.Errorf("%s: %+v", name, got)
			continue
		} else if want := says[name]; want != "" && got.body != `{"error":"`+want+`"}` {
			t.Errorf("%s: %s, want %q", name, got.body, want)
		}
		c.closed()
	}
	if log := s.log.String(); strings.Contains(log, "ecret") || strings.Contains(log, "localhost") {
		t.Errorf("bytes of a request are in the log:\n%s", log)
	}
}

// TestTimeouts: no input holds a connection past its timeout, and a request
// that began is told so.
func TestTimeouts(t *testing.T) {
	const short = 80 * time.Millisecond
	s := serve(t, func(c *Config) { c.ReadTimeout, c.WriteTimeout, c.IdleTimeout = short, short, 2*short })
	good := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	header := strings.Index(good, "\r\n\r\n")
	var wait sync.WaitGroup
	for name, c := range map[string]struct {
		before, text string
		after        string // sent byte by byte, too slowly
	}{
		"silent":                     {"", "", ""},
		"first line cut off":         {"", good[:10], ""},
		"header cut off":             {"", good[:header-5], ""},
		"body cut off":               {"", good[:len(good)-5], ""},
		"slow header":                {"", "", good[:header]},
		"slow body":                  {"", good[:header+4], good[header+4:]},
		"body never sent after 100":  {"", strings.Replace(good[:header+4], "Host:", "Expect: 100-continue\r\nHost:", 1), ""},
		"chunk cut off":              {"", chunked("{", "}")[:128], ""},
		"second request cut off":     {good, good[:20], ""},
		"second request's body slow": {good, good[:header+4], good[header+4:]},
	} {
		wait.Add(1)
		go func() {
			defer wait.Done()
			conn := s.dial(t)
			if c.before != "" {
				if got := conn.send(c.before).answer(); got.status != 200 {
					t.Errorf("%s: first %+v", name, got)
				}
			}
			began := time.Now()
			conn.send(c.text)
			stop := make(chan struct{})
			go func() {
				for i := range len(c.after) {
					select {
					case <-stop:
						return
					case <-time.After(short / 4):
						_, _ = io.WriteString(conn.Conn, c.after[i:i+1])
					}
				}
			}()
			got := conn.answer()
			for got.status == 100 {
				got = conn.answer()
			}
			took := time.Since(began)
			close(stop)
			if got.status != 408 || !got.last {
				t.Errorf("%s: %+v", name, got)
			}
			if took < short || took > 5*time.Second {
				t.Errorf("%s: answered after %v", name, took)
			}
		}()
	}
	wait.Wait()
	s.counted(t, `{endpoint="other",code="408"}`, 6) // nothing came of a body
	s.counted(t, `{endpoint="evaluation",code="408"}`, 4)

	// An idle connection is closed without a word.
	c := s.dial(t)
	if got := c.send(good).answer(); got.status != 200 {
		t.Errorf("%+v", got)
	}
	began := time.Now()
	c.closed()
	if took := time.Since(began); took < 2*short {
		t.Errorf("an idle connection was closed after %v", took)
	}
	// One that is in use is not.
	c = s.dial(t)
	for range 8 {
		if got := c.send(good).answer(); got.status != 200 {
			t.Fatalf("a connection in use: %+v", got)
		}
		time.Sleep(short / 2)
	}
}

// TestSlowReader: a client that does not read its answers is dropped.
func TestSlowReader(t *testing.T) {
	const short = 80 * time.Millisecond
	s := serve(t, func(c *Config) { c.WriteTimeout = short })
	c := s.dial(t)
	_ = c.Conn.(*net.TCPConn).SetReadBuffer(4096)
	item := evaluation("max", "s3:GetObject", "object", "closed/k")
	batch := post(pathEvaluations, `{"evaluations":[`+strings.TrimSuffix(strings.Repeat(item+",", 1000), ",")+`]}`)
	deadline := time.Now().Add(15 * time.Second)
	for time.Now().Before(deadline) {
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := io.WriteString(c.Conn, batch); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				continue // the server does not read while it writes
			}
			return // dropped
		}
	}
	t.Error("a client that reads nothing was never dropped")
}

func TestMaxConnections(t *testing.T) {
	s := serve(t, func(c *Config) { c.MaxConnections = 3 })
	healthy := get("/healthz")
	var held []*client
	for range 3 {
		c := s.dial(t)
		if got := c.send(healthy).answer(); got.status != 200 {
			t.Fatalf("%+v", got)
		}
		held = append(held, c)
	}
	for range 5 {
		c := s.dial(t).send(post(pathEvaluation, strings.Repeat(" ", 100000)))
		got := c.answer()
		if got.status != 429 || !got.last || got.header.Get("Content-Type") != "application/json" {
			t.Fatalf("a fourth connection: %+v", got)
		}
		c.Close()
	}
	if got := held[1].send(healthy).answer(); got.status != 200 {
		t.Errorf("a held connection: %+v", got)
	}
	if got := held[2].send(get("/metrics")).answer(); !strings.Contains(got.body, `postern_http_requests_total{endpoint="evaluation",code="429"} 5`) {
		t.Error("the refused connections are not counted")
	}
	held[0].Close()
	deadline := time.Now().Add(10 * time.Second)
	for {
		c := s.dial(t).send(healthy)
		r, err := http.ReadResponse(c.r, nil)
		if err == nil && r.StatusCode == 200 {
			break
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatal("a closed connection does not make room for another")
		}
	}
}

// TestKeepAlive: many requests on one connection, also sent at once.
func TestKeepAlive(t *testing.T) {
	s := serve(t, nil)
	yes := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	no := post(pathEvaluation, evaluation("max", "s3:GetObject", "object", "closed/k"))
	c := s.dial(t).send(strings.Repeat(yes+no, 50) + get("/nowhere") + post(pathEvaluation, "nonsense") + yes)
	for i := range 50 {
		if got := c.answer(); got.body != allowed {
			t.Fatalf("%d: %+v", i, got)
		}
		if got := c.answer(); got.body != denyNoMatch {
			t.Fatalf("%d: %+v", i, got)
		}
	}
	for _, status := range []int{404, 400, 200} {
		if got := c.answer(); got.status != status {
			t.Errorf("%+v, want %d", got, status)
		}
	}
	old := s.dial(t).send(strings.Replace(yes, "HTTP/1.1", "HTTP/1.0", 1))
	if got := old.answer(); got.body != allowed {
		t.Errorf("HTTP/1.0: %+v", got)
	}
	old.closed()
	last := s.dial(t).send(strings.Replace(yes, "Host:", "Connection: close\r\nHost:", 1))
	if got := last.answer(); got.body != allowed {
		t.Errorf("Connection: close: %+v", got)
	}
	last.closed()
}
