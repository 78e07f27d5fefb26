package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

const examplesDir = root + "/examples/policies"

// TestSourceExamplesAreUnchanged: each policy that the source documents show
// stands in examples/policies with its placeholders filled in and nothing else
// changed: elements, their order, their case.
func TestSourceExamplesAreUnchanged(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/source-examples.txtar")
	if err != nil {
		t.Fatal(err)
	}
	type fill struct{ from, to string }
	fills := map[string][]fill{}
	for line := range strings.Lines(string(archive.Comment)) {
		rule, ok := strings.CutPrefix(strings.TrimSpace(line), "fill ")
		if !ok {
			continue
		}
		name, rest, ok1 := strings.Cut(rule, ": ")
		from, to, ok2 := strings.Cut(rest, " => ")
		if !ok1 || !ok2 {
			t.Fatalf("%q is no rule", line)
		}
		fills[name] = append(fills[name], fill{from, to})
	}
	organization, bucket := 0, 0
	for _, f := range archive.Files {
		if strings.Contains(f.Name, "/access-policies/") {
			organization++
		} else {
			bucket++
		}
		want := string(f.Data)
		for _, r := range fills[f.Name] {
			if !strings.Contains(want, r.from) {
				t.Errorf("%s: the source has no %q to fill", f.Name, r.from)
			}
			want = strings.ReplaceAll(want, r.from, r.to)
		}
		delete(fills, f.Name)
		got, err := os.ReadFile(filepath.Join(examplesDir, f.Name))
		if err != nil {
			t.Error(err)
			continue
		}
		if compact(t, got) != compact(t, []byte(want)) {
			t.Errorf("%s is\n%s\nand the source says\n%s", f.Name, got, want)
		}
		for _, left := range []string{"[BUCKET-NAME]", "[USER-UID]", "Org ID", "OtherOrgID"} {
			if bytes.Contains(got, []byte(left)) {
				t.Errorf("%s: the placeholder %s is not filled in", f.Name, left)
			}
		}
	}
	if organization != 9 || bucket != 6 {
		t.Errorf("%d organization and %d bucket policies, want 9 and 6", organization, bucket)
	}
	for name := range fills {
		t.Errorf("a rule fills %s, which is no source example", name)
	}
}

