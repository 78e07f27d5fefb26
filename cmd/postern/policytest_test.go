package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/policy"
)

// TestValidateSchema: what validate -json prints, errors, warnings and sums, is what
// docs/validate.schema.json says, which knows every code.
func TestValidateSchema(t *testing.T) {
	const schema = "../../docs/validate.schema.json"
	dir := write(t, t.TempDir(),
		"acme/buckets/b.json", `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:ListObjectsV2", "Resource": "arn:aws:s3:::b"}}`,
		"acme/buckets/c.json", `{"Version": "2012-10-17", "Statement": {"Effect": "deny", "Principal": "*"}}`)
	got := call("", nil, "validate", "-json", dir)
	for _, part := range []string{`"error"`, `"warning"`, `"fix"`, `"code"`} {
		if !strings.Contains(got.out, part) {
			t.Errorf("no %s in %s", part, got.out)
		}
	}
	fits(t, schema, got.out)
	fits(t, schema, call("", nil, "validate", "-json", "-summary", dir).out)
	fits(t, schema, call("", nil, "validate", "-json", examplesDir).out)

	var read struct {
		Defs struct {
			Diagnostic struct {
				Properties struct{ Code struct{ Enum []string } }
			}
		} `json:"$defs"`
	}
	data, err := os.ReadFile(schema)
	if err != nil || json.Unmarshal(data, &read) != nil {
		t.Fatal(err)
	}
	for _, c := range policy.Codes() {
		if !slices.Contains(read.Defs.Diagnostic.Properties.Code.Enum, c.String()) {
			t.Errorf("%s does not know the code %s", schema, c)
		}
	}
}

// testedPolicies is a directory with what the sentences of specification 8.2 are
// about: a platform's organization, an obligation, a condition on the time.
func testedPolicies(t *testing.T) string {
	return write(t, t.TempDir(),
		"policies/acme/access-policies/p.json", `{"version": "v1alpha1", "name": "p", "statements": [
  {"name": "read", "effect": "Allow", "actions": ["s3:Get*"], "resources": ["*"], "principals": ["role/*"]},
  {"name": "keep", "effect": "Deny", "actions": ["s3:GetObject"], "resources": ["b/secret"], "principals": ["*"]}]}`,
		"policies/acme/buckets/b.json", `{"Version": "2012-10-17", "Statement": [
  {"Sid": "Own", "Effect": "Allow", "Principal": {"CW": "acme"}, "Action": "s3:*", "Resource": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01"}}},
  {"Sid": "Inventory", "Effect": "Allow", "Principal": {"CW": "arn:aws:iam::static:role/inventory"}, "Action": "s3:PutObject", "Resource": "*"}]}`,
		"policies/acme/iam/a.json", `{"apiVersion": "postern/v1", "kind": "AccessPolicy",
  "roles": {"opener": {"rules": [{"actions": ["stack:open"], "resources": ["stack:*"], "constraints": {"maxOpenSeconds": 300}}]}},
  "bindings": [{"id": "all", "roles": ["opener"], "members": ["*"]}]}`)
}

