package sidecar

import (
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/policy"
)

// TestConnectionCloseInAnyCase: the value is a list, in any case.
func TestConnectionCloseInAnyCase(t *testing.T) {
	s := serve(t, func(*Config) {})
	for _, value := range []string{"close", "Close", "CLOSE", "close, TE", "TE ,Close"} {
		c := s.dial(t)
		got := c.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: " + value + "\r\n\r\n").answer()
		if got.status != 200 || !got.last {
			t.Errorf("%s: %+v, want a last answer", value, got)
		}
		c.closed()
	}
	c := s.dial(t)
	if got := c.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: closed, keep-alive\r\n\r\n").answer(); got.status != 200 || got.last {
		t.Errorf("keep-alive: %+v", got)
	}
}

// TestAttack22ExplainedBatch: the statements that are looked at to explain one
// batch are bounded; items past the bound are decided all the same.
func TestAttack22ExplainedBatch(t *testing.T) {
	const statements = 20_000
	doc := &policy.Document{Name: "p", File: "o1/access-policies/p.json"}
	for range statements {
		doc.Statements = append(doc.Statements, policy.Statement{Line: 1, Effect: policy.EffectAllow,
			Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}, Actions: []string{"s3:*"}, Resources: []string{"x*y"}})
	}
	snapshot, _ := compile.Compiler{}.Directory(&policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{doc}}}}, 1)
	var current index.Current
	current.Store(snapshot)
	s := serve(t, func(c *Config) { c.Current = &current })
	items := strings.TrimSuffix(strings.Repeat("{},", 100), ",")
	body := `{"subject":{"type":"a","id":"b","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k","properties":{"org":"o1"}},"evaluations":[` + items + `]}`
	got := s.dial(t).send(strings.Replace(post(pathEvaluations, body), "\r\n", "\r\nX-Postern-Explain: true\r\n", 1)).answer()
	if got.status != 200 || strings.Count(got.body, `"decision":false`) != 100 {
		t.Fatalf("%+v", got)
	}
	if n := strings.Count(got.body, `"nearest"`); n == 0 || n > batchLooks/nearestLooks {
		t.Errorf("%d items have a nearest statement, want 1 to %d", n, batchLooks/nearestLooks)
	}
	if n := strings.Count(got.body, `"truncated":true`); n != 100 {
		t.Errorf("%d items say that they are truncated, want all", n)
	}
}

// nearestLooks is the bound of one explanation (specification 3.2).
const nearestLooks = 10_000

// TestFailureIsShown: a policy directory that cannot be looked at is told by
// /readyz and /v1/status, while what is in force stays.
func TestFailureIsShown(t *testing.T) {
	var current index.Current
	current.Store(index.NewBuilder(nil).Freeze(3))
	s := serve(t, func(c *Config) {
		c.Current = &current
		c.Status = func() *policy.Status {
			return &policy.Status{Generation: 3, Files: 1, Result: policy.ReloadFailed, Failure: "no such directory"}
		}
	})
	for _, path := range []string{"/readyz", "/v1/status"} {
		got := s.dial(t).send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").answer()
		if got.status != 200 || !strings.Contains(got.body, `"failure":"no such directory"`) {
			t.Errorf("%s: %+v", path, got)
		}
	}
}
