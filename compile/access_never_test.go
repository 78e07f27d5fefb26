package compile

import (
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/policy"
)

// TestAccessNever: what surely has no effect is a warning; what may have one,
// under some request or with some other file, is none.
func TestAccessNever(t *testing.T) {
	const roles = `"permissionSets": {"look": {"resourceType": "stack", "actions": ["stack:read"]}},
		"roles": {"stacks": {"rules": [{"actions": ["stack:read"], "resources": ["stack:*"]}]},
			"set": {"rules": [{"permissionSets": ["look"], "resources": ["*"]}]},
			"mixed": {"include": ["stacks"], "rules": [{"actions": ["x:y"], "resources": ["environment:a", "team:uid:b"]}]},
			"all": {"include": ["stacks"], "rules": [{"actions": ["x:y"], "resources": ["*"]}]}},`
	const records = `[{"id": "any", "details": {"__type": "PermissionDescriptorAllow", "permissions": ["stack:read"]}},
		{"id": "only", "resourceType": "stack", "details": {"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["any"]}},
		{"id": "group", "details": {"__type": "PermissionDescriptorGroup", "entries": [{"__type": "PermissionDescriptorCondition", "subNode": {"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["only"]}}]}},
		{"id": "empty", "details": {"__type": "PermissionDescriptorAllow"}}]`
	bind := func(rest string) string { return roles + `"bindings": [{"members": ["*"], ` + rest + `}]` }
	for _, c := range []struct{ name, text, want string }{ // "" for no warning
		{"another organization", bind(`"actions": ["x:y"], "resources": ["organization:globex"]`), `"organization:globex" never matches`},
		{"a pattern for others", bind(`"actions": ["x:y"], "resources": ["stack:*", "organization:glo*"]`), `"organization:glo*" never matches`},
		{"in another case", bind(`"actions": ["x:y"], "resources": ["organization:Acme"]`), `"organization:Acme" never matches`},
		{"narrowing", bind(`"roles": ["all"], "resources": ["organization:globex"]`), `"organization:globex" never matches`},
		{"of a role", `"roles": {"r": {"rules": [{"actions": ["x:y"], "resources": ["organization:globex"]}]}}`, `"organization:globex" never matches`},
		{"excluding", `"roles": {"r": {"rules": [{"actions": ["x:y"], "resources": ["*"], "notResources": ["organization:globex"]}]}}`, `"organization:globex" never matches`},
		{"this organization", bind(`"actions": ["x:y"], "resources": ["organization:acme", "organization:*", "organization:a?me", "*"]`), ""},
		{"a variable", bind(`"actions": ["x:y"], "resources": ["organization:${subject.x}"]`), ""},
		{"a uid", bind(`"actions": ["x:y"], "resources": ["organization:uid:globex"]`), ""},
		{"another type", bind(`"actions": ["x:y"], "resources": ["team:globex"]`), ""},

		{"types apart", bind(`"roles": ["stacks"], "resources": ["environment:*"]`), `grants nothing; write resources of type "stack"`},
		{"uids apart", bind(`"roles": ["stacks"], "resources": ["environment:uid:a", "team:*"]`), `write resources of type "stack"`},
		{"a Deny", bind(`"roles": ["stacks"], "resources": ["environment:*"], "effect": "Deny"`), `denies nothing; write resources of type "stack"`},
		{"a set's type", bind(`"roles": ["set"], "resources": ["environment:*"]`), `write resources of type "stack"`},
		{"included too", bind(`"roles": ["mixed"], "resources": ["x:*"]`), `write resources of type "environment" or "stack" or "team"`},
		{"several roles", bind(`"roles": ["set", "mixed"], "resources": ["organization:*"]`), `"environment" or "stack" or "team"`},
		{"a built-in role", bind(`"roles": ["pulumi-billing-manager"], "resources": ["stack:*"]`), `write resources of type "organization"`},
		{"a record of a type", bind(`"roles": ["only"], "resources": ["environment:*"]`), `write resources of type "stack"`},
		{"what it composes", bind(`"roles": ["group"], "resources": ["environment:*"]`), `write resources of type "stack"`},
		{"types that meet", bind(`"roles": ["mixed"], "resources": ["x:*", "team:c"]`), ""},
		{"an included role that meets", bind(`"roles": ["mixed"], "resources": ["stack:c"]`), ""},
		{"one role that meets", bind(`"roles": ["stacks", "mixed"], "resources": ["team:c"]`), ""},
		{"a role about everything", bind(`"roles": ["all"], "resources": ["x:*"]`), ""},
		{"everything", bind(`"roles": ["stacks"], "resources": ["*"]`), ""},
		{"nothing narrows", bind(`"roles": ["stacks"]`), ""},
		{"a record of any type", bind(`"roles": ["any"], "resources": ["environment:*"]`), ""},
		{"a record that grants nothing", bind(`"roles": ["empty"], "resources": ["environment:*"]`), ""},
	} {
		docs := []*policy.AccessDocument{iamDoc(t, "p.json", c.text), iamDoc(t, "r.json", records)}
		compiler := Compiler{BuiltIn: policyjson.BuiltIn()}
		_, ds := compiler.Access("acme", docs)
		var warnings []string
		for _, d := range ds {
			if d.Severity != policy.Warning {
				t.Fatalf("%s: %v", c.name, d)
			}
			warnings = append(warnings, d.String())
		}
		if len(warnings) != min(1, len(c.want)) || len(warnings) == 1 && !strings.Contains(warnings[0], c.want) {
			t.Errorf("%s: %q, want %q", c.name, warnings, c.want)
		}
	}
	// A document alone does not know its organization, nor what others define.
	doc := iamDoc(t, "p.json", `"bindings": [{"members": ["*"], "roles": ["elsewhere"], "resources": ["stack:*", "organization:globex"]}]`)
	if ds, unchecked := (Compiler{BuiltIn: policyjson.BuiltIn()}).AccessAlone(doc); len(ds) != 0 || unchecked != 1 {
		t.Errorf("alone: %v, %d unchecked", ds, unchecked)
	}
}
