package sidecar

import (
	"context"
	"errors"
	"fmt"
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
	"postern/internal/request"
)

// maxHeader bounds a request's first line and headers together, in bytes.
const maxHeader = 8 << 10

// Server is the HTTP door. It is made by New; its methods may be called from
// several goroutines.
type Server struct {
	config Config
	hosts  hosts
	log    *slog.Logger
	http   *fasthttp.Server

	states      sync.Pool     // of *state
	searches    chan struct{} // held by a search at work
	blocks      blocks
	shared      *counters // for what belongs to no state
	reloads     reloads
	connections *connections
	refusing    chan struct{}
	ending      atomic.Bool // Shutdown was called
	repeatHead  atomic.Pointer[repeatHead]

	mu        sync.Mutex
	closed    bool
	listeners []*listener
	base      string // the metadata's URLs begin with it
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
	s := &Server{config: c, hosts: hosts, log: c.Logger, connections: newConnections(&c),
		refusing: make(chan struct{}, refusers), searches: make(chan struct{}, searching), base: strings.TrimRight(c.PublicURL, "/")}
	s.shared = s.blocks.take()
	s.states.New = func() any { return s.newState() }
	s.http = &fasthttp.Server{
		Handler: s.handle,
		ConnState: func(c net.Conn, state fasthttp.ConnState) {
			if c, ok := c.(*conn); ok {
				c.turn(state)
			}
		},
		ErrorHandler: s.broken,
		Logger:       quiet{c.Logger},
		// Connections are counted by listener, which answers 429.
		Concurrency:                   c.MaxConnections + 1024,
		MaxRequestBodySize:            c.MaxBody,
		ReadBufferSize:                maxHeader,
		CloseOnShutdown:               true,
		NoDefaultServerHeader:         true,
		SecureErrorLogMessage:         true,
		DisablePreParseMultipartForm:  true,
		DisableHeaderNamesNormalizing: false,
	}
	return s, nil
}

// ErrClosed is what Serve returns after Shutdown.
var ErrClosed = errors.New("sidecar: the server was shut down")

// Serve answers the connections of l until Shutdown, and then returns nil. It
// may be called for several listeners at once. It closes l.
func (s *Server) Serve(l net.Listener) error {
	wrapped := &listener{Listener: l, server: s, unix: l.Addr().Network() == "unix"}
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
	s.listeners = append(s.listeners, wrapped)
	if s.base == "" && !wrapped.unix {
		s.base = "http://" + l.Addr().String()
	}
	s.mu.Unlock()
	return s.http.Serve(wrapped)
}

// Shutdown stops accepting, lets what is in flight be answered, and returns
// when all connections are closed. When ctx ends before, it closes those that
// are left and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.ending.Store(true)
	s.mu.Lock()
	s.closed = true
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.mu.Unlock()

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
	err := s.http.ShutdownWithContext(ctx)
	close(done)
	s.connections.closeIf(func(*conn) bool { return true })
	s.connections.end()
	return err
}

// state is what one request needs, kept between requests.
type state struct {
	server  *Server
	decoder request.Decoder
	scratch index.Scratch
	headers headers
	count   *counters
	buf     []byte
	batch   batch
}

// What is kept of memory between requests, in bytes: more is given back, so
// that one large request on each of many connections does not stay.
const (
	keepAnswer = 128 << 10 // an answer's, in a state and in a connection
	keepBody   = 64 << 10  // a request's body, in a connection
)

func (s *Server) newState() *state {
	st := &state{server: s, count: s.blocks.take(), buf: make([]byte, 0, 512)}
	runtime.AddCleanup(st, s.blocks.giveBack, st.count)
	return st
}

func (s *Server) release(st *state) {
	if cap(st.buf) > keepAnswer {
		st.buf = make([]byte, 0, 512)
	}
	st.headers, st.batch.snapshot = headers{}, nil
	s.states.Put(st)
}

// recovered turns a panic into a logged 500, which is a deny. The state is not
// used again.
func (s *Server) recovered(ctx *fasthttp.RequestCtx) {
	v := recover()
	if v == nil {
		return
	}
	s.shared.requests[endpointOther][codeOf(500)].Add(1)
	s.log.Error("a handler panicked; the request was denied", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	ctx.Response.Reset()
	fail(ctx, 500, "internal error; it was logged")
	ctx.SetConnectionClose()
}

// broken answers requests that could not be read. Nothing of them is shown or
// logged.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	status, message := 400, misread(err)
	var small *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status, message = 413, "the body is longer than "+itoa(s.config.MaxBody)+" bytes; send less, or raise -max-body"
	case errors.As(err, &small):
		status, message = 431, "the headers are longer than "+itoa(maxHeader)+" bytes"
	case errors.As(err, &network) && network.Timeout():
		status, message = 408, "the request did not arrive in time"
	}
	if !errors.Is(err, net.ErrClosed) {
		at := endpointOther
		if status == 413 { // the head is there, unless fasthttp dropped it over a chunked body
			at, _ = find(ctx.Request.Header.RequestURI())
		}
		s.shared.requests[at][codeOf(status)].Add(1)
	}
	ctx.Response.Reset()
	fail(ctx, status, message)
	if c, ok := ctx.Conn().(*conn); ok && status != 408 {
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

// fail makes the answer an error, without a decision.
func fail(ctx *fasthttp.RequestCtx, status int, message string) {
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentType("application/json")
	ctx.Response.SetBody(appendError(nil, message))
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
