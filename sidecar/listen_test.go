package sidecar

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnixAndTCP: one server on both at once.
func TestUnixAndTCP(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := build(t, nil)
	done := make(chan error, 2)
	for _, l := range []net.Listener{unix, tcp} {
		go func() { done <- s.Serve(l) }()
	}
	body := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	a, b := dial(t, "unix", socket), dial(t, "tcp", tcp.Addr().String())
	for range 3 {
		if got := a.send(body).answer(); got.body != allowed {
			t.Errorf("unix: %+v", got)
		}
		if got := b.send(body).answer(); got.body != allowed {
			t.Errorf("tcp: %+v", got)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	a.closed()
	b.closed()
	if _, err := net.Dial("tcp", tcp.Addr().String()); err == nil {
		t.Error("the TCP listener still accepts")
	}
	late, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(late); !errors.Is(err, ErrClosed) {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

// TestShutdownAnswersWhatIsInFlight: a request that has begun is answered, a
// silent connection is not waited for.
func TestShutdownAnswersWhatIsInFlight(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := build(t, nil)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	text := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	silent, idle, half := dial(t, "tcp", l.Addr().String()), dial(t, "tcp", l.Addr().String()), dial(t, "tcp", l.Addr().String())
	if got := idle.send(text).answer(); got.body != allowed {
		t.Fatalf("%+v", got)
	}
	half.send(text[:len(text)-10])
	// The server has to have seen the first half.
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		s.connections.mu.Lock()
		reading := 0
		for _, c := range s.connections.list {
			if c.due.Load()&(1<<phaseBits-1) == phaseReading {
				reading++
			}
		}
		s.connections.mu.Unlock()
		if reading == 1 {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("the server does not read")
		}
	}
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	silent.closed()
	idle.closed()
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown did not wait: %v", err)
	case <-time.After(150 * time.Millisecond):
	}
	got := half.send(text[len(text)-10:]).answer()
	if got.body != allowed || !got.last {
		t.Errorf("in flight: %+v", got)
	}
	half.closed()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Shutdown took %v", took)
	}
}

// TestShutdownGivesUp: when its context ends, the rest is closed.
func TestShutdownGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := build(t, nil)
	go func() { _ = s.Serve(l) }()
	half := dial(t, "tcp", l.Addr().String()).send("POST /access")
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
	defer cancel()
	// Until the server has read the half request, it may close the connection
	// as a silent one; either way Shutdown returns and the connection ends.
	err = s.Shutdown(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	b := make([]byte, 1)
	if _, err := half.Read(b); err == nil {
		t.Error("the connection is still open")
	}
}

func TestShutdownBeforeServe(t *testing.T) {
	s := build(t, nil)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestBrowsers: the rules of specification 3.2 against web pages.
func TestBrowsers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serveOn(t, func(c *Config) {
		c.PublicURL = "https://pdp.example.com:8443/"
		c.AllowHosts = []string{"Upstream.internal", "10.9.8.7", "with.port:81"}
	}, tcp, unix)
	body := evaluation("jean", "s3:GetObject", "object", "closed/k")
	port := strings.TrimPrefix(s.address, "127.0.0.1")
	for host, allow := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost" + port: true, "localhost:1": true, "127.0.0.1": true, "127.0.0.1" + port: true,
		"[::ffff:127.0.0.1]" + port: true, "pdp.example.com": true, "PDP.example.com:8443": true, "upstream.internal": true, "UPSTREAM.INTERNAL:99": true,
		"10.9.8.7:80": true, "with.port": true,
		"evil.example": false, "evil.example" + port: false, "localhost.evil.example": false, "evillocalhost": false, "127.0.0.2": false, "[::1]": false,
		"10.9.8.8": false, "0.0.0.0": false, "127.1": false, "2130706433": false, "0x7f.1": false, "localhost.": false, "local\u017fhost": false, ":80": false, "pdp.example.com.evil": false, "evil@localhost": false, "localhost@evil": false, "localhost,evil": false,
		strings.Repeat("a", 300): false,
	} {
		want := 403
		if allow {
			want = 200
		}
		text := strings.Replace(post(pathEvaluation, body), "Host: localhost", "Host: "+host, 1)
		if got := s.ask(t, text); got.status != want {
			t.Errorf("Host %q: %+v, want %d", host, got, want)
		}
		if got := dial(t, "unix", socket).send(text).answer(); got.status != 200 {
			t.Errorf("Host %q on the Unix socket: %+v", host, got)
		}
	}
	for _, host := range []string{"[", "]", "[localhost]x"} {
		if got := s.ask(t, strings.Replace(post(pathEvaluation, body), "Host: localhost", "Host: "+host, 1)); got.status != 400 {
			t.Errorf("Host %q: %+v", host, got)
		}
	}
	for _, origin := range []string{"Origin: https://evil.example", "Origin: null", "origin:", "ORIGIN: http://localhost"} {
		for _, text := range []string{post(pathEvaluation, body, origin), get("/v1/status", origin), get("/nowhere", origin)} {
			if got := s.ask(t, text); got.status != 403 {
				t.Errorf("%s: %+v", origin, got)
			}
		}
		if got := dial(t, "unix", socket).send(post(pathEvaluation, body, origin)).answer(); got.status != 200 {
			t.Errorf("%s on the Unix socket: %+v", origin, got)
		}
	}
	// What one request was allowed is not allowed to the next on its connection.
	c := s.dial(t).send(post(pathEvaluation, body))
	if got := c.answer(); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := c.send(strings.Replace(post(pathEvaluation, body), "Host: localhost", "Host: evilhosts", 1)).answer(); got.status != 403 {
		t.Errorf("a bad Host after a good one: %+v", got)
	}
	c = s.dial(t).send(post(pathEvaluation, body))
	if got := c.answer(); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := c.send(strings.Replace(get("/healthz"), "Host: localhost", "Host: local", 1)).answer(); got.status != 403 || got.last {
		t.Errorf("a beginning of a good Host: %+v", got)
	}
}

