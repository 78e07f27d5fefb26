package reference

import (
	"reflect"
	"testing"

	"postern/policy"
)

// TestIAMStatements: how determining statements of the iam layer are named
// (doc.go), that each is listed once, and in which order.
func TestIAMStatements(t *testing.T) {
	d := acme(t, `
"metadata": {"name": "first", "legacyGroups": true},
"roles": {"r": {"rules": [{"actions": ["read"], "resources": ["*"]}, {"actions": ["re:d*", "read"], "resources": ["s:*"]}]}},
"groups": {"g": {"members": ["pulumi/a"]}},
"bindings": [
  {"id": "none", "roles": ["r"], "members": ["pulumi/none"]},
  {"id": "two", "roles": ["r", "r"], "members": ["pulumi/a", "group/g"]},
  {"actions": ["read"], "resources": ["s:a"], "members": ["*"]},
  {"id": "no", "effect": "Deny", "actions": ["shut"], "resources": ["*"], "members": ["*"]}],
"defaults": {"memberRoles": ["iam-viewer", "r"]},
"tokens": {
  "z": {"type": "organization", "roles": ["iam-viewer"]},
  "t": {"type": "organization", "roles": ["r", "iam-viewer"]}},
"issuers": {
  "i": {"url": "u", "rules": [{"effect": "Deny", "claims": {"x": "y"}},
    {"effect": "Allow", "roles": ["r"], "claims": {"a": "*"}}]},
  "j": {"url": "u", "rules": [{"effect": "Allow", "roles": ["r"], "claims": {"a": "b"}}]}}`,
		`"metadata": {"name": "second"}, "defaults": {"memberRoles": ["r"]}, "bindings": [{"id": "other", "roles": ["r"], "members": ["pulumi/a"]}]`,
		`[{"id": "rec", "name": "n", "details": {"__type": "PermissionDescriptorAllow", "permissions": ["a:b"]}},
{"name": "n2", "isOrgDefault": true, "details": {"__type": "PermissionDescriptorAllow", "permissions": ["read:x"]}}]`)
	at := func(document, statement string, index int, file string, line int) policy.StatementRef {
		return policy.StatementRef{Document: document, Statement: statement, Index: index, File: file, Line: line, Effect: policy.EffectAllow, Layer: policy.LayerIAM}
	}
	refuse := at("first", "no", 3, "acme/iam/0.json", 8)
	refuse.Effect = policy.EffectDeny
	const first, second, third = "acme/iam/0.json", "acme/iam/1.json", "acme/iam/2.json"
	two, nameless, other := at("first", "two", 1, first, 6), at("first", "", 2, first, 7), at("second", "other", 0, second, 1)
	for _, c := range []struct {
		name    string
		request *policy.Request
		want    []policy.StatementRef
	}{
		{"bindings", ask("pulumi/a", "read", "s:a"), []policy.StatementRef{two, nameless, other}},
		{"a binding once for two rules", ask("pulumi/a", "read", "t:a"), []policy.StatementRef{two, other}},
		{"defaults", ask("pulumi/b", "read", "t:a"), []policy.StatementRef{at("first", "defaults", 1, first, 9), at("second", "defaults", 0, second, 1)}},
		{"default record", ask("pulumi/b", "read:x", "t:a"), []policy.StatementRef{at("", "n2", 1, third, 2)}},
		{"token", ask("token/t", "read", "s:a"), []policy.StatementRef{at("first", "token/t", 1, first, 12)}},
		{"issuers", ask("pulumi/b", "read", "t:a", "claim iss=u", "claim a=b"), []policy.StatementRef{at("first", "issuer/j", 0, first, 16), at("first", "issuer/i", 1, first, 15)}},
		{"a Deny", ask("pulumi/a", "shut", "t:a"), []policy.StatementRef{refuse}},
		{"legacy groups", ask("x/y +metrics", "observability:GetX", "organization:*"), []policy.StatementRef{legacy(t, "metrics")}},
		{"nothing", ask("pulumi/a", "open", "t:a"), nil},
	} {
		got := New(d).Evaluate(c.request)
		if !reflect.DeepEqual(got.Determining, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got.Determining, c.want)
		}
		if want := []policy.Step{{Layer: policy.LayerIAM, Org: "acme", Outcome: got.Decision.Outcome}}; !reflect.DeepEqual(got.Steps, want) {
			t.Errorf("%s: steps %+v", c.name, got.Steps)
		}
	}

	// Of a cwobject: allow, the Allows of both layers, the organization's first.
	d = acme(t, `"bindings": [{"id": "b", "roles": ["object-storage-admin"], "members": ["*"]}]`)
	d.Organizations["acme"].Policies = organization("acme", allow("*", "*")).Policies
	got := New(d).Evaluate(by(request("cwobject:X", "*"), "acme", "x/y"))
	if len(got.Determining) != 2 || got.Determining[0].Layer != policy.LayerOrganization || got.Determining[1].Statement != "b" {
		t.Errorf("cwobject: %+v", got.Determining)
	}
}

