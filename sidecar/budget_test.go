package sidecar

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"postern/index"
	"postern/policy"
)

// TestBodiesAreBounded: a body holds what has come of it, and past the budget of
// all connections a large one is refused, a small one is not.
func TestBodiesAreBounded(t *testing.T) {
	s := serve(t, nil)
	s.bodies.budget.max = 256 << 10
	announced := strings.Replace(post(pathEvaluation, strings.Repeat(" ", 1<<20)), strings.Repeat(" ", 1<<20), "", 1)
	var held []*client
	for range 20 { // nothing has come but a byte
		held = append(held, s.dial(t).send(announced+" "))
	}
	wait(t, "all are being received", func() bool { return s.inPhase(phaseReading) == 20 })
	if n := s.bodies.budget.used.Load(); n != 0 {
		t.Errorf("20 bytes that came hold %d of the budget", n)
	}
	for range 2 {
		held = append(held, s.dial(t).send(announced+strings.Repeat(" ", 100<<10)))
	}
	wait(t, "two large ones are being received", func() bool { return s.bodies.budget.used.Load() == 256<<10 })
	good := evaluation("jean", "s3:GetObject", "object", "closed/k")
	if got := decode(t, s, good+strings.Repeat(" ", 20<<10)); got.status != 503 || got.header.Get("Retry-After") != "1" || !got.last {
		t.Errorf("a large body past the budget: %+v", got)
	}
	if got := decode(t, s, good+strings.Repeat(" ", freeBytes-len(good))); got.body != allowed {
		t.Errorf("a small one: %+v", got)
	}
	for _, c := range held {
		c.Close()
	}
	wait(t, "all is given back", func() bool { return s.bodies.budget.used.Load() == 0 })
	for _, n := range []int{freeBytes, freeBytes + 1, 100 << 10, 1<<20 - len(good)} {
		for _, text := range []string{post(pathEvaluation, good+strings.Repeat(" ", n)), chunked(good, strings.Repeat(" ", n/2), strings.Repeat(" ", n-n/2))} {
			if got := s.ask(t, text); got.body != allowed {
				t.Errorf("%d bytes behind: %+v", n, got)
			}
		}
	}
	if n := s.bodies.budget.used.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// TestTruncatedBody: a body that ends before its announced length is refused,
// though what came of it is a whole evaluation.
func TestTruncatedBody(t *testing.T) {
	s := serve(t, nil)
	good := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k")+strings.Repeat(" ", 10))
	for cut := 1; cut <= 10; cut++ {
		c := s.dial(t).send(good[:len(good)-cut])
		_ = c.Conn.(*net.TCPConn).CloseWrite()
		if got := c.answer(); got.status != 400 || !got.last {
			t.Errorf("%d bytes short: %+v", cut, got)
		}
	}
}

// TestAnswersAreBounded: what waits to be sent is bounded over all connections;
// past it a large answer is refused, small ones and probes are not.
func TestAnswersAreBounded(t *testing.T) {
	s := serve(t, nil)
	s.answers.max = 1 << 20
	s.answers.take(1<<20, 0, 0) // as if held by clients that read nothing
	item := evaluation("max", "s3:GetObject", "object", "closed/k")
	batch := post(pathEvaluations, `{"evaluations":[`+strings.TrimSuffix(strings.Repeat(item+",", 500), ",")+`]}`)
	c := s.dial(t)
	if got := c.send(batch).answer(); got.status != 503 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "large answers") {
		t.Errorf("a large answer past the budget: %.300s", fmt.Sprintf("%+v", got))
	}
	if got := decode(t, s, item); got.body != denyNoMatch {
		t.Errorf("a small answer: %+v", got)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if got := s.ask(t, get(path)); got.status != 200 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	s.answers.give(1 << 20)
	c = s.dial(t)
	for range 3 {
		if got := c.send(batch).answer(); got.status != 200 || !json.Valid([]byte(got.body)) {
			t.Errorf("with room: %.300s", fmt.Sprintf("%+v", got))
		}
	}
	wait(t, "all is given back", func() bool { return s.answers.used.Load() == 0 })

	// A client that leaves without reading gives back too.
	c = s.dial(t)
	_ = c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	for range 20 {
		c.send(batch)
	}
	c.Close()
	wait(t, "all is given back after it left", func() bool { return s.answers.used.Load() == 0 })
}

// TestExplanationsAreBounded: an explained answer is 1 MiB at most, and so is a
// batch of them, but for what every item has at the least.
func TestExplanationsAreBounded(t *testing.T) {
	var b strings.Builder
	name := strings.Repeat("n", 200)
	fmt.Fprintf(&b, `{"version":"v1alpha1","name":%q,"statements":[`, name)
	for i := range 5000 {
		fmt.Fprintf(&b, `{"name":"%s%d","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]},`, name, i)
	}
	snapshot := snapshotOf(t, 1, map[string]string{"o1/access-policies/p.json": strings.TrimSuffix(b.String(), ",") + "]}"})
	s := serve(t, func(c *Config) { c.Current = new(index.Current); c.Current.Store(snapshot) })
	item := `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k","properties":{"org":"o1"}}}`
	const most = explainBytes
	one := decode(t, s, item, "X-Postern-Explain: true")
	if !json.Valid([]byte(one.body)) || !strings.HasPrefix(one.body, `{"decision":true,`) || !strings.Contains(one.body, `"truncated":true`) || len(one.body) > most || len(one.body) < explainBytes/2 {
		t.Errorf("one: %d bytes: %.300s", len(one.body), one.body)
	}
	const items = 50
	many := s.ask(t, post(pathEvaluations, `{"evaluations":[`+strings.TrimSuffix(strings.Repeat(item+",", items), ",")+`]}`, "X-Postern-Explain: true"))
	if !json.Valid([]byte(many.body)) || strings.Count(many.body, `"decision":true`) != items || strings.Count(many.body, `"truncated":true`) != items || len(many.body) > most+items<<9 {
		t.Errorf("many: %d bytes, %d decisions, %d truncated", len(many.body), strings.Count(many.body, `"decision":true`), strings.Count(many.body, `"truncated":true`))
	}
	// So is whatever else explains.
	got := string(appendExplanation(nil, &policy.Explanation{Hints: []string{strings.Repeat("h", explainBytes)}}, explainBytes))
	if !json.Valid([]byte(got)) || strings.Contains(got, `"hint"`) || !strings.HasSuffix(got, `"truncated":true}}`) {
		t.Errorf("a long hint: %d bytes: %.300s", len(got), got)
	}
	wait(t, "all is given back", func() bool { return s.answers.used.Load() == 0 })
}
