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

func parseAccessText(t *testing.T, text string) *policy.AccessDocument {
	t.Helper()
	doc, ds := ParseAccess("f", []byte(text), Limits{})
	if len(ds) > 0 {
		t.Fatalf("%s: %v", text, ds)
	}
	return doc
}

const accessHead = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", `

// Nothing but the head has to be there.
func TestAccessEmpty(t *testing.T) {
	for _, text := range []string{
		`{"apiVersion": "postern/v1", "kind": "AccessPolicy"}`,
		`{"kind": "AccessPolicy", "metadata": {}, "permissionSets": {}, "roles": {}, "groups": {}, "bindings": [], "tokens": {}, "issuers": {}, "entities": {}, "apiVersion": "postern/v1"}`,
		"\xef\xbb\xbf" + `{"roles": []}`,
		accessHead + `"defaults": {"memberRoles": []}}`,
	} {
		if got := parseAccessText(t, text); !reflect.DeepEqual(got, &policy.AccessDocument{File: "f"}) {
			t.Errorf("%s: %+v", text, got)
		}
	}
	doc := parseAccessText(t, accessHead+"\n"+`"metadata": {"legacyGroups": true}}`)
	if !doc.LegacyGroups || doc.LegacyGroupsAt != at(2, 30) || doc.Name != "" {
		t.Errorf("%+v", doc)
	}
	if doc := parseAccessText(t, accessHead+`"metadata": {"legacyGroups": false}}`); doc.LegacyGroups || doc.LegacyGroupsAt.Line != 0 {
		t.Errorf("%+v", doc)
	}
}

