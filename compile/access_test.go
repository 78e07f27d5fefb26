package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/index"
	"postern/internal/policyjson"
	"postern/policy"
)

// iamDoc parses an AccessPolicy without its first fields, or, with `[` at its
// beginning, a list of records.
func iamDoc(t testing.TB, file, text string) *policy.AccessDocument {
	t.Helper()
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		text = `{"roles": ` + text + "}"
	} else {
		text = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", ` + text + "}"
	}
	d, ds := policyjson.ParseAccess(file, []byte(text), policyjson.Limits{})
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	return d
}

// TestAccessBetweenFiles: what only several files can break is an error at the
// later place that names the other (specification 2).
func TestAccessBetweenFiles(t *testing.T) {
	type files []string
	const stack = `"permissionSets": {"s": {"resourceType": "stack", "actions": ["stack:read"]}}`
	const role = `"roles": {"r": {"rules": [{"actions": ["read"], "resources": ["*"]}]}}`
	allow := `{"__type": "PermissionDescriptorAllow", "permissions": ["stack:read"]}`
	for _, c := range []struct {
		name  string
		files files
		want  string // "" for no error
	}{
		{"in order", files{stack + "," + role, `"bindings": [{"roles": ["r"], "members": ["a/b"]}]`}, ""},
		{"policy name", files{`"metadata": {"name": "n"}`, `"metadata": {"name": "n"}`}, `1.json:1:75: the policy name "n" is already defined at 0.json:1:75`},
		{"permission set", files{stack, stack}, `1.json:1:73: the permission set "s" is already defined at 0.json:1:73`},
		{"role", files{role, role}, `the role "r" is already defined at 0.json:`},
		{"group", files{`"groups": {"g": {"members": []}}`, `"groups": {"g": {"members": []}}`}, `the group "g" is already defined at 0.json:`},
		{"binding", files{role + `, "bindings": [{"id": "b", "roles": ["r"], "members": ["*"]}]`, `"bindings": [{"id": "b", "roles": ["r"], "members": ["*"]}]`}, `the binding "b" is already defined at 0.json:`},
		{"token", files{`"tokens": {"t": {"type": "personal", "user": "a/b"}}`, `"tokens": {"t": {"type": "personal", "user": "a/b"}}`}, `the token "t" is already defined at 0.json:`},
		{"entity", files{`"entities": {"stack:a": {"tags": {}}}`, `"entities": {"stack:a": {"tags": {}}}`}, `the entity "stack:a" is already defined at 0.json:`},
		{"record", files{`[{"id": "x", "details": ` + allow + `}]`, `[{"id": "x", "details": ` + allow + `}]`}, `the record "x" is already defined at 0.json:`},
		{"built-in set", files{`"permissionSets": {"pulumi-stack-read": {"resourceType": "stack", "actions": ["stack:read"]}}`}, `the permission set "pulumi-stack-read" is built in`},
		{"built-in role", files{`"roles": {"iam-admin": {"rules": [{"actions": ["read"], "resources": ["*"]}]}}`}, `the role "iam-admin" is built in`},
		{"unknown role", files{`"bindings": [{"roles": ["x"], "members": ["*"]}]`}, `no role or record is named "x"`},
		{"unknown included role", files{`"roles": {"r": {"include": ["x"]}}`}, `no role or record is named "x"`},
		{"unknown role of a token", files{`"tokens": {"t": {"type": "organization", "roles": ["x"]}}`}, `no role or record is named "x"`},
		{"unknown member role", files{`"defaults": {"memberRoles": ["x"]}`}, `no role or record is named "x"`},
		{"unknown role of an issuer", files{`"issuers": {"i": {"url": "https://i", "rules": [{"effect": "Allow", "roles": ["x"], "claims": {"sub": "*"}}]}}`}, `no role or record is named "x"`},
		{"unknown set", files{`"roles": {"r": {"rules": [{"permissionSets": ["x"], "resources": ["*"]}]}}`}, `no permission set is named "x"`},
		{"unknown included set", files{`"permissionSets": {"s": {"resourceType": "stack", "include": ["x"]}}`}, `no permission set is named "x"`},
		{"unknown token", files{role + `, "bindings": [{"roles": ["r"], "members": ["token/x"]}]`}, `no token is named "x"`},
		{"unknown group", files{role + `, "bindings": [{"roles": ["r"], "members": ["group/x"]}]`}, ""},
		{"unknown record", files{`[{"id": "x", "details": {"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["y"]}}]`}, `no record has the id "y"`},
		{"a name that two records have", files{`[{"name": "x", "details": ` + allow + `}, {"name": "x", "details": ` + allow + `}]`, `"bindings": [{"roles": ["x"], "members": ["*"]}]`}, `2 records have the name "x"`},
		{"record by name", files{`[{"name": "x", "details": ` + allow + `}]`, `"bindings": [{"roles": ["x"], "members": ["*"]}]`}, ""},
		{"set of another type", files{stack + `, "roles": {}`, `"permissionSets": {"e": {"resourceType": "environment", "include": ["s"]}}`}, `the permission set "s" is about resources of type "stack"`},
		{"cycle of sets", files{`"permissionSets": {"a": {"resourceType": "stack", "include": ["b"]}, "b": {"resourceType": "stack", "include": ["a"]}}`}, `the permission set "a" includes itself`},
		{"cycle of roles", files{`"roles": {"a": {"include": ["b"]}}`, `"roles": {"b": {"include": ["a"]}}`}, `the role "a" includes itself: "a" > "b" > "a"; remove one of the includes`},
		{"the shortest cycle", files{`"roles": {"a": {"include": ["b"]}, "b": {"include": ["c"]}}`, `"roles": {"c": {"include": ["d", "e"]}, "d": {"include": ["e"]}, "e": {"include": ["b"]}}`}, `the role "b" includes itself: "b" > "c" > "e" > "b"; remove one of the includes`},
		{"role in itself", files{`"roles": {"a": {"include": ["a"]}}`}, `the role "a" includes itself`},
		{"cycle of groups", files{`"groups": {"a": {"members": ["group/b"]}}`, `"groups": {"b": {"members": ["group/a"]}}`}, `the group "a" is a member of itself: "a" > "b" > "a"; remove one of the members`},
		{"cycle of records", files{`[{"id": "x", "details": {"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["x"]}}]`}, `the record "x" composes itself`},
		{"two ways to one set", files{`"permissionSets": {"a": {"resourceType": "t", "include": ["b", "c"]}, "b": {"resourceType": "t", "include": ["d"]}, "c": {"resourceType": "t", "include": ["d"]}, "d": {"resourceType": "t", "actions": ["read"]}}`}, ""},
	} {
		var docs []*policy.AccessDocument
		for i, text := range c.files {
			docs = append(docs, iamDoc(t, strconv.Itoa(i)+".json", text))
		}
		m, ds := Compiler{BuiltIn: policyjson.BuiltIn()}.Access("o1", docs)
		var errors []string
		for _, d := range ds {
			if d.Severity == policy.Error {
				errors = append(errors, d.String())
			}
		}
		if c.want == "" {
			if len(errors) > 0 || m == nil {
				t.Errorf("%s: %q", c.name, errors)
			}
			continue
		}
		if len(errors) != 1 || !strings.Contains(errors[0], c.want) || m != nil {
			t.Errorf("%s: %q, want one with %q, and no iam layer", c.name, errors, c.want)
		}
	}
}

