package reference

import (
	"strings"
	"testing"

	"postern/policy"
)

// short expands a shorthand for Pulumi's JSON: Condition{...} is
// {"__type": "PermissionDescriptorCondition", ...}, =Equal{...} an expression,
// #String{...} a literal.
func short(text string) string {
	for _, word := range []string{"Allow", "Group", "Compose", "Condition", "IfThenElse", "Select"} {
		text = strings.ReplaceAll(text, " "+word+"{", ` {"__type": "PermissionDescriptor`+word+`", `)
	}
	for _, word := range []string{"And", "Or", "Not", "Equal", "HasTag", "Tag"} {
		text = strings.ReplaceAll(text, "="+word+"{", `{"__type": "PermissionExpression`+word+`", `)
	}
	for _, word := range []string{"Stack", "Environment", "InsightsAccount", "Team"} {
		text = strings.ReplaceAll(text, "="+word, `{"__type": "PermissionExpression`+word+`"}`)
		text = strings.ReplaceAll(text, "#"+word+"{", `{"__type": "PermissionLiteralExpression`+word+`", `)
	}
	for _, word := range []string{"String", "Bool", "Number"} {
		text = strings.ReplaceAll(text, "#"+word+"{", `{"__type": "PermissionLiteralExpression`+word+`", `)
	}
	return text
}

const (
	hasTag   = `=HasTag{"context": =Stack, "key": "t"}`
	isDev    = `=Equal{"left": =Tag{"context": =Stack, "key": "env"}, "right": #String{"value": "dev"}}`
	isS1     = `=Equal{"left": =Stack, "right": #Stack{"identity": "s1"}}`
	isE1     = `=Equal{"left": =Environment, "right": #Environment{"identity": "e1"}}`
	envIsDev = `=Equal{"left": =Tag{"context": =Environment, "key": "env"}, "right": #String{"value": "dev"}}`
)

func not(e string) string          { return `=Not{"node": ` + e + "}" }
func and(l, r string) string       { return `=And{"left": ` + l + `, "right": ` + r + "}" }
func or(l, r string) string        { return `=Or{"left": ` + l + `, "right": ` + r + "}" }
func equal(l, r string) string     { return `=Equal{"left": ` + l + `, "right": ` + r + "}" }
func text(v string) string         { return `#String{"value": "` + v + `"}` }
func boolean(v string) string      { return `#Bool{"value": ` + v + "}" }
func tagOf(key string) string      { return `=Tag{"context": =Stack, "key": "` + key + `"}` }
func condition(e string) string    { return ` Condition{"condition": ` + e + `, "subNode": ` + read + "}" }
func record(details string) string { return `[{"id": "r", "name": "R", "details":` + details + "}]" }

const (
	read  = ` Allow{"permissions": ["stack:read"]}`
	write = ` Allow{"permissions": ["stack:write"], "constraints": {"MaxOpenDuration": 60}}`
)

