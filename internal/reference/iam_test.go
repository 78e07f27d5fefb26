package reference

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/policy"
)

// acme is an organization with the given iam documents, JSON without its first
// fields; `[` begins a list of records.
func acme(t *testing.T, documents ...string) *policy.Directory {
	t.Helper()
	o := &policy.DirectoryOrganization{}
	for i, text := range documents {
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "[") {
			text = `{"roles": ` + text + "}"
		} else {
			text = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", ` + text + "}"
		}
		d, diagnostics := policyjson.ParseAccess(fmt.Sprintf("acme/iam/%d.json", i), []byte(text), policyjson.Limits{})
		if policy.HasErrors(diagnostics) {
			t.Fatalf("%v\n%s", diagnostics, text)
		}
		o.Access = append(o.Access, d)
	}
	return &policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"acme": o},
		BuiltIn:       policyjson.BuiltIn(),
	}
}

// ask makes a request of a caller, written as its identifiers and, after `+`,
// its groups, on `type:id`. Each further text is `tags K=V ...`, `uid ID`,
// `now SECONDS`, `org ORG`, `claim PATH=V,V`, `subject.X=V,V`, `resource.X=V`,
// or a context key `K=V,V`.
func ask(caller, action, resource string, further ...string) *policy.Request {
	r := &policy.Request{Principal: policy.Principal{Org: "acme"}, Action: action, Now: 1_800_000_000}
	for _, name := range strings.Fields(caller) {
		if group, ok := strings.CutPrefix(name, "+"); ok {
			r.Principal.Groups = append(r.Principal.Groups, group)
		} else {
			r.Principal.IDs = append(r.Principal.IDs, name)
		}
	}
	typ, id, _ := strings.Cut(resource, ":")
	r.Resource = policy.Resource{Kind: policy.ResourceTyped, Type: typ, ID: id}
	if typ == "organization" {
		r.Resource.Kind = policy.ResourceOrganization
	}
	for _, text := range further {
		word, rest, _ := strings.Cut(text, " ")
		key, values, _ := strings.Cut(text, "=")
		a := policy.Attribute{}
		if values != "" {
			for _, v := range strings.Split(values, ",") {
				a.Values = append(a.Values, policy.Value{Kind: policy.ValueString, Text: v})
			}
		}
		switch word {
		case "tags":
			r.Resource.TagsKnown = true
			for _, pair := range strings.Fields(rest) {
				k, v, _ := strings.Cut(pair, "=")
				r.Resource.Tags = append(r.Resource.Tags, policy.Tag{Key: k, Value: v})
			}
			continue
		case "uid":
			r.Resource.UID = rest
			continue
		case "org":
			r.Resource.Org = rest
			continue
		case "now":
			fmt.Sscan(rest, &r.Now)
			continue
		case "claim":
			a.Key, _, _ = strings.Cut(rest, "=")
			r.Principal.ClaimsStated = true
			r.Principal.Claims = append(r.Principal.Claims, a)
			continue
		}
		if k, ok := strings.CutPrefix(key, "subject."); ok {
			a.Key = k
			r.Principal.Properties = append(r.Principal.Properties, a)
		} else if k, ok := strings.CutPrefix(key, "resource."); ok {
			a.Key = k
			r.Resource.Properties = append(r.Resource.Properties, a)
		} else {
			a.Key = key
			r.Context = append(r.Context, a)
		}
	}
	return r
}

const (
	reasonAllow = policy.Allowed
	reasonDeny  = policy.IAMDeny
	reasonNone  = policy.IAMNoMatch
	anonymous   = policy.Anonymous
)

// asked is a request and the reason of its answer.
type asked struct {
	request *policy.Request
	reason  policy.Reason
}

// row is a rule of page 2 with documents and questions.
type row struct {
	rule      string
	documents []string
	asked     []asked
}

func (c row) run(t *testing.T) {
	t.Helper()
	d := acme(t, c.documents...)
	for i, a := range c.asked {
		got := New(d).Evaluate(a.request).Decision
		if got.Reason != a.reason || got.Outcome != a.reason.Outcome() {
			t.Errorf("%s: request %d %v %s %s:%s: got %s, want %s", c.rule, i, a.request.Principal.IDs, a.request.Action, a.request.Resource.Type, a.request.Resource.ID, show(got), a.reason)
		}
		layer := policy.LayerIAM
		if a.reason == anonymous || a.reason == policy.OwnerMismatch {
			layer = policy.LayerNone
		}
		if got.Layer != layer {
			t.Errorf("%s: request %d: layer %s", c.rule, i, got.Layer)
		}
	}
}

// reader is a role that reads stacks.
const reader = `"roles": {"reader": {"rules": [{"actions": ["stack:read"], "resources": ["stack:*"]}]}}`

func bind(members string) string {
	return reader + `, "bindings": [{"id": "b", "roles": ["reader"], "members": [` + members + `]}]`
}

