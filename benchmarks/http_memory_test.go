package benchmarks

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"postern/internal/loadgen"
	"postern/internal/policygen"
	"postern/policy"
)

// BenchmarkHTTPInMemory measures both servers with no kernel between: one
// connection that hands over whole requests and takes whole answers. What it
// shows is all that postern's door, decoder and decision add; its instructions
// can be counted, and come out the same on a busy machine (RESULTS.md).
func BenchmarkHTTPInMemory(b *testing.B) { inMemory(b, policygen.Users(10_000, seed)) }

// BenchmarkHTTPInMemoryField is BenchmarkHTTPInMemory on `field`.
func BenchmarkHTTPInMemoryField(b *testing.B) { inMemory(b, policygen.Field(10_000, seed)) }

func inMemory(b *testing.B, w *policygen.Workload) {
	snapshot, questions := compiled(b, w, hotSet)
	requests := make([][]byte, len(questions))
	for i := range questions {
		requests[i] = loadgen.Post("/access/v1/evaluation", string(evaluation(&questions[i].Request)))
	}
	constant := constantServer(`{"decision":true}`)
	postern := posternServer(b, snapshot)
	for _, s := range []struct {
		name  string
		serve func(net.Listener) error
		want  func(i int) bool
	}{
		{"constant", constant.Serve, func(int) bool { return true }},
		{"postern", postern.Serve, func(i int) bool { return questions[i].Want == policy.Allow }},
	} {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			c := &memory{requests: requests, left: b.N, want: s.want, end: make(chan struct{})}
			l := &once{conn: c, closed: make(chan struct{})}
			go func() { _ = s.serve(l) }()
			<-c.end
			if c.err != nil || c.answers != b.N {
				b.Errorf("%d answers: %v", c.answers, c.err)
			}
			close(l.closed)
		})
	}
}

// once is a listener that accepts one connection.
type once struct {
	conn   *memory
	taken  bool
	closed chan struct{}
}

func (l *once) Accept() (net.Conn, error) {
	if !l.taken {
		l.taken = true
		return l.conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}
func (l *once) Close() error   { return nil }
func (l *once) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// memory is a connection and its client in one: each Read returns a whole
// request, and each Write takes a whole answer and checks it.
type memory struct {
	net.Conn
	requests      [][]byte
	at, left      int
	answers       int
	want          func(i int) bool
	err           error
	end           chan struct{}
	asked, broken bool
}

func (c *memory) Read(b []byte) (int, error) {
	if c.left == 0 || c.broken {
		return 0, io.EOF
	}
	if c.asked {
		c.err, c.broken = errors.New("a request was read before the last was answered"), true
	}
	c.left--
	c.asked = true
	return copy(b, c.requests[c.at]), nil
}

func (c *memory) Write(b []byte) (int, error) {
	ok := bytes.HasPrefix(b, []byte("HTTP/1.1 200 OK\r\n"))
	if c.want(c.at) {
		ok = ok && bytes.HasSuffix(b, []byte("\r\n\r\n"+`{"decision":true}`))
	} else {
		ok = ok && bytes.Contains(b, []byte("\r\n\r\n"+`{"decision":false,`))
	}
	if !ok {
		c.err, c.broken = errors.New(string(b)), true
	}
	c.asked = false
	c.answers++
	if c.at++; c.at == len(c.requests) {
		c.at = 0
	}
	return len(b), nil
}

func (c *memory) Close() error {
	close(c.end)
	return nil
}
func (c *memory) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (c *memory) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 81} }
func (c *memory) SetDeadline(time.Time) error      { return nil }
func (c *memory) SetReadDeadline(time.Time) error  { return nil }
func (c *memory) SetWriteDeadline(time.Time) error { return nil }
