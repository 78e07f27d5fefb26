package index_test

import (
	"fmt"

	"postern/compile"
	"postern/index"
	"postern/policy"
)

// readers is an organization policy that lets principals read one bucket.
func readers(bucket string, names ...string) *policy.Document {
	s := policy.Statement{
		Name:      "read",
		Line:      5,
		Effect:    policy.EffectAllow,
		Actions:   []string{"s3:GetObject"},
		Resources: []string{bucket + "/*"},
	}
	for _, name := range names {
		s.Principals = append(s.Principals, policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: name})
	}
	return &policy.Document{
		Kind: policy.KindOrganization, Name: "readers", File: "acme/access-policies/readers.json",
		Statements: []policy.Statement{s},
	}
}

// reads asks whether a principal of acme may read an object. A request from
// outside goes through internal/request first, which checks it.
func reads(principal, object string) *policy.Request {
	return &policy.Request{
		Principal: policy.Principal{Org: "acme", IDs: []string{principal}},
		Action:    "s3:GetObject",
		Resource:  policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: object},
	}
}

// The next snapshot is built from the one before and what changed; whoever
// still asks the one before gets its answers.
func ExampleBuilder() {
	set := func(b *index.Builder, names ...string) {
		policies, ds := compile.Compiler{}.Organization("acme", []*policy.Document{readers("reports", names...)})
		if ds != nil {
			panic(ds)
		}
		b.SetOrganization("acme", index.Organization{Policies: policies})
	}
	var current index.Current

	b := index.NewBuilder(nil)
	set(b, "role/analyst")
	b.SetBucket("reports", index.Bucket{Owner: "acme"})
	current.Store(b.Freeze(1))
	first := current.Load()

	b = index.NewBuilder(first)
	set(b, "role/analyst", "role/guest") // the bucket stays as it was
	current.Store(b.Freeze(2))

	var scratch index.Scratch
	for _, s := range []*index.Snapshot{first, current.Load()} {
		d := s.Decide(reads("role/guest", "reports/2026.csv"), &scratch)
		fmt.Println(d.Generation, d.Outcome, d.Reason)
	}
	// Output:
	// 1 ImplicitDeny organization_no_match
	// 2 Allow allowed
}

// Explain comes to the decision of Decide, and says which statements decided,
// or which Allow came nearest and on what it failed.
func ExampleSnapshot_Explain() {
	s, _ := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{readers("reports", "role/analyst")}}},
		Buckets:       map[string]*policy.DirectoryBucket{"reports": {Owner: "acme"}},
	}, 1)

	e := s.Explain(reads("role/analyst", "reports/2026.csv"))
	for _, by := range e.Determining {
		fmt.Println(e.Decision.Outcome, "by", by.Statement, "at", by.File, by.Line)
	}
	e = s.Explain(reads("role/guest", "reports/2026.csv"))
	fmt.Println(e.Decision.Outcome, e.Decision.Reason, "nearest", e.Nearest.Statement.Statement, "fails on", e.Nearest.Failed)
	// Output:
	// Allow by read at acme/access-policies/readers.json 5
	// ImplicitDeny organization_no_match nearest read fails on [principal]
}

// A search lists who is allowed, in pages. Complete says that no wildcard may
// allow others too.
func ExampleSnapshot_SearchSubjects() {
	s, _ := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{
			readers("reports", "role/analyst", "role/auditor", "role/clerk", "saml/jean"),
		}}},
		Buckets: map[string]*policy.DirectoryBucket{"reports": {Owner: "acme"}},
	}, 1)
	page := index.Page{Limit: 2}
	for {
		found, err := s.SearchSubjects(reads("role/", "reports/2026.csv"), page)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(found.IDs)
		if found.Next == "" {
			fmt.Println("complete:", found.Complete)
			break
		}
		page.Token = found.Next
	}
	// Output:
	// [analyst auditor]
	// [clerk]
	// complete: true
}
