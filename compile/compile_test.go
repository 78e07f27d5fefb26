package compile

import (
	"fmt"
	"strings"
	"testing"

	"postern/index"
	"postern/policy"
)

func statement(effect policy.Effect, principal, action string, resources ...string) policy.Statement {
	p := policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: principal}
	if principal == "*" {
		p = policy.PrincipalPattern{Kind: policy.PrincipalEveryone}
	}
	return policy.Statement{Line: 1, Effect: effect, Principals: []policy.PrincipalPattern{p}, Actions: []string{action}, Resources: resources}
}

func organization(docs ...*policy.Document) *policy.Directory {
	return &policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: docs}},
		Buckets:       map[string]*policy.DirectoryBucket{"b": {Owner: "o1"}},
	}
}

func get(principal, resource string) *policy.Request {
	return &policy.Request{
		Principal: policy.Principal{Org: "o1", IDs: []string{principal}},
		Action:    "s3:GetObject",
		Resource:  policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: resource},
	}
}

func TestNameUsedTwice(t *testing.T) {
	d := organization(
		&policy.Document{Name: "x", File: "o1/access-policies/b.json", NameLine: 3, NameColumn: 5, Statements: []policy.Statement{statement(policy.EffectAllow, "*", "*", "*")}},
		&policy.Document{Name: "x", File: "o1/access-policies/a.json", NameLine: 2, NameColumn: 4, Statements: []policy.Statement{statement(policy.EffectAllow, "*", "*", "*")}},
	)
	s, ds := Compiler{}.Directory(d, 1)
	if len(ds) != 1 || ds[0].Position.String() != "o1/access-policies/b.json:3:5" || !strings.Contains(ds[0].Message, "o1/access-policies/a.json:2:4") {
		t.Errorf("diagnostics %v, want one at the later path that names the other", ds)
	}
	if got := s.Decide(get("coreweave/u1", "b/k"), new(index.Scratch)); got.Reason != policy.OrganizationUnavailable {
		t.Errorf("decided %v, want organization_unavailable", got.Reason)
	}
}

// TestRefusesWhatTheParserRefuses: documents that did not come from the strict
// parser must not be read leniently.
func TestRefusesWhatTheParserRefuses(t *testing.T) {
	good := statement(policy.EffectDeny, "*", "s3:*", "*")
	for name, change := range map[string]func(*policy.Statement){
		"no effect":               func(s *policy.Statement) { s.Effect = policy.EffectNone },
		"no principal":            func(s *policy.Statement) { s.Principals = nil },
		"principal of no kind":    func(s *policy.Statement) { s.Principals = []policy.PrincipalPattern{{}} },
		"no action":               func(s *policy.Statement) { s.Actions = nil },
		"no resource":             func(s *policy.Statement) { s.Resources = nil },
		"NotPrincipal with Allow": func(s *policy.Statement) { s.Effect, s.NotPrincipal = policy.EffectAllow, true },
		"bad variable":            func(s *policy.Statement) { s.Resources = []string{"b/${"} },
		"condition without values": func(s *policy.Statement) {
			s.Conditions = []policy.Condition{{Operator: policy.Operator{Test: policy.Bool}, Key: "k"}}
		},
		"unreadable value": func(s *policy.Statement) {
			s.Conditions = []policy.Condition{{Operator: policy.Operator{Test: policy.IPAddress}, Key: "k", Values: []string{"10.0.0.0/33"}}}
		},
		"no operator": func(s *policy.Statement) { s.Conditions = []policy.Condition{{Key: "k", Values: []string{"v"}}} },
		"short ARN": func(s *policy.Statement) {
			s.Conditions = []policy.Condition{{Operator: policy.Operator{Test: policy.ArnLike}, Key: "k", Values: []string{"arn:aws"}}}
		},
	} {
		s := good
		change(&s)
		doc := &policy.Document{Kind: policy.KindBucket, Variables: true, File: "o1/buckets/b.json", Statements: []policy.Statement{good, s}}
		for _, c := range []Compiler{{}, {Check: true}} {
			if p, ds := c.Bucket("b", doc); p != nil || len(ds) == 0 {
				t.Errorf("%s: compiled, diagnostics %v", name, ds)
			}
		}
	}
	for check, statements := range map[bool]int{false: 1, true: 0} {
		if p, ds := (Compiler{Check: check}).Bucket("b", &policy.Document{Statements: []policy.Statement{good}}); ds != nil || p.Len() != statements {
			t.Errorf("the good one: %v", ds)
		}
	}
}

// TestManyStatements: the part that a bucket's statements form changes its
// posting form at 64; answers are the same on both sides.
func TestManyStatements(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 129, 5000} {
		for _, resource := range []string{"b/k", "*"} {
			doc := &policy.Document{Name: "p", File: "o1/access-policies/p.json"}
			for i := range n {
				doc.Statements = append(doc.Statements, statement(policy.EffectAllow, fmt.Sprintf("coreweave/u%d", i), "s3:GetObject", resource))
			}
			doc.Statements[n-1].Effect = policy.EffectDeny
			s, _ := Compiler{}.Directory(organization(doc), 1)
			var sc index.Scratch
			for i := range n {
				want := policy.Allowed
				if i == n-1 {
					want = policy.OrganizationDeny
				}
				if got := s.Decide(get(fmt.Sprintf("coreweave/u%d", i), "b/k"), &sc); got.Reason != want {
					t.Fatalf("%d statements on %s: user %d: %v, want %v", n, resource, i, got.Reason, want)
				}
			}
			if got := s.Decide(get("coreweave/nobody", "b/k"), &sc); got.Reason != policy.OrganizationNoMatch {
				t.Errorf("%d statements: nobody: %v", n, got.Reason)
			}
		}
	}
}