// TestTable is the table of page 2, row by row.
func TestTable(t *testing.T) {
	read := func(caller string, further ...string) *policy.Request {
		return ask(caller, "stack:read", "stack:acme/p/s", further...)
	}
	for _, c := range []row{
		{"identifiers: one of them, byte for byte", []string{bind(`"pulumi/alice"`)}, []asked{
			{read("pulumi/alice"), reasonAllow}, {read("x/y pulumi/alice"), reasonAllow}, {read("pulumi/Alice"), reasonNone}, {read("pulumi/alice2"), reasonNone}}},
		{"identifiers: a prefix", []string{bind(`"pulumi/al*"`)}, []asked{{read("pulumi/alice"), reasonAllow}, {read("pulumi/al"), reasonAllow}, {read("pulumi/bob"), reasonNone}}},
		{"identifiers: * is any caller of the organization", []string{bind(`"*"`)}, []asked{
			{read("x/y"), reasonAllow}, {read(""), anonymous},
			{func() *policy.Request { r := read("x/y"); r.Principal.Org = "o9"; return r }(), reasonNone}}},
		{"identifiers: a group, a token", []string{bind(`"group/g", "token/t"`) + `, "tokens": {"t": {"type": "organization", "roles": ["billing-viewer"]}, "u": {"type": "organization", "roles": ["billing-viewer"]}}`}, []asked{
			{read("x/y +g"), reasonAllow}, {read("x/y +h"), reasonNone}, {read("token/t"), reasonAllow}, {read("token/u"), reasonNone}, {read("x/t"), reasonNone}, {read("group/g"), reasonNone}}},

		{"actions: patterns, and names without a colon", []string{`"bindings": [{"actions": ["stack:Re*", "env:o?en", "write"], "resources": ["*"], "members": ["*"]}]`}, []asked{
			{read("x/y"), reasonAllow}, {ask("x/y", "STACK:REad", "stack:a"), reasonAllow}, {ask("x/y", "stack:write", "stack:a"), reasonNone},
			{ask("x/y", "env:open", "stack:a"), reasonAllow}, {ask("x/y", "env:oen", "stack:a"), reasonNone}, {ask("x/y", "WRITE", "a:a"), reasonAllow}, {ask("x/y", "writes", "a:a"), reasonNone}}},

		{"resources: type and pattern", []string{`"bindings": [{"actions": ["read"], "resources": ["stack:acme/*/s?"], "members": ["*"]}]`}, []asked{
			{ask("x/y", "read", "stack:acme/a/b/s1"), reasonAllow}, {ask("x/y", "read", "stack:acme/a/s"), reasonNone}, {ask("x/y", "read", "Stack:acme/a/s1"), reasonNone}, {ask("x/y", "read", "env:acme/a/s1"), reasonNone}}},
		{"resources: * is everything", []string{`"bindings": [{"actions": ["read"], "resources": ["*"], "members": ["*"]}]`}, []asked{
			{ask("x/y", "read", "stack:a"), reasonAllow}, {ask("x/y", "read", "organization:*"), reasonAllow}, {ask("x/y", "read", "organization:acme"), reasonAllow}}},
		{"resources: the whole organization", []string{`"bindings": [{"actions": ["read"], "resources": ["organization:acme"], "members": ["pulumi/a"]}, {"actions": ["list"], "resources": ["organization:*"], "members": ["*"]},
				{"actions": ["look"], "resources": ["organization:ac"], "members": ["*"]}]`}, []asked{
			{ask("pulumi/a", "read", "organization:*"), reasonAllow}, {ask("pulumi/a", "read", "organization:acme"), reasonAllow}, {ask("pulumi/a", "read", "organization:globex"), policy.OwnerMismatch},
			{ask("pulumi/a", "read", "stack:acme"), reasonNone}, {ask("x/y", "list", "organization:*"), reasonAllow}, {ask("x/y", "list", "stack:*"), reasonNone}, {ask("x/y", "look", "organization:*"), reasonNone}}},
		{"resources: by uid", []string{`"bindings": [{"actions": ["write"], "resources": ["stack:uid:u1"], "members": ["*"]}]`}, []asked{
			{ask("x/y", "write", "stack:a", "uid u1"), reasonAllow}, {ask("x/y", "write", "stack:a", "uid u2"), reasonNone}, {ask("x/y", "write", "stack:a"), reasonNone}, {ask("x/y", "write", "stack:uid:u1"), reasonNone},
			{ask("x/y", "write", "env:a", "uid u1"), reasonNone}}},
		{"resources: variables", []string{`"bindings": [{"actions": ["read"], "resources": ["stack:${aws:username}/*", "stack:${k, 'none'}"], "members": ["*"]}]`}, []asked{
			{ask("x/y", "read", "stack:al/s", "aws:username=al"), reasonAllow}, {ask("x/y", "read", "stack:al/s", "aws:username=*"), reasonNone}, {ask("x/y", "read", "stack:*/s", "aws:username=*"), reasonAllow},
			{ask("x/y", "read", "stack:al/s"), reasonNone}, {ask("x/y", "read", "stack:al/s", "aws:username=al,bo"), reasonNone}, {ask("x/y", "read", "stack:none"), reasonAllow}}},
		{"resources: notResources", []string{`"roles": {"r": {"rules": [{"actions": ["read"], "resources": ["*"], "notResources": ["stack:prod/*", "stack:${k}", "env:uid:u1", "organization:*"]}]}},
				"bindings": [{"roles": ["r"], "members": ["*"]}]`}, []asked{
			{ask("x/y", "read", "stack:a", "k=b"), reasonAllow}, {ask("x/y", "read", "stack:a", "k=a"), reasonNone}, {ask("x/y", "read", "stack:a"), reasonNone}, {ask("x/y", "read", "stack:prod/a", "k=b"), reasonNone},
			{ask("x/y", "read", "env:a", "k=b", "uid u1"), reasonNone}, {ask("x/y", "read", "env:a", "k=b", "uid u2"), reasonAllow}, {ask("x/y", "read", "organization:*", "k=b"), reasonNone}}},
		{"resources: notResources of a Deny", []string{`"roles": {"r": {"rules": [{"actions": ["read"], "resources": ["*"], "notResources": ["stack:${k}"]}]}},
				"bindings": [{"effect": "Deny", "roles": ["r"], "members": ["*"]}, {"actions": ["read"], "resources": ["*"], "members": ["*"]}]`}, []asked{
			{ask("x/y", "read", "stack:a", "k=b"), reasonDeny}, {ask("x/y", "read", "stack:a", "k=a"), reasonAllow}, {ask("x/y", "read", "stack:a"), reasonDeny}}},

		{"permissionSets: their type, and what they include", []string{`"permissionSets": {"look": {"resourceType": "stack", "actions": ["stack:read"]}, "write": {"resourceType": "stack", "include": ["look"], "actions": ["stack:write"]}}`,
			`"bindings": [{"permissionSets": ["write"], "resources": ["*"], "members": ["*"]}]`}, []asked{
			{read("x/y"), reasonAllow}, {ask("x/y", "stack:write", "stack:a"), reasonAllow}, {ask("x/y", "stack:write", "env:a"), reasonNone}, {ask("x/y", "stack:read", "organization:*"), reasonNone}, {ask("x/y", "stack:x", "stack:a"), reasonNone}}},
		{"permissionSets beside actions", []string{`"bindings": [{"permissionSets": ["pulumi-stack-read"], "actions": ["env:open"], "resources": ["stack:*", "env:*"], "members": ["*"]}]`}, []asked{
			{read("x/y"), reasonAllow}, {ask("x/y", "env:open", "env:a"), reasonAllow}, {ask("x/y", "stack:read", "env:a"), reasonNone}, {ask("x/y", "stack:write", "stack:a"), reasonNone}}},

		{"roles: rules are ORed, others included", []string{`"roles": {"a": {"include": ["b"], "rules": [{"actions": ["read"], "resources": ["s:1"]}, {"actions": ["write"], "resources": ["s:2"]}]}}, "bindings": [{"roles": ["a"], "members": ["*"]}]`,
			`"roles": {"b": {"include": ["c"], "rules": [{"actions": ["list"], "resources": ["*"]}]}, "c": {"rules": [{"actions": ["open"], "resources": ["*"]}]}}`}, []asked{
			{ask("x/y", "read", "s:1"), reasonAllow}, {ask("x/y", "read", "s:2"), reasonNone}, {ask("x/y", "write", "s:2"), reasonAllow}, {ask("x/y", "list", "s:2"), reasonAllow}, {ask("x/y", "open", "s:2"), reasonAllow}, {ask("x/y", "shut", "s:2"), reasonNone}}},
		{"roles: sets, resources, selector and condition are ANDed", []string{`"roles": {"a": {"rules": [{"permissionSets": ["pulumi-stack-read"], "resources": ["stack:a"], "selector": {"matchTags": {"t": "1"}}, "condition": {"StringEquals": {"k": "v"}}}]}},
				"bindings": [{"roles": ["a"], "members": ["*"]}]`}, []asked{
			{ask("x/y", "stack:read", "stack:a", "tags t=1", "k=v"), reasonAllow}, {ask("x/y", "stack:read", "stack:b", "tags t=1", "k=v"), reasonNone},
			{ask("x/y", "stack:read", "stack:a", "tags t=2", "k=v"), reasonNone}, {ask("x/y", "stack:read", "stack:a", "tags t=1", "k=w"), reasonNone}, {ask("x/y", "stack:write", "stack:a", "tags t=1", "k=v"), reasonNone}}},

		{"condition: page 1, variables included", []string{`"bindings": [{"actions": ["read"], "resources": ["*"], "members": ["*"], "condition": {"StringEquals": {"k": "${subject.team}"}, "DateLessThan": {"aws:CurrentTime": "2030-01-01"}}},
				{"effect": "Deny", "actions": ["read"], "resources": ["*"], "members": ["*"], "condition": {"NumericGreaterThan": {"n": "5"}}}]`}, []asked{
			{ask("x/y", "read", "a:a", "k=v", "subject.team=v"), reasonAllow}, {ask("x/y", "read", "a:a", "k=v", "subject.team=w"), reasonNone}, {ask("x/y", "read", "a:a", "k=v", "subject.team=v", "now 1900000000"), reasonNone},
			{ask("x/y", "read", "a:a", "k=v", "subject.team=v", "n=6"), reasonDeny}, {ask("x/y", "read", "a:a", "k=v", "subject.team=v", "n=five"), reasonDeny}, {ask("x/y", "read", "a:a", "k=v", "subject.team=v", "n=4"), reasonAllow}}},

		{"bindings: what they add narrows", []string{reader + `, "bindings": [{"roles": ["reader"], "members": ["*"], "resources": ["stack:a", "env:b"], "selector": {"matchTags": {"t": "1"}}, "condition": {"Bool": {"k": "true"}}}]`}, []asked{
			{ask("x/y", "stack:read", "stack:a", "tags t=1", "k=true"), reasonAllow}, {ask("x/y", "stack:read", "stack:b", "tags t=1", "k=true"), reasonNone}, {ask("x/y", "stack:read", "env:b", "tags t=1", "k=true"), reasonNone},
			{ask("x/y", "stack:read", "stack:a", "tags t=2", "k=true"), reasonNone}, {ask("x/y", "stack:read", "stack:a", "tags t=1"), reasonNone}}},
		{"bindings: a Deny always wins, and is narrowed too", []string{reader + `, "bindings": [{"roles": ["reader"], "members": ["*"]}, {"effect": "Deny", "roles": ["reader"], "members": ["pulumi/bob"], "resources": ["stack:a"]}]`}, []asked{
			{ask("pulumi/bob", "stack:read", "stack:a"), reasonDeny}, {ask("pulumi/bob", "stack:read", "stack:b"), reasonAllow}, {ask("pulumi/al", "stack:read", "stack:a"), reasonAllow}}},

		{"groups: of identifiers, stated, transitive", []string{bind(`"group/top"`), `"groups": {"top": {"members": ["group/middle", "group/undefined"]}, "middle": {"members": ["pulumi/alice", "saml/*", "group/low"]}, "low": {"members": ["pulumi/bob"]}, "other": {"members": ["pulumi/carl", "group/top"]}}`}, []asked{
			{read("pulumi/alice"), reasonAllow}, {read("saml/x"), reasonAllow}, {read("pulumi/bob"), reasonAllow}, {read("x/y +low"), reasonAllow}, {read("x/y +top"), reasonAllow}, {read("x/y +undefined"), reasonAllow},
			{read("pulumi/carl"), reasonNone}, {read("x/y +other"), reasonNone}, {read("x/y +Low"), reasonNone}}},
		{"groups: one that lists *", []string{bind(`"group/all"`) + `, "groups": {"all": {"members": ["group/in"]}, "in": {"members": ["*"]}}`}, []asked{{read("x/y"), reasonAllow}}},

		{"entities: properties and tags where the request states none", []string{`"bindings": [{"actions": ["read"], "resources": ["*"], "members": ["*"], "condition": {"StringEquals": {"subject.level": "senior", "resource.kind": "x"}}, "selector": {"matchTags": {"t": "1"}}}]`,
			`"entities": {"pulumi/alice": {"properties": {"Level": "senior"}}, "s:a": {"properties": {"kind": ["w", "x"]}, "tags": {"t": "1", "u": "2"}}, "organization:acme": {"properties": {"kind": "x"}, "tags": {"t": "1"}}}`}, []asked{
			{ask("pulumi/alice", "read", "s:a"), reasonAllow}, {ask("pulumi/alice x/y", "read", "s:a"), reasonAllow}, {ask("x/y pulumi/alice", "read", "s:a"), reasonNone}, {ask("pulumi/bob", "read", "s:a"), reasonNone},
			{ask("pulumi/bob", "read", "s:a", "subject.LEVEL=senior"), reasonAllow}, {ask("pulumi/alice", "read", "s:a", "subject.level=junior"), reasonNone}, {ask("pulumi/alice", "read", "s:a", "subject.level="), reasonNone},
			{ask("pulumi/alice", "read", "s:b"), reasonNone}, {ask("pulumi/alice", "read", "s:a", "tags t=2"), reasonNone}, {ask("pulumi/alice", "read", "s:a", "tags u=2"), reasonNone}, {ask("pulumi/alice", "read", "s:a", "tags"), reasonNone},
			{ask("pulumi/alice", "read", "s:a", "resource.kind=y"), reasonNone}, {ask("pulumi/alice", "read", "organization:*"), reasonAllow}, {ask("pulumi/alice", "read", "t:a"), reasonNone}}},
	} {
		c.run(t)
	}
}

