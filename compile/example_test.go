package compile_test

import (
	"fmt"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/internal/request"
	"postern/policy"
)

// From the text of policies to a decision, without a directory: read a
// document, compile it, ask the snapshot.
func Example() {
	staff, ds := policyjson.ParseOrganization("acme/access-policies/staff.json", []byte(`{
		"version": "v1alpha1",
		"name": "staff",
		"statements": [{
			"name": "read",
			"effect": "Allow",
			"actions": ["s3:GetObject"],
			"resources": ["reports/*"],
			"principals": ["role/analyst"]
		}]
	}`), policyjson.Limits{})
	if policy.HasErrors(ds) {
		fmt.Println(ds)
		return
	}
	snapshot, ds := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{staff}}},
		Buckets:       map[string]*policy.DirectoryBucket{"reports": {Owner: "acme"}},
	}, 1)
	if policy.HasErrors(ds) {
		fmt.Println(ds)
		return
	}
	var scratch index.Scratch // one for each goroutine
	for _, action := range []string{"s3:GetObject", "s3:DeleteObject"} {
		r := &policy.Request{
			Principal: policy.Principal{Org: "acme", IDs: []string{"role/analyst"}},
			Action:    action,
			Resource:  policy.Resource{Type: "object", ID: "reports/2026.csv"},
		}
		if err := request.Check(r); err != nil {
			fmt.Println(err)
			return
		}
		d := snapshot.Decide(r, &scratch)
		fmt.Println(action, d.Outcome == policy.Allow, d.Reason)
	}
	// Output:
	// s3:GetObject true allowed
	// s3:DeleteObject false organization_no_match
}

// Rules between files are checked here: the parser sees one file at a time.
func ExampleCompiler_Organization() {
	statement := policy.Statement{
		Effect:     policy.EffectAllow,
		Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}},
		Actions:    []string{"s3:*"},
		Resources:  []string{"*"},
	}
	documents := []*policy.Document{
		{Name: "staff", File: "acme/access-policies/a.json", NameLine: 3, NameColumn: 11, Statements: []policy.Statement{statement}},
		{Name: "staff", File: "acme/access-policies/b.json", NameLine: 2, NameColumn: 9, Statements: []policy.Statement{statement}},
	}
	policies, ds := compile.Compiler{}.Organization("acme", documents)
	fmt.Println(policies == nil)
	fmt.Println(ds[0])
	// Output:
	// true
	// acme/access-policies/b.json:2:9: the policy name "staff" is already used by acme/access-policies/a.json:3:11: a name is unique within its organization, write another
}
