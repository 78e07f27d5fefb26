package sidecar

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// wait polls until ok, for as long as a test may take.
func wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// inPhase counts the open connections in a phase.
func (s *served) inPhase(phase int64) (n int) {
	s.connections.mu.Lock()
	defer s.connections.mu.Unlock()
	for _, c := range s.connections.list {
		if due := c.due.Load(); due > 0 && due&(1<<phaseBits-1) == phase {
			n++
		}
	}
	return n
}

// TestSilentMakeWay: connections that send nothing do not keep others out.
func TestSilentMakeWay(t *testing.T) {
	const places = 8
	s := serve(t, func(c *Config) { c.MaxConnections = places })
	var silent []*client
	for range places {
		silent = append(silent, s.dial(t))
	}
	wait(t, "all are silent", func() bool { return s.inPhase(phaseSilent) == places })
	time.Sleep(silentEnough)
	body := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	var held []*client
	for i := range places {
		c := s.dial(t)
		if got := c.send(body).answer(); got.body != allowed {
			t.Fatalf("connection %d: %+v", i, got)
		}
		held = append(held, c)
		silent[i].answer() // the oldest was told 408
		silent[i].closed()
	}
	// Those that ask do not make way, and go on.
	for _, c := range held {
		if got := c.send(body).answer(); got.body != allowed {
			t.Errorf("a held connection: %+v", got)
		}
	}
	if got := s.dial(t).send(body).answer(); got.status != 429 || !got.last {
		t.Errorf("one more: %+v", got)
	}
}

// TestIdleAndSlowMakeWay: of connections that have long been idle, or sending a
// request, one makes way for a new one.
func TestIdleAndSlowMakeWay(t *testing.T) {
	body := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	for name, text := range map[string]string{"idle": body, "reading": body[:len(body)-1]} {
		s := serve(t, func(c *Config) { c.MaxConnections = 2 })
		for range 2 {
			c := s.dial(t).send(text)
			if name == "idle" {
				c.answer()
			}
		}
		wait(t, "they are "+name, func() bool {
			return s.inPhase(map[string]int64{"idle": phaseIdle, "reading": phaseReading}[name]) == 2
		})
		wait(t, "one made way", func() bool { return s.dial(t).send(body).answer().status == 200 })
	}
}

// TestProbesHaveRoom: probes are answered, once a connection, when all places
// are taken by connections that do not make way.
func TestProbesHaveRoom(t *testing.T) {
	const places = 4
	s := serve(t, func(c *Config) { c.MaxConnections = places })
	body := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	var held []*client
	for range places {
		held = append(held, s.dial(t).send(body[:30]))
	}
	wait(t, "all are taken", func() bool { return s.inPhase(phaseReading) == places })
	for range 20 {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			c := s.dial(t)
			if got := c.send(get(path)).answer(); got.status != 200 || !got.last {
				t.Fatalf("%s: %+v", path, got)
			}
			c.closed()
		}
		for _, text := range []string{body, get("/v1/status"), get(pathMetadata)} {
			if got := s.dial(t).send(text).answer(); got.status != 429 || got.header.Get("Retry-After") != "1" {
				t.Fatalf("%s: %+v", text[:20], got)
			}
		}
	}
	// A connection of the reserve gets an ordinary place that has become free.
	late := s.dial(t)
	wait(t, "the reserve has it", func() bool {
		s.connections.mu.Lock()
		defer s.connections.mu.Unlock()
		return s.connections.taken[reserve] == 1
	})
	held[0].Close()
	wait(t, "a place is free", func() bool { return s.inPhase(phaseReading) == places-1 })
	for range 3 {
		if got := late.send(body).answer(); got.body != allowed || got.last {
			t.Errorf("after a place became free: %+v", got)
		}
	}
	late.Close()
	for _, c := range held {
		c.Close()
	}
	wait(t, "all places are given back", func() bool {
		s.connections.mu.Lock()
		defer s.connections.mu.Unlock()
		return s.connections.taken == [placeKinds]int{}
	})
}

