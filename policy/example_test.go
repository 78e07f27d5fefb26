package policy_test

import (
	"fmt"

	"postern/policy"
)

// The zero Decision denies, so that a path that forgets to fill one denies too.
func ExampleDecision() {
	var d policy.Decision
	fmt.Println(d.Outcome, d.Outcome == policy.Allow)
	// Output: ImplicitDeny false
}

// A reason has a name, which answers and metrics bear, the outcome that goes
// with it, and a sentence for people.
func ExampleReason() {
	for _, r := range []policy.Reason{policy.OwnerUnknown, policy.BucketDeny, policy.Allowed} {
		fmt.Printf("%s: %s. %s\n", r.Outcome(), r, r.Sentence())
	}
	// Output:
	// ImplicitDeny: owner_unknown. No folder has the bucket, and the request does not state whose it is.
	// ExplicitDeny: bucket_deny. A Deny of the bucket policy holds.
	// Allow: allowed. Every layer that had to allow did.
}

// A statement says which principals may, or may not, do which actions on which
// resources, under which conditions.
func ExampleStatement() {
	s := policy.Statement{
		Name:       "Office",
		Effect:     policy.EffectAllow,
		Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalOrganization, Org: "acme"}},
		Actions:    []string{"s3:GetObject"},
		Resources:  []string{"reports/*"},
		Conditions: []policy.Condition{{
			Operator: policy.Operator{Test: policy.IPAddress},
			Key:      "aws:SourceIp",
			Values:   []string{"10.0.0.0/8"},
		}},
	}
	c := s.Conditions[0]
	fmt.Println(s.Effect, s.Actions, s.Resources, "if", c.Operator, c.Key, c.Values)
	// Output: Allow [s3:GetObject] [reports/*] if IpAddress aws:SourceIp [10.0.0.0/8]
}

// What is wrong with a policy file is data: where it stands, and what to write
// instead. Errors keep a file out of force, warnings do not.
func ExampleDiagnostic() {
	ds := []policy.Diagnostic{
		{
			Severity: policy.Warning,
			Position: policy.Position{File: "acme/buckets/reports.json", Line: 9, Column: 7},
			Message:  `the element "resource" is spelled "Resource"; write it so`,
		},
		{
			Position: policy.Position{File: "acme/buckets/reports.json", Line: 4, Column: 17},
			Message:  `there is no effect "allow"; write "Allow"`,
		},
	}
	policy.SortDiagnostics(ds)
	for _, d := range ds {
		fmt.Println(d)
	}
	fmt.Println(policy.HasErrors(ds))
	// Output:
	// acme/buckets/reports.json:4:17: there is no effect "allow"; write "Allow"
	// acme/buckets/reports.json:9:7: warning: the element "resource" is spelled "Resource"; write it so
	// true
}
