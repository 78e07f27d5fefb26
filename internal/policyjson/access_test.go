package policyjson

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"postern/policy"
)

func parseAccessFile(t *testing.T, path string) *policy.AccessDocument {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, ds := ParseAccess("f", data, Limits{})
	if len(ds) > 0 {
		t.Fatalf("%s: %v", path, ds)
	}
	return doc
}

func at(line, column int) policy.Position {
	return policy.Position{File: "f", Line: line, Column: column}
}

func ref(name string, line, column int) policy.Reference {
	return policy.Reference{Name: name, At: at(line, column)}
}

// The example of specification 2, field by field, with every place.
func TestAccessDocument(t *testing.T) {
	got := parseAccessFile(t, "testdata/access/specification.json")
	member := func(k policy.PrincipalKind, name string, line, column int) policy.Member {
		return policy.Member{PrincipalPattern: policy.PrincipalPattern{Kind: k, Name: name}, At: at(line, column)}
	}
	res := func(kind, pattern string, line, column int) []policy.ResourcePattern {
		return []policy.ResourcePattern{{Type: kind, Pattern: pattern, At: at(line, column)}}
	}
	want := &policy.AccessDocument{
		File: "f", Name: "acme-platform", NameAt: at(3, 24),
		PermissionSets: []policy.PermissionSet{
			{Name: "stack-look", At: at(5, 5), ResourceType: "stack", Actions: []string{"stack:read", "stack:export"}},
			{Name: "stack-deploy", At: at(6, 5), ResourceType: "stack", Include: []policy.Reference{ref("stack-look", 6, 59)},
				Actions: []string{"stack:write", "stack_deployment:create"}},
		},
		Roles: []policy.Role{
			{Name: "auditor", At: at(8, 5), Rules: []policy.Rule{
				{At: at(8, 28), Actions: []string{"audit_logs:read"}, Resources: res("organization", "*", 8, 75)},
			}},
			{Name: "platform", At: at(9, 5), Include: []policy.Reference{ref("pulumi-member", 9, 30)}, Rules: []policy.Rule{
				{At: at(10, 7), PermissionSets: []policy.Reference{ref("stack-look", 10, 27)}, Resources: res("stack", "*", 10, 56)},
				{At: at(11, 7), PermissionSets: []policy.Reference{ref("stack-deploy", 11, 27)}, Resources: res("stack", "*", 11, 58),
					Selector: &policy.Selector{At: at(12, 20), Requirements: []policy.TagRequirement{
						{Key: "team", Operator: policy.TagIn, Values: []string{"platform"}, At: at(12, 35)},
						{Key: "env", Operator: policy.TagNotIn, Values: []string{"prod"}, At: at(13, 42)},
						{Key: "owner", Operator: policy.TagExists, At: at(13, 99)},
					}}},
				{At: at(14, 7), Actions: []string{"environment:open"}, Resources: res("environment", "acme/shared/*", 14, 55), MaxOpenSeconds: 3600},
			}},
		},
		Groups: []policy.Group{{Name: "platform", At: at(15, 14), Members: []policy.Member{
			member(policy.PrincipalExact, "pulumi/alice", 15, 39), member(policy.PrincipalGroup, "sre", 15, 55),
		}}},
		Bindings: []policy.Binding{
			{ID: "team-platform", IDAt: at(17, 12), At: at(17, 5), Effect: policy.EffectAllow, Roles: []policy.Reference{ref("platform", 17, 39)},
				Members: []policy.Member{member(policy.PrincipalGroup, "platform", 17, 64)}},
			{ID: "payments", IDAt: at(18, 12), At: at(18, 5), Effect: policy.EffectAllow,
				PermissionSets: []policy.Reference{ref("stack-deploy", 18, 43)}, Members: []policy.Member{member(policy.PrincipalExact, "pulumi/dana", 18, 72)},
				Resources: res("stack", "acme/payments/*", 18, 102)},
			{ID: "temporary", IDAt: at(19, 12), At: at(19, 5), Effect: policy.EffectAllow, Roles: []policy.Reference{ref("auditor", 19, 35)},
				Members: []policy.Member{member(policy.PrincipalExact, "pulumi/frank", 19, 59)},
				Conditions: []policy.Condition{{Operator: policy.Operator{Test: policy.DateLessThan}, Key: "aws:CurrentTime",
					Values: []string{"2026-12-31T00:00:00Z"}, Line: 19}}},
			{ID: "guard", IDAt: at(20, 12), At: at(20, 5), Effect: policy.EffectDeny, Actions: []string{"stack:delete"},
				Resources: res("stack", "*", 20, 82), Members: []policy.Member{member(policy.PrincipalEveryone, "", 20, 106)},
				Selector: &policy.Selector{At: at(20, 124), Requirements: []policy.TagRequirement{
					{Key: "env", Operator: policy.TagIn, Values: []string{"prod"}, At: at(20, 139)}}}},
		},
		MemberRoles: []policy.Reference{ref("pulumi-member", 21, 32)},
		Tokens: []policy.Token{
			{Name: "ci", At: at(23, 5), Type: policy.TokenOrganization, Roles: []policy.Reference{ref("platform", 23, 47)}, Expires: 1798761600, HasExpires: true},
			{Name: "bot", At: at(24, 5), Type: policy.TokenTeam, Group: ref("platform", 24, 38)},
			{Name: "cli", At: at(25, 5), Type: policy.TokenPersonal, User: ref("pulumi/alice", 25, 41)},
		},
		Issuers: []policy.Issuer{{Name: "github", At: at(26, 15), URL: "https://token.actions.githubusercontent.com", URLAt: at(26, 33), Rules: []policy.IssuerRule{
			{At: at(27, 5), Effect: policy.EffectAllow, Roles: []policy.Reference{ref("platform", 27, 35)}, Claims: []policy.ClaimPattern{
				{Path: "aud", Pattern: "urn:pulumi:org:acme", At: at(27, 59)}, {Path: "sub", Pattern: "repo:acme/*", At: at(27, 89)}}},
			{At: at(28, 5), Effect: policy.EffectDeny, Claims: []policy.ClaimPattern{{Path: "sub", Pattern: "repo:acme/sandbox:*", At: at(28, 35)}}},
		}}},
		Entities: []policy.Entity{
			{At: at(29, 16), Type: "stack", ID: "acme/payments/prod", TagsKnown: true, Tags: []policy.Tag{{Key: "env", Value: "prod"}, {Key: "team", Value: "platform"}}},
			{At: at(29, 91), Principal: "pulumi/alice", Properties: []policy.Attribute{{Key: "level", Values: []policy.Value{{Kind: policy.ValueString, Text: "senior"}}}}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		g, w := reflect.ValueOf(*got), reflect.ValueOf(*want)
		for i := range g.NumField() {
			if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
				a, _ := json.Marshal(g.Field(i).Interface())
				b, _ := json.Marshal(w.Field(i).Interface())
				t.Errorf("%s: got\n%s\nwant\n%s", g.Type().Field(i).Name, a, b)
			}
		}
	}
}