func decideIAM(m *index.IAM, r *policy.Request) policy.Decision {
	b := index.NewBuilder(nil)
	b.SetOrganization("o1", index.Organization{IAM: m})
	var sc index.Scratch
	return b.Freeze(1).Decide(r, &sc)
}

func reads(id string) *policy.Request {
	return &policy.Request{
		Principal: policy.Principal{Org: "o1", IDs: []string{id}}, Action: "stack:read",
		Resource: policy.Resource{Kind: policy.ResourceTyped, Type: "stack", ID: "a/b"},
	}
}

// TestAccessAlone: a document without its neighbours has the errors that none
// of them could mend, and only those.
func TestAccessAlone(t *testing.T) {
	const ofRoles = `"roles": {"a": {"include": ["b"]}, "b": {"include": ["a", "elsewhere"]}}`
	for _, c := range []struct {
		name, text, want string // "" for no diagnostics
		unchecked        int
	}{
		{"whole", `"groups": {"g": {"members": ["a/b"]}}, "bindings": [{"roles": ["iam-viewer"], "members": ["group/g"]}]`, "", 0},
		{"group in itself", `"groups": {"g": {"members": ["group/g"]}}`, `the group "g" is a member of itself`, 0},
		{"cycle of roles", ofRoles, `the role "a" includes itself`, 1},
		{"set in itself", `"permissionSets": {"s": {"resourceType": "stack", "include": ["s"]}}`, `the permission set "s" includes itself`, 0},
		{"set of another type", `"permissionSets": {"s": {"resourceType": "stack", "include": ["e"]}, "e": {"resourceType": "env", "actions": ["env:read"], "include": ["x"]}}`, `the permission set "e" is about resources of type "env"`, 1},
		{"built-in role", `"roles": {"iam-viewer": {"rules": [{"permissionSets": ["x"], "resources": ["stack:*"]}]}}`, `the role "iam-viewer" is built in`, 1},
		{"record in itself", `[{"id": "x", "details": {"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["x", "y"]}}]`, `the record "x" composes itself`, 1},
		{"defined elsewhere", `"roles": {"r": {"include": ["x"], "rules": [{"permissionSets": ["x"], "resources": ["*"]}]}},
			"bindings": [{"roles": ["x"], "members": ["group/x", "token/x"]}], "defaults": {"memberRoles": ["x"]},
			"tokens": {"t": {"type": "team", "group": "x"}, "u": {"type": "organization", "roles": ["x"]}},
			"issuers": {"i": {"url": "https://i", "rules": [{"effect": "Allow", "roles": ["x"], "claims": {"sub": "*"}}]}}`, "", 9},
		{"records composed from elsewhere", `[{"id": "x", "details": {"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["y"]}}]`, "", 1},
		{"a warning", `"bindings": [{"permissionSets": ["pulumi-stack-read"], "resources": ["environment:*"], "members": ["*"]}]`, "it grants nothing here", 0},
	} {
		ds, unchecked := Compiler{BuiltIn: policyjson.BuiltIn()}.AccessAlone(iamDoc(t, "alone.json", c.text))
		if unchecked != c.unchecked || len(ds) != min(1, len(c.want)) || len(ds) == 1 && !strings.Contains(ds[0].String(), c.want) {
			t.Errorf("%s: %v, %d unchecked; want %q and %d", c.name, ds, unchecked, c.want, c.unchecked)
		}
	}
}

