package fuzz

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"postern/index"
	"postern/internal/conformance"
	"postern/internal/request"
	"postern/policy"
	"postern/sidecar"
)

// FuzzRequest gives hostile bytes to the door, in memory: as a request's body,
// to the decoder itself and through the handler, and as the connection's raw
// bytes. With a snapshot that holds no policy, nothing can be allowed; nothing
// panics, which the handler would turn into a 500; every request that came
// whole is answered.
func FuzzRequest(f *testing.F) {
	cases := conformance.Load(f)
	for i, c := range cases {
		if i%(len(cases)/60+1) == 0 {
			f.Add(c.Body)
			f.Add([]byte(`{"evaluations":[` + string(c.Body) + `,{}],` + string(c.Body[1:])))
		}
	}
	body := `{"subject":{"type":"saml","id":"\u006a\ud83d\ude00"},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k"},"context":{"aws:EpochTime":1,"l":[1,null,{}]}}`
	for _, text := range []string{
		body, `{"options":{"evaluations_semantic":"permit_on_first_permit"},"evaluations":[{},{"subject":5}],` + body[1:], `{"a":{"b":[[[[]]]],"b":1}}`,
		`{"subject":{"type":"token","id":"t","properties":{"claims":{"a.b":{"c":1,"":2},"q\"":3}}}}`, strings.Repeat("[", 40), "\xef\xbb\xbf{}",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"POST /access/v1/evaluations HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\nX-Postern-Explain: true\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"GET /metrics HTTP/1.0\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: a\r\n b\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(text))
	}

	var current index.Current
	current.Store(index.NewBuilder(nil).Freeze(1))
	book := &panics{}
	server, err := sidecar.New(sidecar.Config{Current: &current, Status: func() *policy.Status { return &policy.Status{} }, Logger: slog.New(slog.NewTextHandler(book, nil))})
	if err != nil {
		f.Fatal(err)
	}
	listener := &memoryListener{accept: make(chan net.Conn), closed: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	f.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			f.Error(err)
		}
		if err := <-done; err != nil {
			f.Error(err)
		}
	})

	f.Fuzz(func(t *testing.T, data []byte) {
		decodeHostile(t, data)
		head := " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(data)) + "\r\n"
		for _, first := range []string{"POST /access/v1/evaluation" + head, "POST /access/v1/evaluations" + head, "POST /access/v1/evaluations" + head + "X-Postern-Explain: true\r\n"} {
			answers := exchange(t, listener, append([]byte(first+"\r\n"), data...))
			if len(answers) != 1 {
				t.Fatalf("%d answers to one request", len(answers))
			}
			if a := answers[0]; a.StatusCode != 200 && a.StatusCode != 400 && a.StatusCode != 413 {
				t.Errorf("status %d", a.StatusCode)
			} else if a.StatusCode == 200 && !json.Valid(data) {
				t.Errorf("a body that is no JSON was answered: %q", data)
			}
		}
		exchange(t, listener, data)
		if text := book.String(); text != "" {
			t.Fatal(text)
		}
	})
}

// decodeHostile holds the decoder to what it promises about any bytes.
func decodeHostile(t *testing.T, data []byte) {
	var d request.Decoder
	before := bytes.Clone(data)
	r, err := d.Evaluation(data, 1)
	if err == nil {
		if !json.Valid(data) || !utf8.Valid(data) {
			t.Errorf("accepted, and no JSON: %q", data)
		}
		wellFormed(t, r)
		// What was decoded passes the check that the command line's requests
		// meet. A token may be anonymous by now; a time key that follows from
		// one that cannot be read is itself unreadable, and not stated by anybody.
		again := *r
		if len(again.Principal.IDs) > 0 && !unreadableTime(r.Context) {
			again.Context = append([]policy.Attribute(nil), r.Context...)
			if err := request.Check(&again); err != nil {
				t.Errorf("decoded, and refused by Check: %v: %q", err, data)
			}
			if again.Resource.Kind != r.Resource.Kind || len(again.Context) != len(r.Context) {
				t.Errorf("Check sees another request: %q", data)
			}
		}
	} else if message := err.Error(); message == "" || len(message) > 1000 || !utf8.ValidString(message) {
		t.Errorf("the message %q", message)
	}
	v := &visitor{t: t}
	single, _, err := d.Evaluations(data, 1, v)
	switch {
	case err == nil && !json.Valid(data):
		t.Errorf("accepted as a batch, and no JSON: %q", data)
	case err == nil && single == nil && v.items == 0:
		t.Errorf("neither a single evaluation nor items: %q", data)
	case err == nil && single != nil:
		wellFormed(t, single)
	}
	if !bytes.Equal(before, data) {
		t.Error("the decoder changed the body")
	}
}

