package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"postern/index"
)

// maxHeader bounds a request's first line and headers together, in bytes.
const maxHeader = 8 << 10

// Server is the HTTP server. It is made by New; its methods may be called from
// several goroutines.
type Server struct {
	config Config
	hosts  hosts
	// forward is how proxies are answered; nil if they are not.
	forward *forwarding
	// ceph is what Ceph's door sees, nil if it is closed; minio is MinIO's door.
	ceph  *sight
	minio *minioing
	log   *slog.Logger

	exchanges   sync.Pool    // of *exchange
	bodies      buffers      // of bodies that are being received, or answered
	answers     budget       // of answers that are being made, or wait for their client
	turns       turns        // of long work
	first       atomic.Int64 // work in its first slice
	figures     joined       // the text of /metrics
	reclaim     reclaim
	wasReady    atomic.Bool // /readyz said 200, or could have
	blocks      blocks
	shared      *counters // for what belongs to no exchange
	reloads     reloads
	connections *connections
	refusing    chan struct{}
	ending      atomic.Bool   // Shutdown was called
	ended       chan struct{} // closed when it was
	wireHead    atomic.Pointer[wireHead]
	introduced  atomic.Pointer[index.Snapshot] // the last one that the log knows

	mu      sync.Mutex
	closed  bool
	intakes []intake
	base    string // the metadata's URLs begin with it
}

// New makes a server that listens nowhere yet.
func New(c Config) (*Server, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	hosts, err := c.hosts()
	if err != nil {
		return nil, err
	}
	var forward *forwarding
	if c.Doors.Forward != nil {
		if forward, err = newForwarding(&c.Doors); err != nil {
			return nil, err
		}
	}
	var ceph *sight
	if c.Doors.Ceph {
		ceph = newSight(&c.Doors, false)
	}
	s := &Server{config: c, hosts: hosts, forward: forward, ceph: ceph, minio: newMinIO(&c.Doors), log: c.Logger, connections: newConnections(&c),
		refusing: make(chan struct{}, refusers), ended: make(chan struct{}), base: strings.TrimRight(c.PublicURL, "/")}
	s.bodies.budget.max, s.answers.max = receivedBytes, sentBytes
	s.turns.free = max(1, runtime.GOMAXPROCS(0)/2)
	s.connections.ticked = func(open int) {
		s.reclaim.look(int64(open)*connectionBytes+s.bodies.budget.used.Load()+s.answers.used.Load(), time.Now())
	}
	s.shared = s.blocks.take()
	s.exchanges.New = func() any { return s.newExchange() }
	return s, nil
}

// intake is a listener and the HTTP server that reads its connections.
type intake struct {
	listener *listener
	http     *fasthttp.Server
}

func (s *Server) intake(l *listener) intake {
	return intake{l, &fasthttp.Server{
		Handler:        s.handle,
		HeaderReceived: s.received(l),
		ExpectHandler:  s.expected,
		ConnState: func(c net.Conn, state fasthttp.ConnState) {
			if c, ok := c.(*conn); ok {
				c.turn(state)
			}
		},
		ErrorHandler: s.broken,
		Logger:       quiet{s.log},
		// Connections are counted by listener, which answers 429; those that
		// lost their place may be open for a moment.
		Concurrency: 2*s.config.MaxConnections + 1024,
		// Bodies are read by receive, in pieces and within its own bounds.
		StreamRequestBody:             true,
		MaxRequestBodySize:            prefetched,
		ReadBufferSize:                maxHeader,
		CloseOnShutdown:               true,
		NoDefaultServerHeader:         true,
		SecureErrorLogMessage:         true,
		DisablePreParseMultipartForm:  true,
		DisableHeaderNamesNormalizing: false,
	}}
}

// ErrClosed is what Serve returns after Shutdown.
var ErrClosed = errors.New("sidecar: the server was shut down")

// Serve answers the connections of l until Shutdown, and then returns nil. It
// may be called for several listeners at once. It closes l.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, false) }

// Watch is Serve for a listener that has /metrics, /healthz and /readyz and
// nothing else, whatever name its clients give it in Host: other machines may
// reach it (specification 3.4). Its connections are few, and count apart.
func (s *Server) Watch(l net.Listener) error { return s.serve(l, true) }