// TestUnreadableFact: what a request states and nobody can read is stated, so
// that no entity says otherwise.
func TestUnreadableFact(t *testing.T) {
	d := acme(t, `"entities": {"x/y": {"properties": {"level": "senior"}}}, "bindings": [{"actions": ["read"], "resources": ["*"], "members": ["*"], "condition": {"StringEquals": {"subject.level": "senior"}}}]`)
	r := ask("x/y", "read", "s:a")
	if got := New(d).Evaluate(r).Decision.Reason; got != reasonAllow {
		t.Errorf("by the entity: %s", got)
	}
	r.Principal.Properties = []policy.Attribute{{Key: "LEVEL", Unreadable: true}}
	if got := New(d).Evaluate(r).Decision.Reason; got != reasonNone {
		t.Errorf("by what nobody can read: %s", got)
	}
	if len(r.Principal.Properties) != 1 {
		t.Error("the request has changed")
	}
}

// TestSelector is Kubernetes' meaning, and what is unknown.
func TestSelector(t *testing.T) {
	for _, c := range []struct {
		selector string
		tags     string // `tags K=V ...`; "" unknown
		holds    bool
	}{
		{`"matchTags": {"a": "1"}`, "tags a=1", true},
		{`"matchTags": {"a": "1"}`, "tags a=2", false},
		{`"matchTags": {"a": "1"}`, "tags", false},
		{`"matchTags": {"a": "1"}`, "tags A=1", false},
		{`"matchTags": {"a": "1", "b": "2"}`, "tags a=1 b=2 c=3", true},
		{`"matchTags": {"a": "1", "b": "2"}`, "tags a=1 b=3", false},
		{`"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]`, "tags a=2", true},
		{`"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]`, "tags a=3", false},
		{`"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]`, "tags b=1", false},
		{`"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1", "2"]}]`, "tags a=3", true},
		{`"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1", "2"]}]`, "tags a=2", false},
		{`"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1", "2"]}]`, "tags", true},
		{`"matchExpressions": [{"key": "a", "operator": "Exists"}]`, "tags a=", true},
		{`"matchExpressions": [{"key": "a", "operator": "Exists"}]`, "tags b=1", false},
		{`"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]`, "tags b=1", true},
		{`"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]`, "tags a=1", false},
		{`"matchTags": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]`, "tags a=1 b=1", true},
		{`"matchTags": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]`, "tags a=1", false},
	} {
		for _, effect := range []string{"Allow", "Deny"} {
			d := acme(t, `"bindings": [{"actions": ["read"], "resources": ["*"], "members": ["*"], "effect": "`+effect+`", "selector": {`+c.selector+`}}]`)
			reason := map[string]policy.Reason{"Allow": reasonAllow, "Deny": reasonDeny}[effect]
			want := reasonNone
			if c.holds {
				want = reason
			}
			if got := New(d).Evaluate(ask("x/y", "read", "s:a", c.tags)).Decision.Reason; got != want {
				t.Errorf("%s %s, %s: %s", effect, c.selector, c.tags, got)
			}
			// "Unknown tags satisfy no selector of an Allow, and every selector
			// of a Deny."
			want = map[string]policy.Reason{"Allow": reasonNone, "Deny": reasonDeny}[effect]
			if got := New(d).Evaluate(ask("x/y", "read", "s:a")).Decision.Reason; got != want {
				t.Errorf("%s %s, unknown: %s", effect, c.selector, got)
			}
		}
	}
}

