package reference

import (
	"fmt"
	"strings"
	"testing"

	"postern/policy"
)

// statement builds one statement of an organization policy, with `*` as its
// principals unless others are given.
func statement(effect policy.Effect, actions, resources string, principals ...policy.PrincipalPattern) policy.Statement {
	if len(principals) == 0 {
		principals = []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	}
	return policy.Statement{
		Effect:     effect,
		Principals: principals,
		Actions:    strings.Fields(actions),
		Resources:  strings.Fields(resources),
	}
}

func allow(actions, resources string, principals ...policy.PrincipalPattern) policy.Statement {
	return statement(policy.EffectAllow, actions, resources, principals...)
}

func deny(actions, resources string, principals ...policy.PrincipalPattern) policy.Statement {
	return statement(policy.EffectDeny, actions, resources, principals...)
}

// when adds a condition.
func when(s policy.Statement, operator, key string, values ...string) policy.Statement {
	o, ok := policy.ParseOperator(operator)
	if !ok {
		panic("no operator " + operator)
	}
	s.Conditions = append(s.Conditions[:len(s.Conditions):len(s.Conditions)], policy.Condition{Operator: o, Key: key, Values: values})
	return s
}

func exact(name string) policy.PrincipalPattern {
	return policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: name}
}

func prefix(name string) policy.PrincipalPattern {
	return policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Name: name}
}

func account(org string) policy.PrincipalPattern {
	return policy.PrincipalPattern{Kind: policy.PrincipalAccount, Org: org}
}

// inOrg gives a pattern the organization of an ARN, for bucket policies.
func inOrg(org string, p policy.PrincipalPattern) policy.PrincipalPattern {
	p.Org = org
	return p
}

// organizationDocument is one file of access-policies/.
func organizationDocument(file string, statements ...policy.Statement) *policy.Document {
	return &policy.Document{Kind: policy.KindOrganization, Name: file, File: file, Statements: statements}
}

// organization has one document, or none without statements.
func organization(name string, statements ...policy.Statement) *policy.DirectoryOrganization {
	if len(statements) == 0 {
		return &policy.DirectoryOrganization{}
	}
	return &policy.DirectoryOrganization{Policies: []*policy.Document{
		organizationDocument(name+"/access-policies/p.json", statements...)}}
}

// bucket is o1's bucket b, with a policy of version 2012-10-17, or none
// without statements.
func bucket(statements ...policy.Statement) *policy.DirectoryBucket {
	b := &policy.DirectoryBucket{Owner: "o1"}
	if len(statements) > 0 {
		b.Policy = &policy.Document{Kind: policy.KindBucket, File: "o1/buckets/b.json", Variables: true, Statements: statements}
	}
	return b
}

// request asks for an action on a resource: `BUCKET`, `BUCKET/KEY` or `*`.
func request(actionName, resource string) *policy.Request {
	r := &policy.Request{
		Principal: policy.Principal{Org: "o1", IDs: []string{"coreweave/u1"}},
		Action:    actionName,
		Resource:  policy.Resource{Kind: policy.ResourceBucket, Type: "bucket", ID: resource},
		Now:       1_800_000_000,
	}
	switch {
	case strings.Contains(resource, "/"):
		r.Resource.Kind, r.Resource.Type = policy.ResourceObject, "object"
	case resource == "*":
		r.Resource.Kind, r.Resource.Type = policy.ResourceOrganization, "organization"
	}
	return r
}

// by changes the caller.
func by(r *policy.Request, org string, ids ...string) *policy.Request {
	r.Principal.Org, r.Principal.IDs = org, ids
	return r
}

// with adds a context key with string values.
func with(r *policy.Request, key string, values ...string) *policy.Request {
	a := policy.Attribute{Key: key}
	for _, v := range values {
		a.Values = append(a.Values, policy.Value{Kind: policy.ValueString, Text: v})
	}
	r.Context = append(r.Context, a)
	return r
}

