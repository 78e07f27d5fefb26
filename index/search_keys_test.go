package index_test

import (
	"slices"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/policy"
)

// TestSearchReadsNamesOfTheSearched: a key of a condition, or a variable, that
// has its value from the searched principal's own name (specification 1.7) rules
// nobody out before that name is known.
func TestSearchReadsNamesOfTheSearched(t *testing.T) {
	is := func(operator, key, text string) []policy.Condition {
		o, ok := policy.ParseOperator(operator)
		if !ok {
			t.Fatal(operator)
		}
		return []policy.Condition{{Operator: o, Key: key, Values: []string{text}}}
	}
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	allow := policy.Statement{Effect: policy.EffectAllow, Principals: everyone, Actions: []string{"s3:*"}, Resources: []string{"*"}}
	// The names are known from here, and everybody is let through.
	names := allow
	names.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalExact, Name: "saml/alice"}, {Kind: policy.PrincipalExact, Name: "saml/bob"}}
	for _, c := range []struct {
		about, resource string
		conditions      []policy.Condition
	}{
		{"subject.id", "*", is("StringEquals", "subject.id", "alice")},
		{"aws:username", "*", is("StringLike", "aws:username", "al*")},
		{"aws:PrincipalArn", "*", is("ArnLike", "aws:PrincipalArn", "arn:aws:iam::o1:saml/alice")},
		{"a negated key", "*", is("StringNotEquals", "subject.id", "bob")},
		{"a variable of a condition", "*", is("StringLike", "k", "${subject.id}/*")},
		{"a variable of a resource", "b/${aws:username}/*", nil},
		{"a type", "*", slices.Concat(is("StringEquals", "subject.type", "saml"), is("StringEquals", "subject.id", "alice"))},
	} {
		s := allow
		s.Resources, s.Conditions = []string{c.resource}, c.conditions
		d := &policy.Directory{
			Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{{Kind: policy.KindOrganization, Statements: []policy.Statement{allow, names}}}}},
			Buckets:       map[string]*policy.DirectoryBucket{"b": {Owner: "o1", Policy: &policy.Document{Kind: policy.KindBucket, Variables: true, Statements: []policy.Statement{s}}}},
		}
		r := &policy.Request{
			Principal: policy.Principal{Org: "o1", IDs: []string{"saml/"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/alice/k"},
			Context:  []policy.Attribute{{Key: "k", Values: []policy.Value{{Kind: policy.ValueString, Text: "alice/k"}}}},
		}
		for form, forced := range forms {
			snapshot, ds := compile.Compiler{Form: forced}.Directory(d, 1)
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			if got, err := snapshot.SearchSubjects(r, index.Page{}); err != nil || !slices.Equal(got.IDs, []string{"alice"}) {
				t.Errorf("%s, %s: %q, %v, want alice", c.about, form, got.IDs, err)
			}
		}
	}
}
