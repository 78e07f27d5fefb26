package sidecar

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"postern/index"
)

// TestTooCostly: "a decision in the index has a budget ...; what passes it is a
// denial, too_costly" (specification 1.6). Every answer says so: one decision, an
// item of a batch, an explanation, and the metric.
func TestTooCostly(t *testing.T) {
	// Three documents as dear as one may be, of patterns that only a key of this
	// length makes dear: more than the budget together.
	files := map[string]string{}
	for d := range 3 {
		var resources []string
		for i := range 250 {
			resources = append(resources, fmt.Sprintf(`"b/*%03d%s*"`, i, strings.Repeat("x", 2030)))
		}
		files[fmt.Sprintf("o1/access-policies/p%d.json", d)] = fmt.Sprintf(`{"version":"v1alpha1","name":"p%d","statements":[
			{"name":"dear","effect":"Deny","actions":["s3:*"],"resources":[%s],"principals":["*"]},
			{"name":"all","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`, d, strings.Join(resources, ","))
	}
	snapshot := snapshotOf(t, 1, files)
	s := serve(t, func(c *Config) { c.Current = new(index.Current); c.Current.Store(snapshot) })
	ask := func(key string) string {
		return `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/` + key + `","properties":{"org":"o1"}}}`
	}
	dear, cheap := ask(strings.Repeat("x", 2046)), ask("k")
	const denied = `{"decision":false,"context":{"reason":"too_costly","generation":1}}`
	if got := decode(t, s, cheap); got.body != allowed {
		t.Errorf("a short key: %.300s", got.body)
	}
	if got := decode(t, s, dear); got.status != 200 || got.body != denied {
		t.Errorf("a long key: %d %.300s", got.status, got.body)
	}
	batch := s.ask(t, post(pathEvaluations, `{"evaluations":[`+dear+`,`+cheap+`,`+dear+`]}`))
	if want := `{"evaluations":[` + denied + `,` + allowed + `,` + denied + `]}`; batch.status != 200 || batch.body != want {
		t.Errorf("a batch: %d %.600s", batch.status, batch.body)
	}
	var explained struct {
		Decision *bool
		Context  struct {
			Reason    string
			Truncated bool
		}
	}
	got := decode(t, s, dear, "X-Postern-Explain: true")
	if err := json.Unmarshal([]byte(got.body), &explained); err != nil || explained.Decision == nil || *explained.Decision || explained.Context.Reason != "too_costly" || !explained.Context.Truncated {
		t.Errorf("explained: %v %.600s", err, got.body)
	}
	text := s.ask(t, get("/metrics")).body
	if n := metric(t, text, `postern_decisions_total{outcome="ImplicitDeny",layer="none",reason="too_costly"}`); n != 4 {
		t.Errorf("%v decisions are counted as too costly, want 4", n)
	}
}