// TestVectors is specification 1.9, but for 11 and 12, which TestControlPlane
// has.
func TestVectors(t *testing.T) {
	as2 := allow("s3:*", "*")
	denyAll := deny("s3:*", "b b/*")
	allowAll := allow("*", "b b/*")
	ofOrganizations := func(orgs ...string) policy.Statement {
		return when(allow("*", "b b/*"), "StringEquals", "cw:PrincipalOrgID", orgs...)
	}
	o2 := organization("o2", as2)
	fromO2 := func(r *policy.Request) *policy.Request { return by(r, "o2", "coreweave/u2") }
	withRole := func(id string) *policy.Request { return by(request("s3:GetObject", "b/k"), "o1", id) }

	for _, v := range []struct {
		name    string
		o1      []policy.Statement
		bucket  []policy.Statement
		request *policy.Request
		reason  policy.Reason
		layer   policy.Layer
	}{
		{"1", nil, nil, request("s3:GetObject", "b/k"), policy.NoOrganizationPolicy, policy.LayerOrganization},
		{"2", []policy.Statement{as2}, nil, request("s3:GetObject", "b/k"), policy.Allowed, policy.LayerBucket},
		{"3", []policy.Statement{as2}, []policy.Statement{allow("s3:PutObject", "b/other")}, request("s3:GetObject", "b/k"), policy.BucketNoMatch, policy.LayerBucket},
		{"4", []policy.Statement{as2, deny("s3:GetObject", "b/*")}, []policy.Statement{allowAll}, request("s3:GetObject", "b/k"), policy.OrganizationDeny, policy.LayerOrganization},
		{"5", []policy.Statement{allow("s3:*", "b/*")}, nil, request("s3:ListBucket", "b"), policy.OrganizationNoMatch, policy.LayerOrganization},
		{"6", []policy.Statement{allow("s3:*", "b b/*")}, nil, request("s3:ListAllMyBuckets", "*"), policy.OrganizationNoMatch, policy.LayerOrganization},
		{"7", []policy.Statement{as2}, []policy.Statement{denyAll}, request("s3:PutBucketPolicy", "b"), policy.Allowed, policy.LayerOrganization},
		{"8", []policy.Statement{as2}, []policy.Statement{denyAll}, request("s3:DeleteBucketPolicy", "b"), policy.BucketDeny, policy.LayerBucket},
		{"9", []policy.Statement{allow("s3:PutBucketPolicy", "b")}, []policy.Statement{denyAll}, request("s3:PutBucketPolicy", "b"), policy.Allowed, policy.LayerOrganization},
		{"10", []policy.Statement{as2}, []policy.Statement{deny("s3:*", "b/unrelated")}, request("s3:PutObject", "b/k"), policy.BucketNoMatch, policy.LayerBucket},
		{"13", []policy.Statement{allow("s3:*", "*", exact("role/Admin"))}, nil, request("s3:GetObject", "b/k"), policy.OrganizationNoMatch, policy.LayerOrganization},
		{"14", []policy.Statement{allow("s3:*", "*", prefix("role/https://i:"))}, nil, withRole("role/https://i:sub"), policy.Allowed, policy.LayerBucket},
		{"15", []policy.Statement{allow("s3:*", "*", exact("role/https://i"))}, nil, withRole("role/https://i:sub"), policy.OrganizationNoMatch, policy.LayerOrganization},
		{"16", nil, []policy.Statement{ofOrganizations("o1", "o2")}, fromO2(request("s3:GetObject", "b/k")), policy.Allowed, policy.LayerBucket},
		{"17", nil, []policy.Statement{ofOrganizations("o1")}, fromO2(request("s3:GetObject", "b/k")), policy.CrossOrganizationNoAllow, policy.LayerBucket},
		{"18", nil, nil, fromO2(request("s3:GetObject", "b/k")), policy.CrossOrganizationNoAllow, policy.LayerBucket},
		{"19", nil, []policy.Statement{allow("*", "*", account("o2"))}, fromO2(request("s3:PutBucketPolicy", "b")), policy.NotBucketOwner, policy.LayerOrganization},
		{"20 projects", []policy.Statement{as2}, projects(), with(request("s3:ListBucket", "b"), "s3:prefix", "projects"), policy.Allowed, policy.LayerBucket},
		{"20 x", []policy.Statement{as2}, projects(), with(request("s3:ListBucket", "b"), "s3:prefix", "x"), policy.BucketDeny, policy.LayerBucket},
		{"20 none", []policy.Statement{as2}, projects(), request("s3:ListBucket", "b"), policy.BucketDeny, policy.LayerBucket},
		{"21 head", []policy.Statement{allow("s3:Head*", "*")}, nil, request("s3:HeadObject", "b/k"), policy.Allowed, policy.LayerBucket},
		{"21 get", []policy.Statement{allow("s3:Head*", "*")}, nil, request("s3:GetObject", "b/k"), policy.OrganizationNoMatch, policy.LayerOrganization},
		{"22", []policy.Statement{as2}, []policy.Statement{deny("s3:GetObject", "b/*"), allowAll}, request("s3:HeadObject", "b/k"), policy.BucketDeny, policy.LayerBucket},
	} {
		t.Run(v.name, func(t *testing.T) {
			e := New(&policy.Directory{
				Organizations: map[string]*policy.DirectoryOrganization{"o1": organization("o1", v.o1...), "o2": o2},
				Buckets:       map[string]*policy.DirectoryBucket{"b": bucket(v.bucket...)},
			})
			got := e.Evaluate(v.request).Decision
			want := policy.Decision{Outcome: v.reason.Outcome(), Reason: v.reason, Layer: v.layer}
			if got != want {
				t.Errorf("got %s, want %s", show(got), show(want))
			}
		})
	}
}

// projects is the bucket policy of vector 20.
func projects() []policy.Statement {
	return []policy.Statement{
		allow("*", "b b/*"),
		when(deny("s3:ListBucket", "b"), "StringNotEquals", "s3:prefix", "projects"),
	}
}

func show(d policy.Decision) string {
	return fmt.Sprintf("%s by %s in layer %s", d.Outcome, d.Reason, d.Layer)
}