func (s *Server) serve(l net.Listener, watch bool) error {
	wrapped := &listener{Listener: l, server: s, unix: l.Addr().Network() == "unix", watch: watch}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		if a, ok := netip.AddrFromSlice(tcp.IP); ok && !a.IsUnspecified() {
			wrapped.address = a.Unmap()
		}
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = wrapped.Close()
		return ErrClosed
	}
	in := s.intake(wrapped)
	s.intakes = append(s.intakes, in)
	if s.base == "" && !wrapped.unix && !watch {
		s.base = "http://" + l.Addr().String()
	}
	s.mu.Unlock()
	return in.http.Serve(wrapped)
}

// Shutdown stops accepting, lets what is in flight be answered, and returns
// when all connections are closed. Long work is not waited for: it is answered
// 503. When ctx ends before, Shutdown closes the connections that are left and
// returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.ending.Swap(true) {
		close(s.ended)
	}
	s.closed = true
	intakes := s.intakes
	s.mu.Unlock()
	for _, in := range intakes {
		_ = in.listener.Close()
	}

	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			s.connections.closeSilent()
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	}()
	errs := make([]error, len(intakes))
	var all sync.WaitGroup
	for i, in := range intakes {
		all.Go(func() { errs[i] = in.http.ShutdownWithContext(ctx) })
	}
	all.Wait()
	close(done)
	s.connections.closeIf(func(*conn) bool { return true })
	s.connections.end()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// recovered turns a panic into a logged 500, which is a deny. The exchange is not
// used again.
func (s *Server) recovered(ctx *fasthttp.RequestCtx) {
	v := recover()
	if v == nil {
		return
	}
	s.shared.answered(endpointOther, 500, nil)
	s.log.Error("a handler panicked; the request was denied", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	rewrite(ctx)
	refuse(ctx, s.find(ctx.Request.Header.RequestURI()), 500, "internal error; it was logged")
	ctx.SetConnectionClose()
}

// broken answers requests whose head could not be read, or whose body did not
// begin. Nothing of them is shown or logged.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	status, message := s.unreadable(err)
	var network net.Error
	if status == 400 && !errors.As(err, &network) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		if host := ctx.Request.Header.Host(); len(host) > 0 {
			if _, ok := hostOf(view(host)); !ok {
				message = notHost
			}
		}
	}
	c, _ := ctx.Conn().(*conn)
	if status == 408 && c != nil && c.reserved { // its time was short for want of places
		status, message = 429, tooManyConnections
	}
	if !errors.Is(err, net.ErrClosed) {
		s.shared.answered(endpointOther, status, nil)
	}
	rewrite(ctx)
	refuse(ctx, endpointOther, status, message)
	if c != nil && status != 408 {
		c.linger.Store(true)
	}
}

// misread says what was wrong with a request that could not be read, as far as
// fasthttp tells: in words of this package, never the request's.
func misread(err error) string {
	text, inHead := strings.CutPrefix(err.Error(), "error when reading request headers: ")
	if !inHead {
		return "the body is not as its Content-Length or Transfer-Encoding says"
	}
	for _, m := range [...]struct{ begins, message string }{
		{"missing required host header", "the Host header is missing"},
		{"too many host headers", "send one Host header"},
		{fasthttp.ErrDuplicateContentLength.Error(), "send one Content-Length"},
		{"cannot parse content-length", "Content-Length is no number of bytes"},
		{fasthttp.ErrUnsupportedTransferEncoding.Error(), "the only Transfer-Encoding is chunked, stated once; or send Content-Length"},
	} {
		if strings.HasPrefix(text, m.begins) {
			return m.message
		}
	}
	return "the request is not HTTP/1.1 as this server reads it"
}

// quiet passes on what fasthttp has to say, but no error of a connection:
// those may quote the request.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	if strings.HasPrefix(format, "error when serving connection") {
		q.log.Debug("a connection ended with an error")
		return
	}
	q.log.Warn(fmt.Sprintf(format, args...))
}