// TestConstraints: "the longest of the determining Allows; one without it lifts
// it".
func TestConstraints(t *testing.T) {
	rule := func(action string, seconds int) string {
		if seconds == 0 {
			return fmt.Sprintf(`{"actions": [%q], "resources": ["*"]}`, action)
		}
		return fmt.Sprintf(`{"actions": [%q], "resources": ["*"], "constraints": {"maxOpenSeconds": %d}}`, action, seconds)
	}
	d := acme(t, `"roles": {"a": {"rules": [`+rule("one", 60)+","+rule("two", 60)+","+rule("two", 70)+","+rule("lift", 60)+","+rule("lift", 0)+`]}, "b": {"rules": [`+rule("one", 90)+`]}},
		"bindings": [{"roles": ["a"], "members": ["*"]}, {"roles": ["b"], "members": ["group/b"]}, {"actions": ["one"], "resources": ["*"], "members": ["group/c"]},
			{"actions": ["one"], "resources": ["*"], "effect": "Deny", "members": ["group/d"]}]`)
	for _, c := range []struct {
		request *policy.Request
		want    uint64
	}{
		{ask("x/y", "one", "s:a"), 60}, {ask("x/y", "two", "s:a"), 70}, {ask("x/y", "lift", "s:a"), 0}, {ask("x/y +b", "one", "s:a"), 90},
		{ask("x/y +c", "one", "s:a"), 0}, {ask("x/y +b +d", "one", "s:a"), 0}, {ask("x/y", "none", "s:a"), 0},
	} {
		if got := New(d).Evaluate(c.request).Decision.MaxOpenSeconds; got != c.want {
			t.Errorf("%v %s: %d, want %d", c.request.Principal, c.request.Action, got, c.want)
		}
	}
}