// TestMembersShareStatements: a new member, token, issuer, default or entity
// makes a new iam layer of the same statements; what changes a statement does
// not (specification 2).
func TestMembersShareStatements(t *testing.T) {
	const roles = `"roles": {"r": {"rules": [{"actions": ["stack:read"], "resources": ["stack:*"]}]}, "idle": {"rules": [{"actions": ["stack:write"], "resources": ["stack:*"]}]}},
		"bindings": [{"id": "b", "roles": ["r"], "members": ["group/g"]}]`
	c := Compiler{BuiltIn: policyjson.BuiltIn()}
	before := []*policy.AccessDocument{iamDoc(t, "a.json", roles), iamDoc(t, "g.json", `"groups": {"g": {"members": ["u/1"]}}`)}
	prev, ds := c.Access("o1", before)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	again := func(docs ...*policy.AccessDocument) *index.IAM {
		m, ds := c.AccessAgain("o1", docs, before, prev)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		return m
	}
	for name, c := range map[string]struct {
		docs   []*policy.AccessDocument
		shared bool
		caller string
		want   policy.Reason
	}{
		"nothing":     {before, true, "u/1", policy.Allowed},
		"member":      {[]*policy.AccessDocument{before[0], iamDoc(t, "g.json", `"groups": {"g": {"members": ["u/1", "u/2"]}}`)}, true, "u/2", policy.Allowed},
		"member gone": {[]*policy.AccessDocument{before[0], iamDoc(t, "g.json", `"groups": {"g": {"members": []}}`)}, true, "u/1", policy.IAMNoMatch},
		"member in the same file, above": {[]*policy.AccessDocument{iamDoc(t, "a.json", `"groups": {"h":
			{"members": ["u/3"]}},`+roles), iamDoc(t, "g.json", `"groups": {"g": {"members": ["group/h"]}}`)}, true, "u/3", policy.Allowed},
		"token": {[]*policy.AccessDocument{before[0], before[1], iamDoc(t, "t.json", `"tokens": {"t": {"type": "organization", "roles": ["r"]}}`)}, true, "token/t", policy.Allowed},
		"token of a role that nothing had": {[]*policy.AccessDocument{before[0], before[1], iamDoc(t, "t.json",
			`"tokens": {"t": {"type": "organization", "roles": ["pulumi-admin"]}}`)}, true, "token/t", policy.Allowed},
		"default":               {[]*policy.AccessDocument{before[0], before[1], iamDoc(t, "t.json", `"defaults": {"memberRoles": ["r"]}`)}, true, "u/9", policy.Allowed},
		"binding":               {[]*policy.AccessDocument{before[0], before[1], iamDoc(t, "t.json", `"bindings": [{"roles": ["r"], "members": ["u/4"]}]`)}, false, "u/4", policy.Allowed},
		"role":                  {[]*policy.AccessDocument{iamDoc(t, "a.json", strings.Replace(roles, "stack:*", "stack:c", 1)), before[1]}, false, "u/1", policy.IAMNoMatch},
		"moved to another file": {[]*policy.AccessDocument{iamDoc(t, "b.json", roles), before[1]}, false, "u/1", policy.Allowed},
	} {
		m := again(c.docs...)
		if got := m.Grants() == prev.Grants(); got != c.shared {
			t.Errorf("%s: statements shared: %v, want %v", name, got, c.shared)
		}
		if got := decideIAM(m, reads(c.caller)).Reason; got != c.want {
			t.Errorf("%s: %s: %v, want %v", name, c.caller, got, c.want)
		}
		if got := decideIAM(prev, reads("u/1")).Reason; got != policy.Allowed {
			t.Errorf("%s: the iam layer before changed: %v", name, got)
		}
	}
	// The line in an explanation is the new one, though the statement is shared.
	moved := again(iamDoc(t, "a.json", "\"metadata\": {\"name\": \"x\"},\n\n"+roles), before[1])
	b := index.NewBuilder(nil)
	b.SetOrganization("o1", index.Organization{IAM: moved})
	if e := b.Freeze(1).Explain(reads("u/1")); moved.Grants() != prev.Grants() || len(e.Determining) != 1 || e.Determining[0].Line != 4 {
		t.Errorf("after two lines more: %+v", e)
	}
}

