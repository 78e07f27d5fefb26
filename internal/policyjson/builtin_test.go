package policyjson

import (
	"slices"
	"strings"
	"testing"

	"postern/internal/builtin"
	"postern/policy"
)

// The facts of specification 2, Built in, held against the embedded data.

func names2(refs []policy.Reference) (out []string) {
	for _, r := range refs {
		out = append(out, r.Name)
	}
	return out
}

func texts2(ps []policy.ResourcePattern) (out []string) {
	for _, p := range ps {
		out = append(out, p.String())
	}
	return out
}

func TestBuiltInRoles(t *testing.T) {
	look := func(services ...string) (out []string) {
		for _, s := range services {
			out = append(out, s+":Get*", s+":List*")
		}
		return out
	}
	want := map[string][]string{
		"access-token-viewer": look("token"), "access-token-admin": {"token:*"},
		"iam-viewer": look("iam"), "iam-admin": {"iam:*"},
		"cks-viewer": look("cks", "vpc"), "cks-admin": {"cks:*", "vpc:*"},
		"object-storage-admin": {"cwobject:*"},
		"billing-viewer":       look("billing"), "observability-viewer": look("observability"), "support-viewer": look("support"),
		"access-request-approver": append(look("access-request"), "access-request:Approve*", "access-request:Deny*"),
		"pulumi-admin":            nil, "pulumi-member": nil, "pulumi-billing-manager": nil, // below
	}
	for _, r := range BuiltIn().Roles {
		actions, ok := want[r.Name]
		if !ok {
			t.Errorf("there is no built-in role %s", r.Name)
			continue
		}
		delete(want, r.Name)
		if len(r.Rules) != 1 || len(r.Include) > 0 {
			t.Fatalf("%s: %+v", r.Name, r)
		}
		rule := r.Rules[0]
		if rule.Selector != nil || rule.Conditions != nil || rule.NotResources != nil || rule.PermissionSets != nil || rule.MaxOpenSeconds != 0 {
			t.Errorf("%s is narrowed: %+v", r.Name, rule)
		}
		if actions != nil && (!slices.Equal(rule.Actions, actions) || !slices.Equal(texts2(rule.Resources), []string{"*"})) {
			t.Errorf("%s: %q on %q, want %q on everything", r.Name, rule.Actions, rule.Resources, actions)
		}
	}
	for name := range want {
		t.Errorf("no built-in role %s", name)
	}
}

func builtInRole(t *testing.T, name string) policy.Rule {
	t.Helper()
	doc := BuiltIn()
	i := slices.IndexFunc(doc.Roles, func(r policy.Role) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no role %s", name)
	}
	return doc.Roles[i].Rules[0]
}

// pulumi-admin is the catalogue's list, never `*`.
func TestBuiltInAdmin(t *testing.T) {
	var want []string
	for _, s := range builtin.Scopes() {
		want = append(want, s.Name)
	}
	if len(want) != 205 {
		t.Errorf("the catalogue has %d scopes, want 205", len(want))
	}
	rule := builtInRole(t, "pulumi-admin")
	if got := slices.Sorted(slices.Values(rule.Actions)); !slices.Equal(got, want) {
		t.Errorf("got %q, want the catalogue", got)
	}
	if slices.ContainsFunc(rule.Actions, wild) {
		t.Error("pulumi-admin has a wildcard")
	}
}

// What Pulumi's documentation says of Member and Billing Manager.
func TestBuiltInPulumiRoles(t *testing.T) {
	for name, c := range map[string]struct {
		has, lacks []string
		n          int
	}{
		"pulumi-member": {
			has:   []string{"team:list", "team:read", "project:decrypt", "environment_yaml:open", "stack_access:read", "resources:search"},
			lacks: []string{"organization:billing", "stack:create", "team:create", "audit_logs:read", "org_token:create"}, n: 23,
		},
		"pulumi-billing-manager": {
			has:   []string{"organization:billing", "deployments:read_usage", "saml:read", "team:list"},
			lacks: []string{"team:read", "project:decrypt", "organization:delete"}, n: 7,
		},
	} {
		rule := builtInRole(t, name)
		if len(rule.Actions) != c.n || !slices.Equal(texts2(rule.Resources), []string{"organization:*"}) {
			t.Errorf("%s: %d actions on %v", name, len(rule.Actions), rule.Resources)
		}
		for _, a := range c.has {
			if !slices.Contains(rule.Actions, a) {
				t.Errorf("%s lacks %s", name, a)
			}
		}
		for _, a := range c.lacks {
			if slices.Contains(rule.Actions, a) {
				t.Errorf("%s has %s", name, a)
			}
		}
	}
}