// TestDefaults: who has the member roles.
func TestDefaults(t *testing.T) {
	defaults := `"roles": {"member": {"rules": [{"actions": ["list"], "resources": ["*"]}]}, "member2": {"rules": [{"actions": ["look"], "resources": ["*"]}]}}, "defaults": {"memberRoles": ["member"]}`
	list := func(caller string, further ...string) *policy.Request { return ask(caller, "list", "s:a", further...) }
	for _, c := range []row{
		{"no explicit role", []string{defaults, `"defaults": {"memberRoles": ["member2"]}`}, []asked{{list("x/y"), reasonAllow}, {ask("x/y", "look", "s:a"), reasonAllow}, {ask("x/y", "read", "s:a"), reasonNone}}},
		{"an explicit role, by identifier, prefix, group", []string{defaults, reader + `, "groups": {"h": {"members": ["group/g"]}}, "bindings": [{"roles": ["reader"], "members": ["pulumi/a", "saml/*", "group/h", "*"]}]`},
			[]asked{{list("pulumi/a"), reasonNone}, {list("x/y pulumi/a"), reasonNone}, {list("saml/x"), reasonNone}, {list("x/y +g"), reasonNone}, {list("x/y"), reasonAllow}}},
		{"an explicit role, by a group that lists *", []string{defaults, reader + `, "groups": {"all": {"members": ["*"]}}, "bindings": [{"roles": ["reader"], "members": ["group/all"]}]`}, []asked{{list("x/y"), reasonNone}}},
		{"an explicit role that does not hold now", []string{defaults, reader + `, "bindings": [{"roles": ["reader"], "members": ["pulumi/a"], "resources": ["none:x"], "selector": {"matchTags": {"t": "1"}}, "condition": {"Bool": {"k": "true"}}}]`},
			[]asked{{list("pulumi/a"), reasonNone}, {list("pulumi/b"), reasonAllow}}},
		{"what does not count", []string{defaults, reader + `, "metadata": {"legacyGroups": true}, "bindings": [{"roles": ["reader"], "members": ["*"]}, {"permissionSets": ["pulumi-stack-read"], "resources": ["*"], "members": ["pulumi/a"]},
				{"actions": ["open"], "resources": ["*"], "members": ["pulumi/a"]}, {"effect": "Deny", "roles": ["reader"], "members": ["pulumi/a"]}]`},
			[]asked{{list("pulumi/a"), reasonAllow}, {list("pulumi/a +billing_viewer"), reasonAllow}}},
	} {
		c.run(t)
	}
}

