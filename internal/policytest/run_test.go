package policytest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/policy"
)

const rules = `{"policy": {"version": "v1alpha1", "name": "rules", "statements": [
  {"name": "read", "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"], "principals": ["role/A"]},
  {"name": "no-secrets", "effect": "Deny", "actions": ["s3:*"], "resources": ["bucket/secret*"], "principals": ["*"]},
  {"name": "write", "effect": "Allow", "actions": ["s3:PutObject"], "resources": ["timed/*"], "principals": ["role/A"]}]}}`

const timed = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::timed/*",
  "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}]}`

func snapshot(t *testing.T) *index.Snapshot {
	t.Helper()
	f, ds := policyjson.Parse("acme/access-policies/rules.json", []byte(rules), policyjson.Limits{})
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	b, ds := policyjson.Parse("acme/buckets/timed.json", []byte(timed), policyjson.Limits{})
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	s, ds := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{f.Document}}},
		Buckets:       map[string]*policy.DirectoryBucket{"bucket": {Owner: "acme"}, "timed": {Owner: "acme", Policy: b.Document}},
	}, 1)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	return s
}

// TestRun: what a test wants is compared, each part of it, and what it leaves
// out is not.
func TestRun(t *testing.T) {
	s := snapshot(t)
	for _, c := range []struct{ id, wanted, failures string }{
		{"bucket/1", `"decision": true`, ``},
		{"bucket/1", `"decision": true, "reason": "allowed", "obligations": [], "determinedBy": ["rules/read"]`, ``},
		{"bucket/1", `"decision": false`, `wanted the decision false, and it is true`},
		{"bucket/1", `"decision": true, "determinedBy": []`, `wanted it determined by no statement, and it is by rules/read`},
		{"bucket/1", `"decision": true, "determinedBy": ["rules/other"]`, `wanted it determined by rules/other, and it is by rules/read`},
		{"bucket/1", `"decision": true, "obligations": [{"id": "max-open", "type": "max_open_seconds", "properties": {"seconds": 9}}]`, `wanted the obligation max-open of 9 seconds, and there is no obligation`},
		{"bucket/secret", `"decision": false, "reason": "organization_deny", "determinedBy": ["rules/no-secrets"]`, ``},
		{"bucket/secret", `"decision": false, "reason": "anonymous"`, `wanted the reason anonymous, and it is organization_deny`},
		{"bucket/secret", `"decision": true`, `wanted the decision true, and it is false`},
	} {
		text := fmt.Sprintf(`{"policies": "p", "tests": [{"name": "x", %s, "request": {"subject": {"type": "role", "id": "A", "properties": {"org": "acme"}}, "action": {"name": "s3:GetObject"}},
			"foreach": {"resource": [{"type": "object", "id": "%s"}]}}]}`, c.wanted, c.id)
		f, ds := Parse("x", []byte(text))
		if f == nil {
			t.Fatal(ds)
		}
		n := 0
		r := Runner{Snapshot: s}
		err := r.Run(f, time.Unix(0, 0), func(r *Result) bool {
			n++
			if got := strings.Join(r.Failures, "; "); got != c.failures || r.Name != "x["+c.id+"]" || (r.Explanation != nil) != (got != "") {
				t.Errorf("%s of %s: %q, want %q (%+v)", c.wanted, c.id, got, c.failures, r)
			}
			return true
		})
		if n != 1 || err != nil {
			t.Errorf("%d results, %v", n, err)
		}
	}
}

// TestTime: a request has the file's time, and the clock's where the file has
// none.
func TestTime(t *testing.T) {
	s := snapshot(t)
	for now, want := range map[string]string{`"now": "2026-01-01T00:00:00Z",`: "true", ``: "false"} {
		text := fmt.Sprintf(`{"policies": "p", %s "tests": [{"name": "x", "decision": %s,
			"request": {"subject": {"type": "role", "id": "A", "properties": {"org": "acme"}}, "action": {"name": "s3:PutObject"}, "resource": {"type": "object", "id": "timed/x"}}}]}`, now, want)
		f, ds := Parse("x", []byte(text))
		if f == nil {
			t.Fatal(ds)
		}
		r := Runner{Snapshot: s}
		if err := r.Run(f, time.Unix(7, 0), func(r *Result) bool {
			if len(r.Failures) > 0 {
				t.Errorf("with %q: %v", now, r.Failures)
			}
			return true
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOnly: what has another name is not asked.
func TestOnly(t *testing.T) {
	f, ds := Parse("x", []byte(whole))
	if f == nil {
		t.Fatal(ds)
	}
	var names []string
	r := Runner{Snapshot: snapshot(t), Only: func(name string) bool { return strings.Contains(name, "role/B") }}
	if err := r.Run(f, time.Now(), func(r *Result) bool { names = append(names, r.Name); return true }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(names) != "[a[role/B bucket/1]]" {
		t.Errorf("asked %q", names)
	}
}