// TestExpressions: an expression as the condition of a record, by what the
// request says; in an Allow and, bound by a Deny, there.
func TestExpressions(t *testing.T) {
	stack := func(further ...string) *policy.Request { return ask("x/y", "stack:read", "stack:a", further...) }
	env := func(further ...string) *policy.Request { return ask("x/y", "stack:read", "environment:a", further...) }
	for _, c := range []struct {
		expression string
		request    *policy.Request
		allow      bool
		deny       bool
	}{
		{isDev, stack("tags env=dev"), true, true}, {isDev, stack("tags env=Dev"), false, false}, {isDev, stack("tags t=dev"), false, false}, {isDev, stack(), false, true}, {isDev, env("tags env=dev"), false, false},
		{not(isDev), stack("tags env=dev"), false, false}, {not(isDev), stack("tags env=prod"), true, true}, {not(isDev), stack("tags"), true, true}, {not(isDev), stack(), false, true}, {not(isDev), env("tags"), false, false},
		{hasTag, stack("tags t="), true, true}, {hasTag, stack("tags"), false, false}, {hasTag, stack(), false, true}, {hasTag, env("tags t=1"), false, false},
		{not(hasTag), stack("tags t="), false, false}, {not(hasTag), stack("tags"), true, true}, {not(hasTag), stack(), false, true}, {not(hasTag), env("tags"), false, false},
		{not(not(hasTag)), stack("tags t=1"), true, true}, {not(not(hasTag)), env("tags t=1"), false, false},
		{isS1, stack("uid s1"), true, true}, {isS1, stack("uid s2"), false, false}, {isS1, stack(), false, true}, {isS1, env("uid s1"), false, false},
		{not(isS1), stack("uid s1"), false, false}, {not(isS1), stack("uid s2"), true, true}, {not(isS1), stack(), false, true}, {not(isS1), env("uid s1"), false, false},
		{or(isS1, isE1), stack("uid s1"), true, true}, {or(isS1, isE1), env("uid e1"), true, true}, {or(isS1, isE1), env("uid s1"), false, false},
		{and(isS1, not(isE1)), stack("uid s1"), false, false}, {not(or(isE1, isS1)), stack("uid s2"), false, false}, {not(and(isE1, isS1)), stack("uid s2"), true, true},
		{and(isDev, hasTag), stack("tags env=dev t=1"), true, true}, {and(isDev, hasTag), stack("tags env=dev"), false, false}, {and(isDev, isS1), stack("tags env=dev"), false, true}, {and(isDev, isS1), stack("tags env=x"), false, false},
		{or(isDev, isS1), stack("uid s1"), true, true}, {or(isDev, isS1), stack("uid s2"), false, true}, {not(and(isDev, isS1)), stack("uid s2"), true, true},
		{or(isDev, envIsDev), env("tags env=dev"), true, true}, {or(isDev, envIsDev), ask("x/y", "stack:read", "team:a", "tags env=dev"), false, false},
		{not(or(isDev, hasTag)), stack("tags"), true, true}, {not(or(isDev, hasTag)), stack("tags t=1"), false, false}, {not(or(isDev, hasTag)), stack("tags env=dev"), false, false}, {not(or(isDev, isS1)), stack("tags"), false, true},
		// The tag on the right.
		{equal(text("dev"), tagOf("env")), stack("tags env=dev"), true, true}, {equal(text("dev"), tagOf("env")), stack(), false, true}, {equal(text("dev"), tagOf("env")), env("tags env=dev"), false, false},
		{not(equal(text("dev"), tagOf("env"))), stack("tags env=x"), true, true}, {not(equal(text("dev"), tagOf("env"))), stack(), false, true}, {not(equal(text("dev"), tagOf("env"))), env("tags env=x"), false, false},
		{not(equal(text("dev"), tagOf("env"))), stack("tags"), true, true}, {not(equal(text(""), tagOf("env"))), stack("tags"), true, true},
		// Equals of other kinds.
		{equal(tagOf("a"), tagOf("b")), stack("tags a=1 b=1"), true, true}, {equal(tagOf("a"), tagOf("b")), stack("tags a=1 b=2"), false, false}, {equal(tagOf("a"), tagOf("b")), stack("tags"), false, false}, {not(equal(tagOf("a"), tagOf("b"))), stack("tags"), true, true},
		{equal(text("a"), text("a")), env(), true, true}, {not(equal(text("a"), text("b"))), env(), true, true}, {equal(text("a"), text("b")), env(), false, false},
		{equal(`#Number{"value": 1}`, `#Number{"value": 1.0}`), env(), true, true}, {equal(`#Number{"value": 1}`, `#Number{"value": 2}`), env(), false, false},
		{equal(`#Number{"value": 1}`, text("1")), env(), false, false}, {not(equal(`#Number{"value": 1}`, text("1"))), env(), false, false}, {not(equal(tagOf("a"), boolean("true"))), stack("tags a=true"), false, false},
		{equal(`#Stack{"identity": "s1"}`, `#Stack{"identity": "s1"}`), stack(), true, true}, {equal(`#Stack{"identity": "s1"}`, `#Stack{"identity": "s1"}`), env(), false, false}, {not(equal("=Stack", `#Environment{"identity": "s1"}`)), stack("uid s1"), false, false},
		{equal(hasTag, boolean("false")), stack("tags"), true, true}, {equal(hasTag, boolean("false")), stack("tags t=1"), false, false}, {equal(hasTag, boolean("false")), env("tags"), false, false}, {equal(hasTag, boolean("false")), stack(), false, true},
		{equal(hasTag, isDev), stack("tags t=1 env=dev"), true, true}, {equal(hasTag, isDev), stack("tags"), true, true}, {equal(hasTag, isDev), stack("tags t=1"), false, false}, {not(equal(hasTag, isDev)), stack("tags t=1"), true, true}, {not(equal(hasTag, isDev)), stack("tags"), false, false},
		{and(boolean("true"), hasTag), stack("tags t=1"), true, true}, {or(boolean("false"), hasTag), stack("tags"), false, false}, {not(boolean("false")), env(), true, true},
		{`=HasTag{"context": =Team, "key": "t"}`, ask("x/y", "stack:read", "team:a", "tags t=1"), true, true}, {`=HasTag{"context": =InsightsAccount, "key": "t"}`, ask("x/y", "stack:read", "insights-account:a", "tags t=1"), true, true},
	} {
		// A record has to have a condition that is no Bool.
		details := record(condition(and(c.expression, and(boolean("true"), boolean("true")))))
		for effect, want := range map[string]policy.Reason{"Allow": reasonAllow, "Deny": reasonDeny} {
			holds := c.allow
			if effect == "Deny" {
				holds = c.deny
			}
			if !holds {
				want = reasonNone
			}
			d := acme(t, short(details), `"bindings": [{"effect": "`+effect+`", "roles": ["r"], "members": ["*"]}]`)
			if got := New(d).Evaluate(c.request).Decision.Reason; got != want {
				t.Errorf("%s %s on %s, tags %v, uid %q: %s, want %s", effect, c.expression, c.request.Resource.Type, c.request.Resource.Tags, c.request.Resource.UID, got, want)
			}
		}
	}
}