// TestTokens is the row `tokens`.
func TestTokens(t *testing.T) {
	tokens := `"tokens": {"org": {"type": "organization", "roles": ["opener"]}, "team": {"type": "team", "group": "team"}, "mine": {"type": "personal", "user": "pulumi/alice"},
		"old": {"type": "organization", "roles": ["opener"], "expires": "2027-01-15T08:00:00Z"}, "oldmine": {"type": "personal", "user": "pulumi/alice", "expires": "2027-01-15T08:00:00.5Z"}}`
	roles := `"roles": {"opener": {"rules": [{"actions": ["open"], "resources": ["*"]}]}, "member": {"rules": [{"actions": ["list"], "resources": ["*"]}]}, "r": {"rules": [{"actions": ["read"], "resources": ["*"]}]}},
		"defaults": {"memberRoles": ["member"]}`
	const expiry = "now 1800000000" // 2027-01-15T08:00:00Z
	do := func(token, action string, further ...string) *policy.Request {
		return ask("token/"+token, action, "s:a", further...)
	}
	for _, c := range []row{
		{"organization", []string{tokens, roles + `, "bindings": [{"roles": ["r"], "members": ["*"]}, {"actions": ["write"], "resources": ["*"], "members": ["token/org"]}, {"effect": "Deny", "actions": ["shut"], "resources": ["*"], "members": ["*"]},
				{"actions": ["shut", "group"], "resources": ["*"], "members": ["group/robots"]}, {"actions": ["all"], "resources": ["*"], "members": ["group/all"]}, {"effect": "Deny", "actions": ["write"], "resources": ["s:no"], "members": ["group/all"]}],
				"groups": {"robots": {"members": ["token/org"]}, "all": {"members": ["*"]}}`}, []asked{
			{do("org", "open"), reasonAllow}, {do("org", "write"), reasonAllow}, {do("org", "read"), reasonNone}, {do("org", "list"), reasonNone}, {do("org", "shut"), reasonDeny}, {do("org", "group"), reasonAllow}, {do("org", "all"), reasonNone},
			{ask("token/org", "write", "s:no"), reasonDeny}, {ask("pulumi/x", "all", "s:a"), reasonAllow}}},
		{"team", []string{tokens, roles + `, "groups": {"big": {"members": ["group/team"]}}, "bindings": [{"actions": ["write"], "resources": ["*"], "members": ["group/team"]}, {"actions": ["open"], "resources": ["*"], "members": ["group/big"]},
				{"actions": ["all"], "resources": ["*"], "members": ["*"]}, {"actions": ["own"], "resources": ["*"], "members": ["token/team"]}, {"actions": ["other"], "resources": ["*"], "members": ["group/other"]}]`}, []asked{
			{do("team", "write"), reasonAllow}, {do("team", "open"), reasonAllow}, {do("team", "all"), reasonAllow}, {do("team", "list"), reasonAllow}, {do("team", "own"), reasonAllow}, {do("team", "other"), reasonNone}}},
		{"team with an explicit role", []string{tokens, roles + `, "bindings": [{"roles": ["r"], "members": ["group/team"]}]`}, []asked{{do("team", "read"), reasonAllow}, {do("team", "list"), reasonNone}}},
		{"personal", []string{tokens, roles + `, "groups": {"g": {"members": ["pulumi/alice"]}}, "entities": {"pulumi/alice": {"properties": {"level": "senior", "age": 7}}, "token/mine": {"properties": {"age": 8}}},
				"bindings": [{"actions": ["write"], "resources": ["*"], "members": ["pulumi/alice"]}, {"actions": ["open"], "resources": ["*"], "members": ["group/g"]}, {"actions": ["all"], "resources": ["*"], "members": ["*"]},
				{"actions": ["senior"], "resources": ["*"], "members": ["*"], "condition": {"StringEquals": {"subject.level": "senior"}, "NumericEquals": {"subject.age": 8}}},
				{"effect": "Deny", "actions": ["write"], "resources": ["s:no"], "members": ["token/mine"]}]`}, []asked{
			{do("mine", "write"), reasonAllow}, {do("mine", "open"), reasonAllow}, {do("mine", "all"), reasonAllow}, {do("mine", "list"), reasonAllow}, {do("mine", "senior"), reasonAllow}, {ask("token/mine", "write", "s:no"), reasonDeny}, {do("mine", "none"), reasonNone}}},
		{"personal, of a user with an explicit role", []string{tokens, roles + `, "bindings": [{"roles": ["r"], "members": ["pulumi/alice"]}]`}, []asked{{do("mine", "read"), reasonAllow}, {do("mine", "list"), reasonNone}}},
		{"expiry, unknown, with other things", []string{tokens, roles}, []asked{
			{do("old", "open", "now 1799999999"), reasonAllow}, {do("old", "open", expiry), anonymous}, {do("old", "open", expiry, "aws:CurrentTime=2020-01-01", "aws:EpochTime=0"), anonymous},
			{do("oldmine", "list", "now 1799999999"), reasonAllow}, {do("oldmine", "list", expiry), anonymous}, {do("nope", "open"), anonymous}, {do("Org", "open"), anonymous},
			{ask("token/org pulumi/a", "open", "s:a"), anonymous}, {ask("token/org +g", "open", "s:a"), anonymous}, {ask("pulumi/a token/org", "list", "s:a"), anonymous}, {do("org", "open", "claim a=b"), anonymous}}},
	} {
		c.run(t)
	}
}

// TestTokensElsewhere: a token in organization and bucket policies, where only
// `*` names it, and nobody's token, which is anonymous there too.
func TestTokensElsewhere(t *testing.T) {
	d := acme(t, `"tokens": {"t": {"type": "personal", "user": "pulumi/alice"}, "old": {"type": "organization", "roles": ["iam-viewer"], "expires": "2020-01-01T00:00:00Z"}}`)
	d.Organizations["acme"].Policies = organization("acme", allow("s3:GetObject s3:ListAllMyBuckets", "*"), allow("s3:PutObject", "*", exact("pulumi/alice"))).Policies
	d.Buckets = map[string]*policy.DirectoryBucket{"b": {Owner: "acme"}}
	for _, c := range []struct {
		id, action, resource string
		want                 policy.Reason
	}{
		{"token/t", "s3:GetObject", "b/k", policy.Allowed}, {"token/t", "s3:PutObject", "b/k", policy.OrganizationNoMatch}, {"pulumi/alice", "s3:PutObject", "b/k", policy.Allowed},
		{"token/t", "s3:ListAllMyBuckets", "*", policy.Allowed}, {"token/old", "s3:GetObject", "b/k", policy.Anonymous}, {"token/no", "s3:GetObject", "b/k", policy.Anonymous},
	} {
		if got := New(d).Evaluate(by(request(c.action, c.resource), "acme", c.id)).Decision.Reason; got != c.want {
			t.Errorf("%s %s: %s, want %s", c.id, c.action, got, c.want)
		}
	}
	d.Organizations["acme"].IAMUnavailable, d.Organizations["acme"].Access = true, nil
	if got := New(d).Evaluate(by(request("s3:GetObject", "b/k"), "acme", "token/t")).Decision.Reason; got != policy.Anonymous {
		t.Errorf("a token while iam/ is unknown: %s", got)
	}
}