func TestAccessMembers(t *testing.T) {
	doc := parseAccessText(t, accessHead+`"groups": {"g": {"members": ["*", "role/https://i:s", "role/https://i:*", "x/*", "group/a b/c?", "token/ci", "groups/x"]}, "nobody": {"members": []}}}`)
	want := []policy.PrincipalPattern{
		{Kind: policy.PrincipalEveryone}, {Kind: policy.PrincipalExact, Name: "role/https://i:s"}, {Kind: policy.PrincipalPrefix, Name: "role/https://i:"},
		{Kind: policy.PrincipalPrefix, Name: "x/"}, {Kind: policy.PrincipalGroup, Name: "a b/c?"}, {Kind: policy.PrincipalToken, Name: "ci"},
		{Kind: policy.PrincipalExact, Name: "groups/x"},
	}
	var got []policy.PrincipalPattern
	for _, m := range doc.Groups[0].Members {
		got = append(got, m.PrincipalPattern)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if doc.Groups[1].Name != "nobody" || doc.Groups[1].Members != nil {
		t.Errorf("%+v", doc.Groups[1])
	}
}

func TestAccessResources(t *testing.T) {
	doc := parseAccessText(t, accessHead+`"bindings": [{"actions": ["read", "Doc:*", "a_b-1:x?"], "members": ["*"], "resources": ["*", "a.b_c-D:*", "stack:${subject.x, 'y'}/${*}", "stack:uid:a:b", "stack:uidx", "x:y:z", "stack:uid"]}]}`)
	want := []policy.ResourcePattern{
		{}, {Type: "a.b_c-D", Pattern: "*"}, {Type: "stack", Pattern: "${subject.x, 'y'}/${*}"}, {Type: "stack", Pattern: "a:b", UID: true},
		{Type: "stack", Pattern: "uidx"}, {Type: "x", Pattern: "y:z"}, {Type: "stack", Pattern: "uid"},
	}
	b := doc.Bindings[0]
	for i := range b.Resources {
		if b.Resources[i].At.Column == 0 {
			t.Errorf("%v has no place", b.Resources[i])
		}
		b.Resources[i].At = policy.Position{}
	}
	if !reflect.DeepEqual(b.Resources, want) || !reflect.DeepEqual(b.Actions, []string{"read", "Doc:*", "a_b-1:x?"}) || b.ID != "" {
		t.Errorf("%+v", b)
	}
	if got := (policy.ResourcePattern{Type: "stack", Pattern: "a", UID: true}).String(); got != "stack:uid:a" {
		t.Error(got)
	}
}

func TestAccessEntities(t *testing.T) {
	doc := parseAccessText(t, accessHead+`"entities": {"role/https://i:s": {"properties": {"n": 1.50, "b": [true, "x"], "e": []}}, "stack:a/b": {"tags": {}}, "token/ci": {}, "url:http://x/y?z": {"tags": {"a": ""}}}}`)
	want := []policy.Entity{
		{Principal: "role/https://i:s", Properties: []policy.Attribute{
			{Key: "n", Values: []policy.Value{{Kind: policy.ValueNumber, Text: "1.50"}}},
			{Key: "b", Values: []policy.Value{{Kind: policy.ValueBool, Text: "true"}, {Kind: policy.ValueString, Text: "x"}}}, {Key: "e"},
		}},
		{Type: "stack", ID: "a/b", TagsKnown: true},
		{Principal: "token/ci"},
		{Type: "url", ID: "http://x/y?z", TagsKnown: true, Tags: []policy.Tag{{Key: "a"}}},
	}
	for i := range doc.Entities {
		doc.Entities[i].At = policy.Position{}
	}
	if !reflect.DeepEqual(doc.Entities, want) {
		t.Errorf("got\n%+v\nwant\n%+v", doc.Entities, want)
	}
	if doc.Entities[0].Name() != "role/https://i:s" || doc.Entities[3].Name() != "url:http://x/y?z" {
		t.Error("names")
	}
}

func TestRFC3339(t *testing.T) {
	for text, want := range map[string]int64{
		"2027-01-01T00:00:00Z": 1798761600, "2027-01-01T00:00:00.999999999Z": 1798761600, "2027-01-01T02:00:00+02:00": 1798761600,
		"1969-12-31T23:59:59Z": -1,
		"2027-01-01":           0, "2027-01-01T00:00Z": 0, "1798761600": 0, "2027-01-01T00:00:00": 0, "2027-01-01t00:00:00z": 0,
		"2027-01-01 00:00:00Z": 0, "2027-01-01T00:00+02:00": 0, "17987616001798761600": 0, "": 0,
	} {
		if got, ok := rfc3339(text); ok != (want != 0) || ok && got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}

func TestWholeNumber(t *testing.T) {
	for text, want := range map[string]uint64{
		"1": 1, "9223372036854775807": 1<<63 - 1, "9223372036854775808": 0, "99999999999999999999": 0, "0": 0, "-1": 0, "1.0": 0, "1e3": 0,
	} {
		if got := wholeNumber([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestClaimPath(t *testing.T) {
	for path, want := range map[string]bool{
		"sub": true, "a.b.c": true, `"kubernetes.io".pod.name`: true, `a."b.c"`: true, `"."`: true, "https://x/y": true,
		"": false, ".": false, "a.": false, ".a": false, "a..b": false, `"a"`: false, `"a.b`: false, `"a.b"c`: false, `"a.b".`: false, `a"b`: false, `""`: false,
	} {
		if isClaimPath(path) != want {
			t.Errorf("isClaimPath(%q) = %v", path, !want)
		}
	}
}

// TestQuotedURL: what a warning says to write is a path, and one that nothing
// is said of.
func TestQuotedURL(t *testing.T) {
	for path, want := range map[string]string{
		"https://acme.com/team":               `"https://acme.com/team"`,
		"a.b/c.d":                             `"a.b/c.d"`,
		`"x.y".https://acme.com."z.w".v.u/t`:  `"x.y"."https://acme.com"."z.w"."v.u/t"`,
		"https://acme/team":                   "",
		"kubernetes.io.pod":                   "",
		`"https://acme.com/team"`:             "",
		`"https://acme.com/team".roles.admin`: "",
	} {
		got, found := quotedURL(path)
		if found != (want != "") || found && got != want {
			t.Errorf("%s: got %s, %t, want %q", path, got, found, want)
		}
		if _, again := quotedURL(got); !isClaimPath(got) || again {
			t.Errorf("%s: it says to write %s", path, got)
		}
	}
}
