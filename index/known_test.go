package index_test

import (
	"maps"
	"slices"
	"testing"

	"postern/compile"
	"postern/internal/policyjson"
	"postern/policy"
)

// TestKnown asks for the buckets and the principals of a small directory.
func TestKnown(t *testing.T) {
	organization, ds := policyjson.ParseOrganization("acme/access-policies/a.json", []byte(`{"version": "v1alpha1", "name": "a", "statements": [
		{"name": "x", "effect": "Allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["role/Reader", "role/Admin", "role/t*"]}]}`), policyjson.Limits{})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	bucket, ds := policyjson.ParseBucket("acme/buckets/data.json", "data", []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Principal": {"CW": ["arn:aws:iam::acme:role/Writer", "arn:aws:iam::globex:role/Guest"]}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}}`), policyjson.Limits{})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	s, _ := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{organization}}, "globex": {}},
		Buckets: map[string]*policy.DirectoryBucket{
			"data": {Owner: "acme", Policy: bucket}, "empty": {Owner: "globex"}},
	}, 1)

	if got, want := maps.Collect(s.Buckets()), map[string]string{"data": "acme", "empty": "globex"}; !maps.Equal(got, want) {
		t.Errorf("Buckets: %v, want %v", got, want)
	}
	for _, c := range []struct {
		org, bucket string
		want        []string
	}{
		{"acme", "", []string{"role/Admin", "role/Reader"}},
		{"acme", "data", []string{"role/Admin", "role/Reader", "role/Writer"}},
		{"globex", "data", []string{"role/Guest"}},
		{"globex", "nothing", nil},
		{"nobody", "empty", nil},
	} {
		if got := s.Principals(c.org, c.bucket); !slices.Equal(got, c.want) {
			t.Errorf("Principals(%q, %q): %q, want %q", c.org, c.bucket, got, c.want)
		}
	}
}