// TestIssuers is the row `issuers`.
func TestIssuers(t *testing.T) {
	document := reader + `, "defaults": {"memberRoles": ["member"]}, "issuers": {"i": {"url": "https://i", "rules": [
		{"effect": "Allow", "roles": ["reader"], "claims": {"aud": "urn:acme", "sub": "repo:acme/?:*"}},
		{"effect": "Allow", "roles": ["reader", "reader"], "claims": {"sub": "repo:acme/a:same"}},
		{"effect": "Allow", "roles": ["other"], "claims": {"x.y": "1"}},
		{"effect": "Deny", "claims": {"sub": "*:sandbox"}}]}},
		"roles": {"reader": {"rules": [{"actions": ["stack:read"], "resources": ["stack:*"]}]}, "member": {"rules": [{"actions": ["list"], "resources": ["*"]}]}, "other": {"rules": [{"actions": ["other"], "resources": ["*"]}]}}`
	document = strings.TrimPrefix(document, reader+", ")
	bindings := `"bindings": [{"actions": ["all"], "resources": ["*"], "members": ["*"]}, {"actions": ["mine"], "resources": ["*"], "members": ["pulumi/a"]}, {"effect": "Deny", "actions": ["never"], "resources": ["*"], "members": ["*"]}]`
	with := func(action string, claims ...string) *policy.Request {
		return ask("pulumi/a", action, "stack:a", claims...)
	}
	iss, aud, sub := "claim iss=https://i", "claim aud=x,urn:acme", "claim sub=repo:acme/a:main"
	row{"issuers", []string{document, bindings}, []asked{
		{with("stack:read", iss, aud, sub), reasonAllow},
		{with("all", iss, aud, sub), reasonAllow}, {with("mine", iss, aud, sub), reasonAllow},
		{with("list", iss, aud, sub), reasonNone}, // never the defaults
		{with("list", "claim iss=https://j"), reasonAllow}, {with("list"), reasonAllow}, {with("list", "claim iss=https://i,https://j"), reasonNone}, {with("all", "claim iss=https://j,https://k"), reasonNone}, {with("list", aud), reasonAllow},
		{with("stack:read", "claim iss=https://i/", aud, sub), reasonNone},
		{with("stack:read", iss, sub), reasonNone}, {with("stack:read", iss, "claim aud=x", sub), reasonNone}, {with("stack:read", iss, "claim aud=", sub), reasonNone}, {with("stack:read", iss, "claim Aud=urn:acme", sub), reasonNone},
		{with("stack:read", iss, aud, "claim sub=repo:acme/ab:main"), reasonNone}, {with("stack:read", iss, aud, "claim sub=repo:acme/a:same"), reasonAllow},
		{with("stack:read", iss, aud, "claim sub=repo:acme/a:sandbox"), reasonNone}, {with("all", iss, aud, "claim sub=repo:acme/a:sandbox"), reasonNone}, {with("mine", iss, aud, "claim sub=repo:acme/a:sandbox"), reasonNone},
		{with("all", iss), reasonNone}, {with("never", iss), reasonDeny},
		{with("other", iss, "claim x.y=1"), reasonAllow}, {with("other", iss, aud, sub, "claim x.y=1"), reasonNone}, {with("stack:read", iss, aud, sub, "claim x.y=1"), reasonNone},
	}}.run(t)

	// A claim that is no scalar and no list of scalars matches nothing.
	r := with("stack:read", iss, aud, sub)
	r.Principal.Claims[1] = policy.Attribute{Key: "aud", Unreadable: true}
	if got := New(acme(t, document)).Evaluate(r).Decision.Reason; got != reasonNone {
		t.Errorf("an object as a claim: %s", got)
	}
}

// TestBuiltIn: what stands ready, and what has to be asked for.
func TestBuiltIn(t *testing.T) {
	bindings := `"bindings": [{"roles": ["iam-viewer"], "members": ["pulumi/v"]}, {"roles": ["object-storage-admin"], "members": ["pulumi/o"]}]`
	whole := func(caller, action string) *policy.Request { return ask(caller, action, "organization:*") }
	row{"roles", []string{bindings}, []asked{{whole("pulumi/v", "iam:ListUsers"), reasonAllow}, {whole("pulumi/v", "iam:CreateUser"), reasonNone}, {whole("pulumi/v +admin", "iam:CreateUser"), reasonNone}}}.run(t)
	row{"legacy groups", []string{bindings, `"metadata": {"name": "m", "legacyGroups": true}`}, []asked{
		{whole("x/y +admin", "iam:CreateUser"), reasonAllow}, {whole("x/y +admin", "access-request:ApproveRequest"), reasonAllow}, {whole("x/y +admin", "billing:GetInvoice"), reasonNone},
		{whole("x/y +write", "cks:CreateCluster"), reasonAllow}, {whole("x/y +write", "token:Revoke"), reasonAllow}, {whole("x/y +write", "iam:ListUsers"), reasonNone},
		{whole("x/y +read", "iam:ListUsers"), reasonAllow}, {whole("x/y +read", "cks:GetCluster"), reasonAllow}, {whole("x/y +read", "cks:CreateCluster"), reasonNone},
		{whole("x/y +metrics", "observability:GetDashboard"), reasonAllow}, {whole("x/y +billing_viewer", "billing:GetInvoice"), reasonAllow}, {whole("x/y +billing_viewer", "observability:GetDashboard"), reasonNone}}}.run(t)
}