// legacy finds the built-in binding of a legacy group.
func legacy(t *testing.T, group string) policy.StatementRef {
	b := acme(t).BuiltIn
	for i, binding := range b.Bindings {
		if binding.Members[0].Name == group {
			return policy.StatementRef{Document: b.Name, Statement: binding.ID, Index: i, File: b.File, Line: binding.At.Line, Effect: policy.EffectAllow, Layer: policy.LayerIAM}
		}
	}
	t.Fatalf("no binding of %s", group)
	return policy.StatementRef{}
}

// TestIAMNoPanic: documents that the compiler refuses crash nothing, allow
// nothing, and their Denies deny.
func TestIAMNoPanic(t *testing.T) {
	everyone := []policy.Member{{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalEveryone}}}
	anything := []policy.ResourcePattern{{}}
	refer := func(name string) []policy.Reference { return []policy.Reference{{Name: name}} }
	cyclic := &policy.Descriptor{Kind: policy.DescriptorCompose, Include: refer("cyclic")}
	documents := func(effect policy.Effect) []*policy.AccessDocument {
		binding := func(b policy.Binding) policy.Binding {
			b.Effect, b.Members = effect, everyone
			return b
		}
		return []*policy.AccessDocument{nil, {}, {
			PermissionSets: []policy.PermissionSet{{Name: "set", ResourceType: "stack", Include: refer("set")}},
			Roles:          []policy.Role{{Name: "cycle", Include: refer("cycle")}, {Name: "unknown", Include: refer("nothing")}, {Name: "empty", Rules: []policy.Rule{{}}}},
			Groups:         []policy.Group{{Name: "g", Members: []policy.Member{{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalGroup, Name: "g"}}, {}}}},
			Bindings: []policy.Binding{binding(policy.Binding{Roles: refer("cycle")}), binding(policy.Binding{Roles: refer("empty")}), binding(policy.Binding{Roles: refer("unknown")}), binding(policy.Binding{Roles: refer("cyclic")}),
				binding(policy.Binding{Roles: refer("hollow")}), binding(policy.Binding{Roles: refer("odd")}), binding(policy.Binding{}), binding(policy.Binding{PermissionSets: refer("set"), Resources: anything}), binding(policy.Binding{PermissionSets: refer("no set"), Resources: anything})},
			Tokens:      []policy.Token{{Name: "t"}, {Name: "team", Type: policy.TokenTeam}, {Name: "mine", Type: policy.TokenPersonal}, {Name: "org", Type: policy.TokenOrganization, Roles: refer("nothing")}},
			Issuers:     []policy.Issuer{{URL: "u", Rules: []policy.IssuerRule{{}, {Effect: policy.EffectAllow}}}},
			MemberRoles: refer("nothing"),
			Entities:    []policy.Entity{{}},
		}, {Records: []policy.Record{{}, {ID: "cyclic", ResourceType: "global", Details: cyclic, OrgDefault: true}, {ID: "hollow", ResourceType: "global"},
			{ID: "odd", ResourceType: "global", Details: &policy.Descriptor{Kind: policy.DescriptorGroup, Entries: []*policy.Descriptor{nil, {Kind: policy.DescriptorCondition}, {Kind: policy.DescriptorSelect, Options: []policy.DescriptorOption{{}}},
				{Kind: policy.DescriptorCondition, Condition: &policy.Expression{Kind: policy.ExpressionAnd}}, {Kind: policy.DescriptorCondition, Condition: &policy.Expression{Kind: policy.ExpressionEqual}},
				{Kind: policy.DescriptorCondition, Condition: &policy.Expression{Kind: policy.ExpressionTag}}, {Kind: policy.DescriptorCompose, Include: refer("nothing")}}}}}}}
	}
	for _, effect := range []policy.Effect{policy.EffectAllow, policy.EffectDeny} {
		d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{"acme": {Access: documents(effect)}}}
		for _, r := range []*policy.Request{ask("x/y", "read", "s:a"), ask("x/y +g", "", ":"), ask("token/t", "read", "s:a"), ask("token/team", "read", "s:a"), ask("token/mine", "read", "stack:a"), ask("token/org", "read", "s:a"), ask("token/", "read", "s:a"),
			ask("x/y", "read", "organization:*"), ask("x/y", "read", "s:a", "claim iss=u"), by(request("cwobject:X", "*"), "acme", "x/y")} {
			got := New(d).Evaluate(r).Decision
			if got.Outcome == policy.Allow {
				t.Errorf("%v of %v is allowed", effect, r.Principal.IDs)
			}
			if effect == policy.EffectDeny && got.Reason != policy.IAMDeny && got.Reason != policy.Anonymous {
				t.Errorf("what an unknown name may deny is %s", got.Reason)
			}
		}
	}
}