// TestTestSentences: what each member of a file of tests does (specification 8.2),
// by a test that holds with it and one that fails without.
func TestTestSentences(t *testing.T) {
	const (
		read      = `"request": {"subject": {"type": "role", "id": "A", "properties": {"org": "acme"}}, "action": {"name": "s3:GetObject"}, "resource": {"type": "object", "id": "b/k"}}`
		anonymous = `"request": {"subject": {"type": "role", "id": "A"}, "action": {"name": "s3:GetObject"}, "resource": {"type": "object", "id": "b/k"}}`
		inventory = `"request": {"subject": {"type": "role", "id": "inventory", "properties": {"org": "static"}}, "action": {"name": "s3:PutObject"}, "resource": {"type": "object", "id": "b/k"}}`
		open      = `"request": {"subject": {"type": "user", "id": "kim", "properties": {"org": "acme"}}, "action": {"name": "stack:open"}, "resource": {"type": "stack", "id": "x"}}`
		matrix    = `"request": {}, "foreach": {"subject": [{"type": "role", "id": "A", "properties": {"org": "acme"}}, {"type": "role", "id": "B", "properties": {"org": "acme"}}],
  "action": [{"name": "s3:GetObject"}, {"name": "s3:GetObjectTagging"}], "resource": [{"type": "object", "id": "b/1"}, {"type": "object", "id": "b/2"}, {"type": "object", "id": "b/3"}]}`
		now = `"now": "2026-01-01T00:00:00Z", `
	)
	for _, c := range []struct {
		name, top, test string
		passed, failed  int
		says            string
	}{
		{"now", now, `"decision": true, ` + read, 1, 0, ""},
		{"a later now", `"now": "2031-01-01T00:00:00Z", `, `"decision": true, ` + read, 0, 1, "wanted the decision true, and it is false"},
		{"defaultOrg", now + `"defaultOrg": "acme", `, `"decision": true, ` + anonymous, 1, 0, ""},
		{"no defaultOrg", now, `"decision": true, ` + anonymous, 0, 1, "anonymous"},
		{"platformOrgs", now + `"platformOrgs": ["static"], `, `"decision": true, ` + inventory, 1, 0, ""},
		{"no platformOrgs", now, `"decision": true, ` + inventory, 0, 1, "no_organization_policy"},
		{"obligations", now, `"decision": true, "obligations": [{"id": "max-open", "type": "max_open_seconds", "properties": {"seconds": 300}}], ` + open, 1, 0, ""},
		{"no obligations", now, `"decision": true, "obligations": [], ` + open, 0, 1, "wanted no obligation, and there is the obligation max-open of 300 seconds"},
		{"determinedBy", now, `"decision": true, "determinedBy": ["p/read", "acme/buckets/b.json/Own"], ` + read, 1, 0, ""},
		{"determinedBy another", now, `"decision": true, "determinedBy": ["p/read"], ` + read, 0, 1, "wanted it determined by p/read, and it is by acme/buckets/b.json/Own, p/read"},
		{"determinedBy a Deny", now, `"decision": false, "determinedBy": ["p/keep"], ` + strings.Replace(read, "b/k", "b/secret", 1), 1, 0, ""},
		{"reason", now, `"decision": false, "reason": "anonymous", ` + anonymous, 1, 0, ""},
		{"another reason", now, `"decision": false, "reason": "organization_deny", ` + anonymous, 0, 1, "wanted the reason organization_deny, and it is anonymous"},
		{"foreach", now, `"decision": true, ` + matrix, 12, 0, ""},
		{"foreach of which none holds", now, `"decision": false, ` + matrix, 0, 12, `"x[role/B s3:GetObjectTagging b/3]"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := testedPolicies(t)
			// Paths are relative to the file of tests, whatever the working directory is.
			write(t, dir, "below/x.test.json", `{"policies": "../policies", `+c.top+`"tests": [{"name": "x", `+c.test+`}]}`)
			got := call("", nil, "test", "-json", "-coverage", dir)
			var report struct{ Passed, Failed int }
			if err := json.Unmarshal([]byte(got.out), &report); err != nil {
				t.Fatalf("%v: %s%s", err, got.out, got.errs)
			}
			fits(t, "../../docs/test.schema.json", got.out)
			code := exitOK
			if c.failed > 0 {
				code = exitDenied
			}
			if report.Passed != c.passed || report.Failed != c.failed || got.code != code || !strings.Contains(got.out, c.says) {
				t.Errorf("exit %d, %s\nwant %d passed, %d failed, and %s", got.code, got.out, c.passed, c.failed, c.says)
			}
			for _, name := range []string{filepath.Join(dir, "below/x.test.json"), filepath.Join(dir, "below")} {
				if of := call("", nil, "test", name); of.code != code {
					t.Errorf("%s: exit %d: %s%s", name, of.code, of.out, of.errs)
				}
			}
		})
	}
}
