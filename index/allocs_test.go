//go:build !race

package index_test

import (
	"testing"

	"postern/compile"
	"postern/index"
	"postern/policy"
)

// TestNeedsAllocateNothing: what an operation needs beside, and what an object
// operation on a bucket meets, is decided without allocating, patterns with
// wildcards and variables included (specification 1.2).
func TestNeedsAllocateNothing(t *testing.T) {
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	statement := func(effect policy.Effect, action string, not bool, resources ...string) policy.Statement {
		return policy.Statement{Effect: effect, Principals: everyone, Actions: []string{action}, Resources: resources, NotResource: not}
	}
	all := &policy.Document{Name: "all", Statements: []policy.Statement{statement(policy.EffectAllow, "s3:*", false, "*")}}
	own := &policy.Document{Name: "b", Variables: true, Statements: []policy.Statement{
		statement(policy.EffectAllow, "*", false, "*"),
		statement(policy.EffectDeny, "s3:DeleteObject", false, "?/l*k", "${x}?/k", "other/*"),
		statement(policy.EffectDeny, "s3:DeleteObject", true, "${x}*", "*"),
	}}
	s, ds := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{all}}},
		Buckets:       map[string]*policy.DirectoryBucket{"bkt": {Owner: "o1", Policy: own}},
	}, 1)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	for name, r := range map[string]*policy.Request{
		"an object operation on a bucket": {
			Principal: policy.Principal{Org: "o1", IDs: []string{"role/a"}}, Action: "s3:DeleteObjects",
			Resource: policy.Resource{Kind: policy.ResourceBucket, Type: "bucket", ID: "bkt"},
			Context:  []policy.Attribute{{Key: "x", Values: []policy.Value{{Kind: policy.ValueString, Text: "nobody"}}}},
		},
		"two actions": {
			Principal: policy.Principal{Org: "o1", IDs: []string{"role/a"}}, Action: "s3:GetObjectAttributes",
			Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "bkt/k"},
		},
	} {
		sc := new(index.Scratch)
		if got := s.Decide(r, sc).Reason; got != policy.Allowed {
			t.Fatalf("%s: %v", name, got)
		}
		if n := testing.AllocsPerRun(100, func() { s.Decide(r, sc) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