// TestReserveIsFull: past all places a connection is refused at once, and the
// silent of the reserve make way for probes.
func TestReserveIsFull(t *testing.T) {
	s := serve(t, func(c *Config) { c.MaxConnections = 1; c.ReadTimeout = time.Hour })
	busy := s.dial(t).send("GET /healthz")
	wait(t, "the place is taken", func() bool { return s.inPhase(phaseReading) == 1 })
	for range reservePlaces {
		s.dial(t)
	}
	wait(t, "the reserve is taken", func() bool { return s.connections.open() == 1+reservePlaces })
	time.Sleep(silentEnough)
	for range 20 {
		if got := s.dial(t).send(get("/healthz")).answer(); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	busy.Close()
}

// TestWatch: a listener for those who watch has their endpoints and no other,
// under any name, and not for web pages.
func TestWatch(t *testing.T) {
	main, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serveOn(t, func(c *Config) { c.MaxConnections = 1 }, main)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Watch(l) }()
	t.Cleanup(func() {
		_ = s.Shutdown(t.Context())
		if err := <-done; err != nil {
			t.Errorf("Watch: %v", err)
		}
	})
	busy := s.dial(t).send("GET /healthz")
	wait(t, "the place is taken", func() bool { return s.inPhase(phaseReading) == 1 })
	defer busy.Close()
	ask := func(text string) answer {
		c := dial(t, "tcp", l.Addr().String())
		defer c.Close()
		return c.send(text).answer()
	}
	for _, host := range []string{"localhost", "10.1.2.3:9180", "postern.monitoring.svc", "[fd00::1]:9180", "x:y"} {
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/v1/status": 404, pathMetadata: 404, "/": 404} {
			if host == "x:y" {
				want = 400
			}
			if got := ask(strings.Replace(get(path), "localhost", host, 1)); got.status != want {
				t.Errorf("%s of %s: %+v, want %d", path, host, got, want)
			}
		}
	}
	body := evaluation("jean", "s3:GetObject", "object", "closed/k")
	for _, path := range []string{pathEvaluation, pathEvaluations, pathSearchAction} {
		if got := ask(post(path, body)); got.status != 404 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := ask(get("/metrics", "Origin: http://evil.example")); got.status != 403 {
		t.Errorf("with Origin: %+v", got)
	}
	// Its connections are few, and count apart.
	wait(t, "its places are free", func() bool { return s.connections.open() == 1 })
	for i := range watchingPlaces + 1 {
		c := dial(t, "tcp", l.Addr().String())
		if i == watchingPlaces {
			c.send("GET /")
			if got := c.answer(); got.status != 429 {
				t.Errorf("past its places: %+v", got)
			}
			break
		}
		c.send("GET /")
		wait(t, "it has a place", func() bool { return s.inPhase(phaseReading) == i+2 })
	}
}

// TestReady: /readyz waits for the first load and for a file of the layout, and
// stays ready whatever becomes of the policies.
func TestReady(t *testing.T) {
	status := &policyStatus{}
	s := serve(t, func(c *Config) { c.Status = status.get; status.current, c.Current = c.Current.Load(), status.none() })
	ready := func(want int, says string) {
		t.Helper()
		got := s.ask(t, get("/readyz"))
		if got.status != want || !strings.Contains(got.body, says) || !strings.HasPrefix(got.body, fmt.Sprintf(`{"ready":%v,`, want == 200)) {
			t.Errorf("%+v, want %d and %s", got, want, says)
		}
	}
	ready(503, `"reason":"the policies are being loaded for the first time"`)
	s.config.Current.Store(status.current)
	ready(503, `"reason":"the policy directory holds no policy file yet`)
	status.files(1)
	ready(200, `"files":1`)
	status.files(0)
	ready(200, `"files":0`)

	// Files that were there between two looks of a probe count.
	s = serve(t, func(c *Config) { c.Status = status.get })
	ready(503, "no policy file")
	status.files(3)
	s.ObserveReload(status.get())
	status.files(0)
	ready(200, "")

	status.quarantined()
	s = serve(t, func(c *Config) { c.Status = status.get })
	ready(200, `"files":0`)
	status.files(0)
	s = serve(t, func(c *Config) { c.Status, c.AllowEmpty = status.get, true })
	ready(200, `"files":0`)
}
