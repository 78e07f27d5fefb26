package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const platformDir = root + "/examples/platform"

// TestExamplesLoad: every folder of examples loads without an error, and those
// of our own making without a warning; so does each of its files alone.
func TestExamplesLoad(t *testing.T) {
	entries, err := os.ReadDir(root + "/examples")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, e := range entries {
		dir := filepath.Join(root, "examples", e.Name())
		args := []string{"validate", "-strict", dir}
		if dir == filepath.Clean(examplesDir) { // a source example spells an element in lower case
			args = []string{"validate", dir}
		}
		if got := call("", nil, args...); got.code != exitOK {
			t.Errorf("%s: exit %d\n%s%s", e.Name(), got.code, got.out, got.errs)
		}
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "buckets.json" || filepath.Ext(path) != ".json" {
				return err
			}
			files++
			if got := call("", nil, "validate", path); got.code != exitOK {
				t.Errorf("%s: exit %d\n%s%s", path, got.code, got.out, got.errs)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if len(entries) < 3 || files < 10 {
		t.Errorf("%d examples with %d files", len(entries), files)
	}
}

// TestPlatformDecides asks what examples/platform is there to show.
func TestPlatformDecides(t *testing.T) {
	const github = `"claims":{"iss":"https://token.actions.githubusercontent.com","aud":"urn:pulumi:org:acme",`
	for _, c := range []struct {
		who        string // type/id, then more properties of the subject
		properties string
		action     string
		resource   string // type:id
		tags       string
		want       string
	}{
		// Developers: previews everywhere, deployments where the tag says dev.
		{"pulumi/alice", "", "stack_deployment:create", "stack:acme/web/prod", `{"env":"prod"}`, "allowed"},
		{"pulumi/alice", "", "stack:write", "stack:acme/web/dev", `{"env":"dev"}`, "allowed"},
		{"pulumi/alice", "", "stack:write", "stack:acme/payments/dev", "", "allowed"},
		{"pulumi/alice", "", "stack:write", "stack:acme/payments/prod", "", "iam_no_match"},
		{"pulumi/alice", "", "stack:write", "stack:acme/web/dev", "", "iam_no_match"},
		{"pulumi/alice", "", "team:list", "organization:*", "", "allowed"},
		{"pulumi/alice", "", "environment:open", "environment:acme/prod/db", "", "iam_no_match"},
		{"pulumi/dana", "", "environment:write", "environment:acme/payments/db", "", "allowed"},
		{"pulumi/alice", "", "environment:write", "environment:acme/payments/db", "", "iam_no_match"},
		// Nobody deletes what is tagged prod, nor what has tags that nobody stated.
		{"pulumi/alice", "", "stack:delete", "stack:acme/payments/prod", "", "iam_deny"},
		{"pulumi/alice", "", "stack:delete", "stack:acme/unknown/x", "", "iam_deny"},
		{"pulumi/alice", "", "stack:delete", "stack:acme/payments/dev", "", "iam_no_match"},
		// Roles to groups and users, and the legacy groups.
		{"saml/kim", "", "cks:DeleteCluster", "cluster:c1", "", "allowed"},
		{"saml/kim", "", "cwobject:CreateAccessKey", "organization:*", "", "organization_no_match"},
		{"coreweave/u1001", "", "cwobject:CreateAccessKey", "organization:*", "", "allowed"},
		{"coreweave/u2002", "", "billing:GetInvoice", "invoice:7", "", "allowed"},
		{"coreweave/u3003", `"groups":["write"]`, "cks:CreateCluster", "cluster:c1", "", "allowed"},
		{"coreweave/u3003", `"groups":["write"]`, "iam:CreateUser", "user:u", "", "iam_no_match"},
		{"pulumi/frank", "", "audit_logs:export", "organization:acme", "", "allowed"},
		{"pulumi/frank", "", "team:list", "organization:acme", "", "iam_no_match"},
		// Members without a role.
		{"pulumi/zoe", "", "team:list", "organization:*", "", "allowed"},
		{"pulumi/zoe", "", "stack:read", "stack:acme/web/dev", `{"env":"dev"}`, "iam_no_match"},
		// Pulumi's record, bound to a group that requests state.
		{"pulumi/zoe", `"groups":["on-call"]`, "stack:read", "stack:acme/web/prod", "", "allowed"},
		{"pulumi/zoe", `"groups":["on-call"]`, "stack:cancel_update", "stack:acme/payments/prod", "", "allowed"},
		{"pulumi/zoe", `"groups":["on-call"]`, "stack:cancel_update", "stack:acme/payments/dev", "", "iam_no_match"},
		// Tokens.
		{"token/payments-prod", "", "stack:write", "stack:acme/payments/prod", "", "allowed"},
		{"token/payments-prod", "", "stack:write", "stack:acme/network/prod", "", "iam_no_match"},
		{"token/payments-prod", "", "stack:read", "stack:acme/network/prod", "", "allowed"},
		{"token/audit-export", "", "audit_logs:read", "organization:*", "", "allowed"},
		{"token/audit-export", "", "team:list", "organization:*", "", "iam_no_match"},
		{"token/developers-bot", "", "stack:write", "stack:acme/payments/dev", "", "allowed"},
		{"token/alice-laptop", "", "stack:write", "stack:acme/payments/dev", "", "allowed"},
		{"token/nobody", "", "stack:read", "stack:acme/payments/dev", "", "anonymous"},
		// Pipelines by their claims.
		{"oidc/github", github + `"sub":"repo:acme/payments:ref:refs/heads/main"}`, "stack:write", "stack:acme/payments/prod", "", "allowed"},
		{"oidc/github", github + `"sub":"repo:acme/payments:pull_request"}`, "stack:write", "stack:acme/payments/prod", "", "iam_no_match"},
		{"oidc/github", github + `"sub":"repo:acme/payments:pull_request"}`, "stack_deployment:create", "stack:acme/payments/prod", "", "allowed"},
		{"oidc/github", github + `"sub":"repo:acme/sandbox:pull_request"}`, "stack_deployment:create", "stack:acme/payments/prod", "", "iam_no_match"},
		// The object store beside it.
		{"pulumi/alice", "", "s3:GetObject", "object:artifacts/build.tar", "", "allowed"},
		{"pulumi/alice", "", "s3:PutObject", "object:artifacts/build.tar", "", "organization_no_match"},
	} {
		subjectType, id, _ := strings.Cut(c.who, "/")
		resourceType, resourceID, _ := strings.Cut(c.resource, ":")
		properties := `"org":"acme"`
		if c.properties != "" {
			properties += "," + c.properties
		}
		resource := `{"type":"` + resourceType + `","id":"` + resourceID + `"`
		if c.tags != "" {
			resource += `,"properties":{"tags":` + c.tags + `}`
		}
		request := body(`{"type":"`+subjectType+`","id":"`+id+`","properties":{`+properties+`}}`, `{"name":"`+c.action+`"}`, resource+`}`)
		got := call(request, nil, "check", "-policies", platformDir, "-json", "-request", "-")
		var a answer
		if err := json.Unmarshal([]byte(got.out), &a); err != nil {
			t.Fatalf("%s: %v: %q %q", request, err, got.out, got.errs)
		}
		if a.Reason != c.want || got.code != map[bool]int{true: exitOK, false: exitDenied}[c.want == "allowed"] || got.errs != "" {
			t.Errorf("%s: %s, exit %d; want %s\n%s", request, a.Reason, got.code, c.want, got.errs)
		}
	}
}

// TestPlatformObligation: an allow with a constraint says so at every door, in
// one shape.
func TestPlatformObligation(t *testing.T) {
	s := start(t, "serve", "-policies", platformDir, "-default-org", "acme")
	const environment = `{"type":"environment","id":"acme/shared/db"}`
	const obligation = `"context":{"obligations":[{"id":"max-open","type":"max_open_seconds","properties":{"seconds":3600}}]}`
	request := body(`{"type":"pulumi","id":"alice"}`, `{"name":"environment:open"}`, environment)
	if code, text := s.ask(request); code != 200 || strings.TrimSpace(text) != `{"decision":true,`+obligation+`}` {
		t.Errorf("%d %s", code, text)
	}
	check := []string{"check", "-policies", platformDir, "-default-org", "acme", "-request", "-"}
	if got := call(request, nil, append(check, "-json")...); got.code != exitOK || !strings.Contains(got.out, obligation) {
		t.Errorf("check -json: exit %d, %s%s", got.code, got.out, got.errs)
	}
	if got := call(request, nil, check...); got.code != exitOK ||
		!strings.Contains(got.out, "\nobligation max-open: what is opened may stay open for 3600 seconds\n") {
		t.Errorf("check: exit %d, %s%s", got.code, got.out, got.errs)
	}
	// Without a constraint there is no obligation.
	if code, text := s.ask(body(`{"type":"pulumi","id":"alice"}`, `{"name":"team:list"}`, `{"type":"organization","id":"*"}`)); code != 200 || strings.TrimSpace(text) != `{"decision":true}` {
		t.Errorf("%d %s", code, text)
	}
	if got := call("", nil, "check", "-policies", platformDir, "-org", "acme", "-principal", "pulumi/alice", "-action", "team:list"); got.code != exitOK ||
		strings.Contains(got.out, "obligation") {
		t.Errorf("check: exit %d, %s%s", got.code, got.out, got.errs)
	}
}