// TestComposedTwice: records that compose each other twice are 2^60 paths; a
// candidate is decided at once all the same.
func TestComposedTwice(t *testing.T) {
	var records []string
	const depth = 60
	node := func(to int) string {
		compose := fmt.Sprintf(`{"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["r%d"]}`, to)
		condition := func(not bool) string {
			e := `{"__type": "PermissionExpressionHasTag", "context": {"__type": "PermissionExpressionStack"}, "key": "k"}`
			if not {
				e = `{"__type": "PermissionExpressionNot", "node": ` + e + `}`
			}
			return `{"__type": "PermissionDescriptorCondition", "condition": ` + e + `, "subNode": ` + compose + `}`
		}
		return `{"__type": "PermissionDescriptorGroup", "entries": [` + condition(false) + "," + condition(true) + "," + compose + `]}`
	}
	for i := range depth {
		records = append(records, fmt.Sprintf(`{"id": "r%d", "details": %s}`, i, node(i+1)))
	}
	records = append(records, fmt.Sprintf(`{"id": "r%d", "details": {"__type": "PermissionDescriptorGroup", "entries": [
		{"__type": "PermissionDescriptorAllow", "permissions": ["stack:write"]},
		{"__type": "PermissionDescriptorCondition", "condition": {"__type": "PermissionExpressionHasTag", "context": {"__type": "PermissionExpressionTeam"}, "key": "k"},
			"subNode": {"__type": "PermissionDescriptorAllow", "permissions": ["stack:read"]}}]}}`, depth))
	for effect, want := range map[string]policy.Reason{"Allow": policy.Allowed, "Deny": policy.IAMDeny} {
		m, ds := Compiler{}.Access("o1", []*policy.AccessDocument{
			iamDoc(t, "r.json", "["+strings.Join(records, ",")+"]"),
			iamDoc(t, "b.json", `"bindings": [{"effect": "`+effect+`", "roles": ["r0"], "members": ["u/1"]}]`),
		})
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		// Nothing grants stack:read in the end, so that every path is looked at.
		for last, want := range map[string]policy.Reason{"stack:write": want, "stack:read": policy.IAMNoMatch} {
			done := make(chan policy.Reason)
			go func() {
				r := reads("u/1")
				r.Resource.TagsKnown = true
				r.Action = last
				done <- decideIAM(m, r).Reason
			}()
			select {
			case got := <-done:
				if got != want {
					t.Errorf("%s, %s: %v, want %v", effect, last, got, want)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%s, %s: not decided", effect, last)
			}
		}
	}
}

// TestLongChains: a chain of includes as long as is allowed works, and one
// longer is an error, in whatever order it is written.
func TestLongChains(t *testing.T) {
	for _, n := range []int{maxHeight, maxHeight + 1, 3 * maxHeight} {
		for _, backwards := range []bool{false, true} {
			var records, roles, sets, groups []string
			for i := range n {
				records = append(records, fmt.Sprintf(`{"id": "c%d", "details": {"__type": "PermissionDescriptorCompose", "permissionDescriptors": ["c%d"]}}`, i, i+1))
				roles = append(roles, fmt.Sprintf(`"c%d": {"include": ["c%d"]}`, i, i+1))
				sets = append(sets, fmt.Sprintf(`"c%d": {"resourceType": "stack", "include": ["c%d"]}`, i, i+1))
				groups = append(groups, fmt.Sprintf(`"c%d": {"members": ["group/c%d"]}`, i+1, i))
			}
			records = append(records, fmt.Sprintf(`{"id": "c%d", "details": {"__type": "PermissionDescriptorAllow", "permissions": ["stack:read"]}}`, n))
			roles = append(roles, fmt.Sprintf(`"c%d": {"rules": [{"actions": ["stack:read"], "resources": ["stack:*"]}]}`, n))
			sets = append(sets, fmt.Sprintf(`"c%d": {"resourceType": "stack", "actions": ["stack:read"]}`, n))
			groups = append(groups, `"c0": {"members": ["u/1"]}`)
			for _, list := range [][]string{records, roles, sets, groups} {
				if backwards {
					slices.Reverse(list)
				}
			}
			for name, docs := range map[string][]*policy.AccessDocument{
				"records": {iamDoc(t, "r.json", "["+strings.Join(records, ",")+"]"), iamDoc(t, "b.json", `"bindings": [{"roles": ["c0"], "members": ["u/1"]}]`)},
				"roles":   {iamDoc(t, "r.json", `"roles": {`+strings.Join(roles, ",")+`}, "bindings": [{"roles": ["c0"], "members": ["u/1"]}]`)},
				"sets":    {iamDoc(t, "r.json", `"permissionSets": {`+strings.Join(sets, ",")+`}, "bindings": [{"permissionSets": ["c0"], "resources": ["*"], "members": ["u/1"]}]`)},
				"groups":  {iamDoc(t, "r.json", fmt.Sprintf(`"groups": {%s}, "bindings": [{"actions": ["stack:read"], "resources": ["*"], "members": ["group/c%d"]}]`, strings.Join(groups, ","), n))},
			} {
				m, ds := Compiler{}.Access("o1", docs)
				if ok := !policy.HasErrors(ds); ok != (n <= maxHeight) {
					t.Errorf("%s, %d in a row, backwards %v: %v", name, n, backwards, ds)
				} else if !ok {
					// The shortest chain that is too long is told, from its start.
					start, second, end := n-maxHeight-1, n-maxHeight, n
					if name == "groups" {
						start, second, end = maxHeight+1, maxHeight, 0
					}
					want := fmt.Sprintf(`"c%d" > "c%d" > `, start, second)
					if len(ds) != 1 || !strings.Contains(ds[0].Message, fmt.Sprintf(`"c%d" starts a chain of more than 1000 `, start)) ||
						!strings.Contains(ds[0].Message, want) || !strings.Contains(ds[0].Message, fmt.Sprintf(` > ... > "c%d"; `, end)) {
						t.Errorf("%s, %d in a row, backwards %v: %v; want the chain %s... > c%d", name, n, backwards, ds, want, end)
					}
				} else {
					if got := decideIAM(m, reads("u/1")).Reason; got != policy.Allowed {
						t.Errorf("%s, %d in a row, backwards %v: %v", name, n, backwards, got)
					}
				}
			}
		}
	}
}

// TestNearestGrant: of a request that nothing grants, the explanation shows the
// binding, or what is held without one, that failed on the fewest dimensions.
func TestNearestGrant(t *testing.T) {
	docs := []*policy.AccessDocument{iamDoc(t, "a.json", `
		"roles": {"r": {"rules": [
			{"actions": ["stack:read"], "resources": ["stack:x"]},
			{"actions": ["stack:write"], "resources": ["stack:a/*"], "selector": {"matchTags": {"env": "dev"}}}]}},
		"bindings": [
			{"id": "other", "roles": ["r"], "members": ["u/2"], "resources": ["stack:a/*"]},
			{"id": "mine", "roles": ["r"], "members": ["group/g"]},
			{"id": "deny", "effect": "Deny", "roles": ["r"], "members": ["u/1"]}],
		"groups": {"g": {"members": ["u/1"]}},
		"tokens": {"t": {"type": "organization", "roles": ["r"]}}`)}
	m, ds := Compiler{}.Access("o1", docs)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	b := index.NewBuilder(nil)
	b.SetOrganization("o1", index.Organization{IAM: m})
	s := b.Freeze(1)
	for _, c := range []struct{ caller, action, resource, statement, failed string }{
		{"u/1", "stack:read", "a/b", "mine", "resource"},
		{"u/1", "stack:write", "a/b", "mine", "condition"},
		{"u/1", "stack:delete", "x", "mine", "action"},
		{"u/3", "stack:read", "x", "mine", "principal"},
		{"u/3", "stack:delete", "x", "mine", "principal action"},
		{"token/t", "stack:read", "a/b", "token/t", "resource"},
	} {
		r := reads(c.caller)
		r.Action, r.Resource.ID = c.action, c.resource
		r.Resource.TagsKnown = true
		e := s.Explain(r)
		if e.Decision.Reason != policy.IAMNoMatch || e.Nearest == nil || e.Nearest.Statement.Statement != c.statement || strings.Join(e.Nearest.Failed, " ") != c.failed {
			t.Errorf("%s %s %s: %+v, nearest %+v, want %s failing on %s", c.caller, c.action, c.resource, e.Decision, e.Nearest, c.statement, c.failed)
		}
	}
}
