package sidecar

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/compile"
	"postern/index"
	"postern/internal/conformance"
	"postern/policy"
)

// TestCorpusOverHTTP asks every case of the corpus through the door: alone, in
// a batch, and explained.
func TestCorpusOverHTTP(t *testing.T) {
	cases := conformance.Load(t)
	var current index.Current
	s := serve(t, func(c *Config) {
		c.Current = &current
		c.Now = func() time.Time { return time.Unix(conformance.Now, 0) }
	})
	connection := s.dial(t)
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	var world *conformance.World
	for _, c := range cases {
		if c.Seen != nil || c.DenyOnly {
			continue // AuthZEN has no word for it; the doors' own tests ask such requests
		}
		if c.World != world {
			world = c.World
			snapshot, _ := compile.Compiler{}.Directory(world.Directory, 1)
			current.Store(snapshot)
		}
		got := connection.send(post(pathEvaluation, string(c.Body))).answer()
		if c.Want.BadRequest {
			if got.status != 400 {
				t.Errorf("%s (%s): %+v, want a 400", c.Name, c.At, got)
			}
			continue
		}
		var answer struct {
			Decision *bool
			Context  struct{ Reason string }
		}
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != 200 || answer.Decision == nil {
			t.Errorf("%s (%s): %+v, %v", c.Name, c.At, got, err)
			continue
		}
		wantReason := c.Want.Reason.String()
		if c.Want.Reason == policy.Allowed {
			wantReason = ""
		}
		if *answer.Decision != (c.Want.Outcome == policy.Allow) || answer.Context.Reason != wantReason {
			t.Errorf("%s (%s): %s, want %s %s", c.Name, c.At, got.body, c.Want.Outcome, c.Want.Reason)
		}
		batch := connection.send(post(pathEvaluations, `{"evaluations":[`+string(c.Body)+`]}`)).answer()
		if batch.body != `{"evaluations":[`+got.body+`]}` {
			t.Errorf("%s (%s): alone %s, in a batch %s", c.Name, c.At, got.body, batch.body)
		}
		explained := connection.send(post(pathEvaluation, string(c.Body), "X-Postern-Explain: true")).answer()
		prefix := strings.TrimSuffix(got.body, "}")
		if *answer.Decision {
			prefix = `{"decision":true,"context":{"reason":"allowed"`
		} else {
			prefix = strings.TrimSuffix(prefix, "}")
		}
		if !strings.HasPrefix(explained.body, prefix) || !json.Valid([]byte(explained.body)) {
			t.Errorf("%s (%s): alone %s, explained %s", c.Name, c.At, got.body, explained.body)
		}
	}
	// What is counted is what can be (specification 1.8).
	for i, n := range s.blocks.sum().decisions {
		if v := verdict(i); n > 0 && !slices.Contains(v.reason().Layers(), v.layer()) {
			t.Errorf("%d decisions of the layer %s have the reason %s, which it never gives", n, v.layer(), v.reason())
		}
	}
}
