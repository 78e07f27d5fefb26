package policytest

import (
	"fmt"
	"testing"
	"time"

	"postern/internal/policyjson"
	"postern/policy"
)

// TestCoverage: a statement is covered by a decision that it determines, and by
// nothing else.
func TestCoverage(t *testing.T) {
	var c Coverage
	for file, text := range map[string]string{"acme/access-policies/rules.json": rules, "acme/buckets/timed.json": timed} {
		f, ds := policyjson.Parse(file, []byte(text), policyjson.Limits{})
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		c.Document(f.Document)
	}
	if c.Statements() != 4 {
		t.Errorf("%d statements", c.Statements())
	}
	f, ds := Parse("x", []byte(`{"policies": "p", "tests": [{"name": "x", "decision": false, "request": {"subject": {"type": "role", "id": "A", "properties": {"org": "acme"}}, "action": {"name": "s3:GetObject"}},
		"foreach": {"resource": [{"type": "object", "id": "bucket/secret"}, {"type": "object", "id": "nowhere/x"}]}}]}`))
	if f == nil {
		t.Fatal(ds)
	}
	r := Runner{Snapshot: snapshot(t), Explain: true}
	if err := r.Run(f, time.Unix(0, 0), func(r *Result) bool { c.Explained(r.Explanation); return true }); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, ref := range c.Untested() {
		names = append(names, fmt.Sprintf("%s %s %s:%d", ref.Layer, Name(ref), ref.File, ref.Line))
	}
	const want = "[organization rules/read acme/access-policies/rules.json:2 organization rules/write acme/access-policies/rules.json:4 bucket acme/buckets/timed.json/0 acme/buckets/timed.json:1]"
	if fmt.Sprint(names) != want {
		t.Errorf("untested are\n%v, want\n%s", names, want)
	}
}