func compact(t *testing.T, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSourceExamplesDecide asks what each example's own text promises.
func TestSourceExamplesDecide(t *testing.T) {
	type caller struct {
		org string
		ids []string
	}
	admin := func(org string) caller { return caller{org, []string{"saml/kim", "role/Admin"}} }
	user := func(org string) caller { return caller{org, []string{"saml/lee"}} }
	console := caller{"acme", []string{"coreweave/u1001"}}
	jean := caller{"123456789012", []string{"coreweave/JeanDoe"}}
	for _, c := range []struct {
		example          string
		who              caller
		action, resource string
		context, want    string
	}{
		{"full control for admins", admin("acme"), "s3:PutObject", "audit-logs/k", "", "allowed"},
		{"full control for admins", admin("acme"), "s3:ListAllMyBuckets", "*", "", "allowed"},
		{"full control for admins", user("acme"), "s3:PutObject", "audit-logs/k", "", "organization_no_match"},
		{"one bucket for all users", user("globex"), "s3:PutObject", "lab-scratch/k", "", "allowed"},
		{"one bucket for all users", user("globex"), "s3:ListBucket", "lab-scratch", "", "allowed"},
		{"one bucket for all users", user("globex"), "s3:PutObject", "shared-results/k", "", "organization_no_match"},
		{"full access for all users", user("123456789012"), "s3:ListAllMyBuckets", "*", "", "allowed"},
		{"full access for all users", user("123456789012"), "s3:CreateBucket", "new", "", "allowed"},
		{"one console user", console, "s3:CreateBucket", "my-other", "", "allowed"},
		{"one console user", console, "s3:PutObject", "audit-logs/k", "", "allowed"},
		{"read-only all buckets", user("globex"), "s3:GetObject", "lab-scratch/k", "", "allowed"},
		{"read-only all buckets", user("globex"), "s3:HeadBucket", "lab-scratch", "", "allowed"},
		{"read-only all buckets", user("globex"), "s3:ListAllMyBuckets", "*", "", "allowed"},
		{"read-only one bucket", user("acme"), "s3:GetObject", "my-bucket/k", "", "allowed"},
		{"read-only one bucket", user("acme"), "s3:ListBucket", "my-bucket", "", "allowed"},
		{"read-only one bucket", user("acme"), "s3:PutObject", "my-bucket/k", "", "organization_no_match"},
		{"limited cwobject", user("acme"), "cwobject:CreateAccessKeySAML", "*", "", "allowed"},
		{"limited cwobject", user("acme"), "cwobject:EnsureAccessPolicy", "*", "", "organization_no_match"},
		{"cwobject and s3 for a SAML group", admin("globex"), "cwobject:EnsureAccessPolicy", "*", "", "allowed"},
		{"cwobject and s3 for a SAML group", admin("globex"), "s3:DeleteBucket", "lab-scratch", "", "allowed"},
		{"cwobject and s3 for a SAML group", user("globex"), "cwobject:EnsureAccessPolicy", "*", "", "organization_no_match"},
		{"advanced", user("initech"), "s3:PutObject", "quarterly-reports/k", "", "allowed"},
		{"advanced", user("initech"), "cwobject:ListAccessKeyInfo", "*", "", "allowed"},
		{"advanced", user("initech"), "cwobject:DeleteAccessPolicy", "*", "", "organization_no_match"},
		// Allows add up: the JSON does not make the restriction of the prose
		// (specification 1.4).
		{"advanced", caller{"initech", []string{"role/SAMLGroup"}}, "s3:PutObject", "quarterly-reports/k", "", "allowed"},
		{"organization-wide read", user("acme"), "s3:GetObject", "my-bucket/k", "", "allowed"},
		{"organization-wide read", admin("acme"), "s3:PutObject", "my-bucket/k", "", "bucket_no_match"},
		{"organization-wide read", admin("globex"), "s3:GetObject", "my-bucket/k", "", "cross_organization_no_allow"},
		{"another organization", admin("acme"), "s3:GetObject", "shared-results/k", "", "allowed"},
		{"another organization", user("globex"), "s3:ListBucket", "shared-results", "", "allowed"},
		{"another organization", user("initech"), "s3:GetObject", "shared-results/k", "", "cross_organization_no_allow"},
		{"another organization", admin("acme"), "s3:PutObject", "shared-results/k", "", "cross_organization_no_allow"},
		{"JeanDoe", jean, "s3:DeleteObject", "team-bucket/k", "", "bucket_deny"},
		{"JeanDoe", jean, "s3:DeleteObjectVersion", "team-bucket/k", "", "bucket_deny"},
		{"JeanDoe", jean, "s3:PutBucketLifecycleConfiguration", "team-bucket", "", "bucket_deny"},
		{"JeanDoe", jean, "s3:GetObject", "team-bucket/k", "", "bucket_no_match"},
		{"JeanDoe", user("123456789012"), "s3:DeleteObject", "team-bucket/k", "", "bucket_no_match"},
		{"root of an account", user("123456789012"), "s3:PutObject", "acl3/k", "", "allowed"},
		{"root of an account", user("123456789012"), "s3:PutObjectAcl", "acl3/k", "", "allowed"},
		{"root of an account", user("123456789012"), "s3:GetObject", "acl3/k", "", "bucket_no_match"},
		{"root of an account", user("initech"), "s3:PutObject", "acl3/k", "", "cross_organization_no_allow"},
		{"Terraform, raw", user("initech"), "s3:ListBucket", "bucket-policy-raw-example", "", "allowed"},
		{"Terraform, raw", user("initech"), "s3:GetObject", "bucket-policy-raw-example/k", "", "bucket_no_match"},
		{"Terraform, document", user("initech"), "s3:ListBucket", "bucket-policy-doc-example", "s3:prefix=projects", "allowed"},
		{"Terraform, document", user("initech"), "s3:ListBucket", "bucket-policy-doc-example", "s3:prefix=x", "bucket_deny"},
		{"Terraform, document", user("initech"), "s3:ListBucket", "bucket-policy-doc-example", "", "bucket_deny"},
		{"Terraform, document", user("initech"), "s3:GetBucketLocation", "bucket-policy-doc-example", "", "allowed"},
	} {
		args := []string{"check", "-policies", examplesDir, "-json", "-org", c.who.org, "-action", c.action, "-resource", c.resource}
		for _, id := range c.who.ids {
			args = append(args, "-principal", id)
		}
		if c.context != "" {
			args = append(args, "-context", c.context)
		}
		got := call("", nil, args...)
		var a answer
		if err := json.Unmarshal([]byte(got.out), &a); err != nil {
			t.Fatalf("%s: %v: %q %q", c.example, err, got.out, got.errs)
		}
		if a.Reason != c.want || got.code != map[bool]int{true: exitOK, false: exitDenied}[c.want == "allowed"] {
			t.Errorf("%s: %s of %v on %s %s: %s, exit %d; want %s", c.example, c.action, c.who, c.resource, c.context, a.Reason, got.code, c.want)
		}
		if got.errs != "" {
			t.Errorf("%s: standard error has %q", c.example, got.errs)
		}
	}
}
