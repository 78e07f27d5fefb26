package loadgen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve answers on a network until the test ends, with net/http: a server that
// shares nothing with the client.
func serve(t *testing.T, network string, handler http.HandlerFunc) (address string) {
	t.Helper()
	address = "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: handler}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// numbered are requests whose bodies say which they are.
func numbered(n int) (requests [][]byte) {
	for i := range n {
		requests = append(requests, Post("/n", fmt.Sprint(i), "X-Request-ID: r"))
	}
	return requests
}

// echo answers with the request's body.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Request-ID") != "r" || r.Header.Get("Content-Type") != "application/json" || r.Host != "localhost" {
		w.WriteHeader(400)
	}
	_, _ = io.Copy(w, r.Body)
}

// TestEveryAnswerIsItsRequests: on both networks every answer is checked with
// the number of its own request, each connection begins elsewhere, and what is
// counted is what the server was asked.
func TestEveryAnswerIsItsRequests(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		var served, checked atomic.Uint64
		address := serve(t, network, func(w http.ResponseWriter, r *http.Request) { served.Add(1); echo(w, r) })
		seen := make([]atomic.Uint64, 10)
		l := Load{Network: network, Address: address, Connections: 5, Requests: numbered(10), Count: 1003, Check: func(i int, body []byte) error {
			checked.Add(1)
			seen[i].Add(1)
			if string(body) != fmt.Sprint(i) {
				return fmt.Errorf("got %q", body)
			}
			return nil
		}}
		r, err := l.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Latency.Count(); n != 1003 || served.Load() != n || checked.Load() != n {
			t.Errorf("%s: %d counted, %d served, %d checked, want 1003", network, n, served.Load(), checked.Load())
		}
		if p := r.Latency.Quantile(0.5); p <= 0 || p > r.Elapsed || r.PerSecond() < 1 {
			t.Errorf("%s: p50 %v of a load of %v", network, p, r.Elapsed)
		}
		for i := range seen {
			if seen[i].Load() == 0 {
				t.Errorf("%s: request %d was never sent", network, i)
			}
		}
	}
}

