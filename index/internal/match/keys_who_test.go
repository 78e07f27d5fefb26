//go:build !race

package match_test

import (
	"testing"

	"postern/compile"
	"postern/index"
	"postern/policy"
)

// TestServerKeysAllocateNothing: a policy that reads every key that says who
// asks, and about what, costs no allocation, whoever asked before.
func TestServerKeysAllocateNothing(t *testing.T) {
	var conditions []policy.Condition
	for _, c := range [][3]string{
		{"StringEquals", "subject.type", "saml"}, {"StringEquals", "subject.id", "jean"}, {"StringEquals", "resource.type", "object"},
		{"StringEquals", "resource.id", "b/jean/k"}, {"StringEquals", "action.name", "s3:GetObject"}, {"ArnLike", "aws:PrincipalArn", "arn:aws:iam::o1:role/b"},
		{"StringEquals", "aws:PrincipalAccount", "${cw:PrincipalOrgID}"}, {"StringEquals", "aws:username", "${subject.id}"},
	} {
		o, ok := policy.ParseOperator(c[0])
		if !ok {
			t.Fatal(c[0])
		}
		conditions = append(conditions, policy.Condition{Operator: o, Key: c[1], Values: []string{c[2]}})
	}
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	allow := policy.Statement{Effect: policy.EffectAllow, Principals: everyone, Actions: []string{"s3:*"}, Resources: []string{"*"}}
	reading := allow
	reading.Resources, reading.Conditions = []string{"b/${aws:username}/*"}, conditions
	s, ds := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{{Kind: policy.KindOrganization, Statements: []policy.Statement{allow}}}}},
		Buckets:       map[string]*policy.DirectoryBucket{"b": {Owner: "o1", Policy: &policy.Document{Kind: policy.KindBucket, Variables: true, Statements: []policy.Statement{reading}}}},
	}, 1)
	if ds != nil {
		t.Fatal(ds)
	}
	ask := func(ids ...string) *policy.Request {
		return &policy.Request{
			Principal: policy.Principal{Org: "o1", IDs: ids}, Action: "s3:GetObject",
			Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/jean/k"},
		}
	}
	yes, no := ask("saml/jean", "role/a", "role/b"), ask("saml/jean", "role/c")
	var sc index.Scratch
	n := testing.AllocsPerRun(100, func() {
		if s.Decide(yes, &sc).Outcome != policy.Allow || s.Decide(no, &sc).Outcome == policy.Allow {
			t.Fatal("the policy decides otherwise than the test expects")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