// wellFormed checks what policy.Request says of a request that has passed.
func wellFormed(t *testing.T, r *policy.Request) {
	for _, id := range r.Principal.IDs {
		if provider, name, ok := strings.Cut(id, "/"); !ok || provider == "" || name == "" || provider == "group" || provider == "token" && len(r.Principal.IDs) > 1 {
			t.Errorf("the identifier %q", id)
		}
	}
	if r.Action == "" || r.Resource.ID == "" || r.Resource.Kind == policy.ResourceNone {
		t.Errorf("the request %+v", r)
	}
	seen := map[string]bool{}
	current, epoch := 0, 0
	for _, a := range r.Context {
		folded := foldASCII(a.Key)
		if folded == "" || seen[folded] || strings.HasPrefix(folded, "subject.") || folded == "cw:principalorgid" {
			t.Errorf("the context key %q", a.Key)
		}
		seen[folded] = true
		switch folded {
		case "aws:currenttime":
			current++
		case "aws:epochtime":
			epoch++
		}
		if a.Unreadable && len(a.Values) > 0 {
			t.Errorf("the key %q is unreadable and has values", a.Key)
		}
	}
	if current != epoch {
		t.Errorf("one time key without the other: %+v", r.Context)
	}
}

func unreadableTime(context []policy.Attribute) bool {
	for _, a := range context {
		if folded := foldASCII(a.Key); a.Unreadable && (folded == "aws:currenttime" || folded == "aws:epochtime") {
			return true
		}
	}
	return false
}

func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

type visitor struct {
	t     *testing.T
	items int
}

func (v *visitor) Restart() { v.items = 0 }

func (v *visitor) Ahead(r *policy.Request) {
	if r != nil {
		wellFormed(v.t, r)
	}
}

func (v *visitor) Item(r *policy.Request, err error) bool {
	v.items++
	if err == nil {
		wellFormed(v.t, r)
	}
	return false
}

// exchange sends all bytes on one connection, which then ends, and returns the
// answers.
func exchange(t *testing.T, l *memoryListener, data []byte) []*http.Response {
	c := &memoryConn{in: data, done: make(chan struct{})}
	l.accept <- c
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		t.Fatal("the connection was not closed")
	}
	var out []*http.Response
	r := bufio.NewReader(&c.out)
	for {
		if _, err := r.Peek(1); err != nil {
			return out
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			if bytes.Contains(data, []byte("HEAD ")) { // the answer has no body, and the reader cannot know
				return out
			}
			t.Fatalf("what came back is no HTTP: %v: %q", err, data)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			if bytes.Contains(data, []byte("HEAD ")) {
				return out
			}
			t.Fatalf("an answer cut off: %v: %q", err, data)
		}
		if answer.StatusCode >= 500 {
			t.Errorf("status %d: %s: %q", answer.StatusCode, body, data)
		}
		if bytes.Contains(body, []byte(`"decision":true`)) {
			t.Errorf("allowed without a policy: %s: %q", body, data)
		}
		if answer.StatusCode != 200 && bytes.Contains(body, []byte("decision\":")) {
			t.Errorf("a decision in an answer %d: %s: %q", answer.StatusCode, body, data)
		}
		if answer.Header.Get("Content-Type") == "application/json" && !json.Valid(body) {
			t.Errorf("the answer is no JSON: %s: %q", body, data)
		}
		if answer.StatusCode != 100 {
			out = append(out, answer)
		}
	}
}

// panics keeps what the server logs at warning or above.
type panics struct {
	mu sync.Mutex
	b  strings.Builder
}

func (p *panics) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *panics) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// memoryListener hands out connections that are made in memory.
type memoryListener struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memoryListener) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }

// memoryConn is a connection whose client has sent everything and waits.
type memoryConn struct {
	in   []byte
	out  bytes.Buffer
	done chan struct{}
	once sync.Once
}

func (c *memoryConn) Read(b []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *memoryConn) Write(b []byte) (int, error) { return c.out.Write(b) }

func (c *memoryConn) Close() error {
	err := errors.New("closed twice")
	c.once.Do(func() { close(c.done); err = nil })
	return err
}

func (c *memoryConn) LocalAddr() net.Addr              { return memoryAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return memoryAddr{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