// TestEnds: a load ends by its duration, and by its context, without an error.
func TestEnds(t *testing.T) {
	l := Load{Network: "tcp", Address: serve(t, "tcp", echo), Connections: 2, Requests: numbered(3), Duration: 30 * time.Millisecond,
		Check: func(int, []byte) error { return nil }}
	r, err := l.Run(t.Context())
	if err != nil || r.Elapsed < l.Duration || r.Latency.Count() == 0 {
		t.Errorf("%v, %d answers in %v", err, r.Latency.Count(), r.Elapsed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.Duration = 0
	l.Check = func(int, []byte) error { cancel(); return nil }
	if r, err = l.Run(ctx); err != nil || r.Latency.Count() == 0 {
		t.Errorf("%v, %d answers", err, r.Latency.Count())
	}
}

// TestFaults: whatever is wrong with an answer is an error that tells which.
func TestFaults(t *testing.T) {
	refusal := errors.New("refused by the check")
	for _, c := range []struct{ name, answer, want string }{
		{"status", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "503"},
		{"another version", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0"},
		{"no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "no Content-Length"},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", `"x"`},
		{"too much", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", "no request asked for"},
		{"too little", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "unexpected EOF"},
		{"nothing", "", "EOF"},
		{"half a header", "HTTP/1.1 200", "unexpected EOF"},
		{"refused", "HTTP/1.1 200 OK\r\ncontent-LENGTH:2\r\n\r\nno", refusal.Error()},
		{"silence", "-", "timeout"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			if c.answer == "-" {
				<-t.Context().Done()
			} else {
				_, _ = io.WriteString(conn, c.answer)
			}
			_ = conn.Close()
		}()
		load := Load{Network: "tcp", Address: l.Addr().String(), Requests: [][]byte{Post("/", "the body of request 0")}, Count: 1, Timeout: 100 * time.Millisecond,
			Check: func(_ int, body []byte) error {
				if string(body) == "no" {
					return refusal
				}
				return nil
			}}
		r, err := load.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "the body of request 0") || r.Latency.Count() != 0 {
			t.Errorf("%s: %v, %d answers", c.name, err, r.Latency.Count())
		}
		_ = l.Close()
	}
	if _, err := (&Load{Network: "tcp", Address: "127.0.0.1:1", Requests: numbered(1), Check: func(int, []byte) error { return nil }}).Run(t.Context()); err == nil {
		t.Error("a server that is not there was no error")
	}
}

// TestAnswerInPieces: an answer is the same however it is cut, a long one too.
func TestAnswerInPieces(t *testing.T) {
	body := strings.Repeat("0123456789", 2000)
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: %d\r\nDate: y\r\n\r\n%s", len(body), body)
	for _, piece := range []int{1, 3, 17, 4096, len(answer)} {
		r := reader{from: &pieces{strings.NewReader(strings.Repeat(answer, 2)), piece, len(answer)}}
		for range 2 {
			if got, err := r.next(200); err != nil || string(got) != body {
				t.Errorf("in pieces of %d: %d bytes, %v", piece, len(got), err)
			}
		}
	}
}

// pieces gives at most n bytes a read, and none of a second answer with the
// end of the first.
type pieces struct {
	from *strings.Reader
	n    int
	each int
}

func (p *pieces) Read(b []byte) (int, error) {
	left := p.from.Len() % p.each
	if left == 0 {
		left = p.each
	}
	return p.from.Read(b[:min(len(b), p.n, left)])
}

func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		body string
		want string // a letter an item, "" for an error
	}{
		{`{"decision":true}`, "t"},
		{`{"decision":false}`, "f"},
		{`{"decision":false,"context":{"reason":"a}b\"}","generation":7}}`, "f"},
		{`{"decision":true,"context":{"obligations":[{"id":"max-open","type":"max_open_seconds","properties":{"seconds":5}}]}}`, "t"},
		{`{"decision":true`, ""},
		{`{"decision":true,"context":{}`, ""},
		{`{"decision":trueish}`, ""},
		{`{"decision":"true"}`, ""},
		{`{"error":"x"}`, ""},
		{`{"decision":true}x`, ""},
		{``, ""},
	} {
		allowed, err := Decision([]byte(c.body))
		if (err == nil) != (c.want != "") || allowed != (c.want == "t") && err == nil {
			t.Errorf("%s: %v, %v", c.body, allowed, err)
		}
	}
	for _, c := range []struct{ body, want string }{
		{`{"evaluations":[{"decision":true}]}`, "t"},
		{`{"evaluations":[{"decision":true},{"decision":false,"context":{"reason":"]},{\"decision\":true}"}},{"decision":true}]}`, "tft"},
		{`{"evaluations":[{"decision":true},]}`, ""},
		{`{"evaluations":[]}`, ""},
		{`{"evaluations":[{"decision":true}]`, ""},
		{`{"evaluations":[{"decision":true}{"decision":true}]}`, ""},
		{`{"decision":true}`, ""},
	} {
		got, err := Decisions(nil, []byte(c.body))
		letters := ""
		for _, allowed := range got {
			letters += map[bool]string{true: "t", false: "f"}[allowed]
		}
		if (err == nil) != (c.want != "") || err == nil && letters != c.want {
			t.Errorf("%s: %q, %v", c.body, letters, err)
		}
	}
}

// TestStatusIsAskedFor: each answer has to have the status of its own request,
// and a request that is answered with another ends the load.
func TestStatusIsAskedFor(t *testing.T) {
	address := serve(t, "tcp", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == "3" {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	l := Load{Network: "tcp", Address: address, Requests: numbered(5), Count: 20, Check: func(int, []byte) error { return nil }}
	l.Status = func(i int) int {
		if i == 3 {
			return 403
		}
		return 200
	}
	if _, err := l.Run(t.Context()); err != nil {
		t.Error(err)
	}
	for _, wrong := range []func(i int) int{nil, func(int) int { return 403 }, func(i int) int { return 200 + i }} {
		l.Status = wrong
		if _, err := l.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "status") {
			t.Errorf("a wrong status: %v", err)
		}
	}
}