// TestEveryAddress: on a listener on every address, the one that the client
// connected to is one of the listener's.
func TestEveryAddress(t *testing.T) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serveOn(t, nil, l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for host, want := range map[string]int{"127.0.0.1:" + port: 200, "127.0.0.2": 403, "0.0.0.0": 403, "evil.example": 403} {
		if got := dial(t, "tcp", "127.0.0.1:"+port).send(strings.Replace(get("/healthz"), "localhost", host, 1)).answer(); got.status != want {
			t.Errorf("%s: %+v", host, got)
		}
	}
	if got := dial(t, "tcp", "127.0.0.2:"+port).send(strings.Replace(get("/healthz"), "localhost", "127.0.0.2", 1)).answer(); got.status != 200 {
		t.Errorf("by another address: %+v", got)
	}
	_ = s
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a config without Current is accepted")
	}
	good := build(t, nil).config
	for _, u := range []string{"pdp.example.com", "ftp://x", "https://", "https://x?q", "https://x#f", "https://user@x", "https://%zz", "/path"} {
		c := good
		c.PublicURL = u
		if _, err := New(c); err == nil {
			t.Errorf("the public URL %s is accepted", u)
		}
	}
	for _, h := range []string{"", ":80", "[", "[::1]x"} {
		c := good
		c.AllowHosts = []string{h}
		if _, err := New(c); err == nil {
			t.Errorf("the host %q is accepted", h)
		}
	}
}

func TestMetadata(t *testing.T) {
	s := serve(t, nil)
	want := `{"policy_decision_point":"http://A","access_evaluation_endpoint":"http://A/access/v1/evaluation","access_evaluations_endpoint":"http://A/access/v1/evaluations",` +
		`"search_subject_endpoint":"http://A/access/v1/search/subject","search_resource_endpoint":"http://A/access/v1/search/resource","search_action_endpoint":"http://A/access/v1/search/action"}`
	if got := s.ask(t, get(pathMetadata)); got.body != strings.ReplaceAll(want, "A", s.address) || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v", got)
	}
	public := serve(t, func(c *Config) { c.PublicURL = "https://pdp.example.com/base/" })
	want = strings.ReplaceAll(want, "http://A", "https://pdp.example.com/base")
	for _, host := range []string{"localhost", "127.0.0.1", "pdp.example.com"} {
		if got := public.ask(t, strings.Replace(get(pathMetadata), "localhost", host, 1)); got.body != want {
			t.Errorf("%+v", got)
		}
	}
}