// TestControlPlane: cwobject: actions, joined by the iam layer (1.3, 1.8), with
// vectors 11 and 12 of 1.9.
func TestControlPlane(t *testing.T) {
	iamDocument := `"roles": {"open": {"rules": [{"actions": ["cwobject:Open"], "resources": ["organization:acme"], "constraints": {"maxOpenSeconds": 60}}]}}, "bindings": [{"id": "o", "roles": ["object-storage-admin"], "members": ["pulumi/o"]}, {"id": "d", "effect": "Deny", "actions": ["cwobject:Revoke*"], "resources": ["*"], "members": ["*"]},
		{"id": "open", "roles": ["open"], "members": ["pulumi/open"]}, {"actions": ["s3:*"], "resources": ["*"], "members": ["pulumi/o"]}]`
	unnamed := `"bindings": [{"roles": ["iam-viewer"], "members": ["pulumi/v"]}]`
	org, iamLayer := policy.LayerOrganization, policy.LayerIAM
	no, yes, never := policy.ImplicitDeny, policy.Allow, policy.ExplicitDeny
	for _, c := range []struct {
		name      string
		statement []policy.Statement
		document  string
		caller    string
		action    string
		reason    policy.Reason
		layer     policy.Layer
		open      uint64
		steps     []policy.Outcome // organization, then iam
	}{
		{"vector 11", nil, iamDocument, "pulumi/o", "cwobject:EnsureAccessPolicy", policy.Allowed, iamLayer, 0, []policy.Outcome{no, yes}},
		{"vector 12", nil, iamDocument, "pulumi/o", "s3:GetObject", policy.NoOrganizationPolicy, org, 0, []policy.Outcome{no}},
		{"s3 is never granted", []policy.Statement{allow("cwobject:*", "*")}, iamDocument, "pulumi/o", "s3:GetObject", policy.OrganizationNoMatch, org, 0, []policy.Outcome{no}},
		{"both allow", []policy.Statement{allow("*", "*")}, iamDocument, "pulumi/o", "cwobject:X", policy.Allowed, org, 0, []policy.Outcome{yes, yes}},
		{"the organization allows", []policy.Statement{allow("*", "*")}, unnamed, "pulumi/o", "cwobject:X", policy.Allowed, org, 0, []policy.Outcome{yes, no}},
		{"no iam document", []policy.Statement{allow("*", "*")}, "", "pulumi/o", "cwobject:X", policy.Allowed, org, 0, []policy.Outcome{yes}},
		{"organization Deny", []policy.Statement{deny("*", "*")}, iamDocument, "pulumi/o", "cwobject:RevokeAccessKeyByAccessKey", policy.OrganizationDeny, org, 0, []policy.Outcome{never}},
		{"iam Deny", []policy.Statement{allow("*", "*")}, iamDocument, "pulumi/o", "cwobject:RevokeAccessKeyByAccessKey", policy.IAMDeny, iamLayer, 0, []policy.Outcome{yes, never}},
		{"iam Deny before no policy", nil, iamDocument, "x/y", "cwobject:RevokeX", policy.IAMDeny, iamLayer, 0, []policy.Outcome{no, never}},
		{"no policy", nil, unnamed, "x/y", "cwobject:X", policy.NoOrganizationPolicy, org, 0, []policy.Outcome{no, no}},
		{"no policy: * and the defaults name nobody", nil, iamDocument + `, "defaults": {"memberRoles": ["open"]}`, "x/y", "cwobject:X", policy.NoOrganizationPolicy, org, 0, []policy.Outcome{no, no}},
		{"a Deny names, too", nil, `"groups": {"g": {"members": ["x/*"]}}, "bindings": [{"effect": "Deny", "roles": ["iam-viewer"], "members": ["group/g"]}]`, "x/y", "cwobject:X", policy.OrganizationNoMatch, org, 0, []policy.Outcome{no, no}},
		{"a legacy group's binding names", nil, `"metadata": {"legacyGroups": true}, "groups": {"metrics": {"members": ["x/y"]}}`, "x/y", "cwobject:X", policy.OrganizationNoMatch, org, 0, []policy.Outcome{no, no}},
		{"a legacy group that is not bound does not", nil, `"groups": {"metrics": {"members": ["x/y"]}}`, "x/y", "cwobject:X", policy.NoOrganizationPolicy, org, 0, []policy.Outcome{no, no}},
		{"an organization token's roles name it", nil, `"tokens": {"t": {"type": "organization", "roles": ["iam-viewer"]}}`, "token/t", "cwobject:X", policy.OrganizationNoMatch, org, 0, []policy.Outcome{no, no}},
		{"no organization policy, an iam statement that names the caller", nil, unnamed, "pulumi/v", "cwobject:X", policy.OrganizationNoMatch, org, 0, []policy.Outcome{no, no}},
		{"nothing matches", []policy.Statement{allow("s3:*", "*")}, unnamed, "x/y", "cwobject:X", policy.OrganizationNoMatch, org, 0, []policy.Outcome{no, no}},
		{"a constraint", []policy.Statement{allow("s3:*", "*")}, iamDocument, "pulumi/open", "cwobject:Open", policy.Allowed, iamLayer, 60, []policy.Outcome{no, yes}},
		{"a constraint, lifted", []policy.Statement{allow("*", "*")}, iamDocument, "pulumi/open", "cwobject:Open", policy.Allowed, org, 0, []policy.Outcome{yes, yes}},
	} {
		d := acme(t)
		if c.document != "" {
			d = acme(t, c.document)
		}
		d.Organizations["acme"].Policies = organization("acme", c.statement...).Policies
		d.Buckets = map[string]*policy.DirectoryBucket{"b": {Owner: "acme"}}
		resource := "*"
		if strings.HasPrefix(c.action, "s3:") {
			resource = "b/k"
		}
		got := New(d).Evaluate(by(request(c.action, resource), "acme", c.caller))
		want := policy.Decision{Outcome: c.reason.Outcome(), Reason: c.reason, Layer: c.layer, MaxOpenSeconds: c.open}
		if got.Decision != want {
			t.Errorf("%s: got %s, want %s", c.name, show(got.Decision), show(want))
		}
		var steps []policy.Outcome
		for i, s := range got.Steps {
			steps = append(steps, s.Outcome)
			if layer := []policy.Layer{org, iamLayer}[i]; s.Layer != layer || s.Org != "acme" {
				t.Errorf("%s: step %+v", c.name, s)
			}
		}
		if !reflect.DeepEqual(steps, c.steps) {
			t.Errorf("%s: steps %v, want %v", c.name, steps, c.steps)
		}
	}
}