// Permission sets are cumulative, hold scopes of their type only, and those of
// stacks and environments reach as far as Pulumi's documentation says.
func TestBuiltInPermissionSets(t *testing.T) {
	chains := map[string][]string{
		"stack":            {"read", "write", "admin"},
		"environment":      {"read", "open", "write", "admin"},
		"insights-account": {"read", "write", "admin"},
	}
	first := map[string]string{ // the set in which a scope comes first
		"stack:decrypt": "pulumi-stack-read", "stack:write": "pulumi-stack-write", "stack_tags:update": "pulumi-stack-write",
		"stack:delete": "pulumi-stack-admin", "stack:rename": "pulumi-stack-admin", "environment:read": "pulumi-environment-read",
		"environment:open": "pulumi-environment-open", "environment:clone": "pulumi-environment-open",
		"environment:rotate": "pulumi-environment-write", "environment:delete": "pulumi-environment-admin",
		"insights_account:read": "pulumi-insights-account-read", "insights_account:scan": "pulumi-insights-account-write",
		"insights_account:delete": "pulumi-insights-account-admin",
	}
	known := map[string]builtin.Scope{}
	for _, s := range builtin.Scopes() {
		known[s.Name] = s
	}
	sets := map[string]policy.PermissionSet{}
	for _, s := range BuiltIn().PermissionSets {
		sets[s.Name] = s
	}
	n := 0
	for kind, levels := range chains {
		for i, level := range levels {
			n++
			name := "pulumi-" + kind + "-" + level
			s, ok := sets[name]
			if !ok || s.ResourceType != kind || len(s.Actions) == 0 {
				t.Errorf("%s: %+v", name, s)
			}
			var below []string
			if i > 0 {
				below = []string{"pulumi-" + kind + "-" + levels[i-1]}
			}
			if !slices.Equal(names2(s.Include), below) {
				t.Errorf("%s includes %v, want %v", name, s.Include, below)
			}
			for _, a := range s.Actions {
				if !known[a].On(kind) {
					t.Errorf("%s has %s, which is no scope of %s", name, a, kind)
				}
				if want, ok := first[a]; ok && want != name {
					t.Errorf("%s is in %s, want it in %s", a, name, want)
				}
				delete(first, a)
			}
		}
	}
	if n != len(sets) {
		t.Errorf("%d sets, want %d", len(sets), n)
	}
	for a, name := range first {
		t.Errorf("%s lacks %s", name, a)
	}
}

func TestBuiltInLegacyGroups(t *testing.T) {
	want := map[string]string{
		"admin":          "iam-admin cks-admin object-storage-admin access-token-admin access-request-approver",
		"write":          "cks-admin object-storage-admin access-token-admin",
		"read":           "iam-viewer cks-viewer access-token-viewer",
		"metrics":        "observability-viewer",
		"billing_viewer": "billing-viewer",
	}
	doc := BuiltIn()
	for _, b := range doc.Bindings {
		if len(b.Members) != 1 || b.Members[0].Kind != policy.PrincipalGroup || b.Effect != policy.EffectAllow ||
			b.Resources != nil || b.Selector != nil || b.Conditions != nil {
			t.Fatalf("%+v", b)
		}
		group := b.Members[0].Name
		if got := strings.Join(names2(b.Roles), " "); got != want[group] {
			t.Errorf("%s has %s, want %s", group, got, want[group])
		}
		delete(want, group)
	}
	if len(want) > 0 {
		t.Errorf("no binding of %v", want)
	}
	if doc.LegacyGroups || doc.MemberRoles != nil || doc.Groups != nil || doc.Tokens != nil || doc.Issuers != nil || doc.Entities != nil {
		t.Error("the built-in document does more than define")
	}
}

// The catalogue: form, order, types.
func TestScopes(t *testing.T) {
	types := map[string]int{}
	last := ""
	for _, s := range builtin.Scopes() {
		if s.Name <= last || strings.ToLower(s.Name) != s.Name || strings.Count(s.Name, ":") != 1 || len(s.Types) == 0 {
			t.Errorf("%v after %s", s, last)
		}
		last = s.Name
		for _, k := range s.Types {
			types[k]++
		}
	}
	if len(types) != 4 || types["stack"] == 0 || types["environment"] == 0 || types["insights-account"] == 0 || types["global"] == 0 {
		t.Errorf("types %v", types)
	}
	for _, s := range builtin.Scopes() {
		if s.Name == "stack:create" && (!s.On("stack") || !s.On("global") || s.On("environment")) {
			t.Errorf("stack:create is of two types, %v", s.Types)
		}
	}
}