// TestRecords: the nodes, how records are named and composed, and their
// resource type.
func TestRecords(t *testing.T) {
	ask := func(action, resource string, further ...string) *policy.Request {
		return ask("x/y", "stack:"+action, resource, further...)
	}
	bound := `"bindings": [{"id": "b", "roles": ["r"], "members": ["*"]}]`
	branches := `"subNodeForTrue":` + read + `, "subNodeForFalse":` + write
	selectEnv := ` Select{"selector": ` + tagOf("env") + `, "options": [{"value": ` + text("dev") + `, "node":` + write + `}, {"value": ` + text("prod") + `, "node":` + read + `}, {"value": #Number{"value": 1}, "node":` + read + `}]}`
	for _, c := range []row{
		{"Allow", []string{short(record(read)), bound}, []asked{{ask("read", "stack:a"), reasonAllow}, {ask("READ", "environment:a"), reasonAllow}, {ask("write", "stack:a"), reasonNone}, {ask("rea", "stack:a"), reasonNone}}},
		{"no permission", []string{short(record(` Allow{"permissions": []}`)), bound}, []asked{{ask("read", "stack:a"), reasonNone}}},
		{"Group", []string{short(record(` Group{"entries": [` + read + `, ` + condition(hasTag) + `,` + write + `]}`)), bound}, []asked{{ask("read", "stack:a"), reasonAllow}, {ask("write", "stack:a"), reasonAllow}, {ask("open", "stack:a"), reasonNone}}},
		{"Compose", []string{short(`[{"id": "r", "details": Compose{"permissionDescriptors": ["p", "q"]}}, {"id": "p", "details": Compose{"permissionDescriptors": ["q"]}}]`),
			short(`[{"id": "q", "resourceType": "stack", "details":` + read + `}]`), bound},
			[]asked{{ask("read", "stack:a"), reasonAllow}, {ask("read", "environment:a"), reasonNone}, {ask("write", "stack:a"), reasonNone}}},
		{"the composing record's type holds too", []string{short(`[{"id": "r", "resourceType": "environment", "details": Compose{"permissionDescriptors": ["q"]}}, {"id": "q", "details":` + read + `}]`), bound},
			[]asked{{ask("read", "environment:a"), reasonAllow}, {ask("read", "stack:a"), reasonNone}}},
		{"IfThenElse", []string{short(record(` IfThenElse{"condition": ` + hasTag + `, ` + branches + `}`)), bound}, []asked{
			{ask("read", "stack:a", "tags t=1"), reasonAllow}, {ask("write", "stack:a", "tags t=1"), reasonNone}, {ask("read", "stack:a", "tags"), reasonNone}, {ask("write", "stack:a", "tags"), reasonAllow},
			{ask("read", "environment:a", "tags t=1"), reasonNone}, {ask("write", "environment:a", "tags"), reasonNone}, {ask("read", "stack:a"), reasonNone}, {ask("write", "stack:a"), reasonNone}}},
		{"IfThenElse, denied", []string{short(record(` IfThenElse{"condition": ` + hasTag + `, ` + branches + `}`)), `"bindings": [{"effect": "Deny", "roles": ["r"], "members": ["*"]}]`}, []asked{
			{ask("read", "stack:a"), reasonDeny}, {ask("write", "stack:a"), reasonDeny}, {ask("write", "stack:a", "tags t=1"), reasonNone}, {ask("write", "environment:a", "tags"), reasonNone}}},
		{"Select", []string{short(record(selectEnv)), bound}, []asked{
			{ask("write", "stack:a", "tags env=dev"), reasonAllow}, {ask("read", "stack:a", "tags env=dev"), reasonNone}, {ask("read", "stack:a", "tags env=prod"), reasonAllow}, {ask("read", "stack:a", "tags env=1"), reasonNone},
			{ask("read", "stack:a", "tags"), reasonNone}, {ask("write", "stack:a"), reasonNone}, {ask("write", "environment:a", "tags env=dev"), reasonNone}}},
		{"named by name", []string{short(record(read)), `"bindings": [{"roles": ["R"], "members": ["*"]}]`}, []asked{{ask("read", "stack:a"), reasonAllow}}},
		{"narrowed by the binding", []string{short(record(read)), `"bindings": [{"roles": ["r"], "members": ["*"], "resources": ["stack:a"]}]`}, []asked{{ask("read", "stack:a"), reasonAllow}, {ask("read", "stack:b"), reasonNone}}},
		{"isOrgDefault", []string{strings.Replace(short(record(read)), `"id"`, `"isOrgDefault": true, "id"`, 1), `"defaults": {"memberRoles": ["iam-viewer"]}`}, []asked{{ask("read", "stack:a"), reasonAllow}}},
		{"isOrgDefault is a default", []string{strings.Replace(short(record(read)), `"id"`, `"isOrgDefault": true, "id"`, 1), `"bindings": [{"roles": ["iam-viewer"], "members": ["x/*"]}]`}, []asked{{ask("read", "stack:a"), reasonNone}}},
		{"of a token", []string{short(record(read)), `"tokens": {"t": {"type": "organization", "roles": ["r"]}}`}, []asked{{func() *policy.Request { r := ask("read", "stack:a"); r.Principal.IDs[0] = "token/t"; return r }(), reasonAllow}}},
	} {
		c.run(t)
	}

	d := acme(t, short(record(write)), bound)
	if got := New(d).Evaluate(ask("write", "stack:a")).Decision.MaxOpenSeconds; got != 60 {
		t.Errorf("MaxOpenDuration 60 became %d", got)
	}
	// A name that two records have names neither, and one that is an id names
	// that record.
	d = acme(t, short(`[{"id": "r", "name": "S", "details":`+read+`}, {"id": "s", "name": "r", "details":`+write+`}, {"id": "u", "name": "S", "details":`+write+`}]`), bound,
		`"bindings": [{"roles": ["S"], "members": ["*"]}]`)
	if got := New(d).Evaluate(ask("write", "stack:a")).Decision.Reason; got != reasonNone {
		t.Errorf("write by an ambiguous name: %s", got)
	}
	if got := New(d).Evaluate(ask("read", "stack:a")).Decision.Reason; got != reasonAllow {
		t.Errorf("read by an id that is a name, too: %s", got)
	}
}
