package reference

import (
	"fmt"
	"strings"
	"testing"

	"postern/policy"
)

// decides returns whether a condition on key `k` holds in a statement of the
// given effect, as the answer to a whole request tells.
func decides(effect policy.Effect, c policy.Condition, r *policy.Request) bool {
	return decidesIn(bucket().Policy, effect, c, r)
}

func decidesIn(document *policy.Document, effect policy.Effect, c policy.Condition, r *policy.Request) bool {
	s := statement(effect, "*", "*")
	s.Conditions = []policy.Condition{c}
	b := bucket(s)
	if effect == policy.EffectDeny {
		b = bucket(allow("*", "*"), s)
	}
	if document != nil {
		b.Policy.Variables = document.Variables
	}
	e := New(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"o1": organization("o1", allow("s3:*", "*"))},
		Buckets:       map[string]*policy.DirectoryBucket{"b": b},
	})
	reason := e.Evaluate(r).Decision.Reason
	switch {
	case effect == policy.EffectAllow && reason == policy.Allowed, effect == policy.EffectDeny && reason == policy.BucketDeny:
		return true
	case effect == policy.EffectAllow && reason == policy.BucketNoMatch, effect == policy.EffectDeny && reason == policy.Allowed:
		return false
	}
	panic("unexpected reason " + reason.String())
}

// example gives, for a test, a policy value, values of a request that match it
// (under the test without its negation) and that don't, and one that is
// unreadable, if there is one.
type example struct {
	policy, match, match2, other, other2 string
	unreadable                           string // "" if every text is readable
	emptyReadable                        bool
}

var examples = map[policy.Test]example{
	policy.StringEquals:              {"a*", "a*", "a*", "ab", "A*", "", true},
	policy.StringNotEquals:           {"a*", "a*", "a*", "ab", "A*", "", true},
	policy.StringEqualsIgnoreCase:    {"aK", "Ak", "AK", "a\u212a", "b", "", true}, // U+212A, the Kelvin sign, is no K
	policy.StringNotEqualsIgnoreCase: {"aK", "Ak", "AK", "a\u212a", "b", "", true},
	policy.StringLike:                {"a*", "a", "ab/c", "b", "A", "", true},
	policy.StringNotLike:             {"a*", "a", "ab/c", "b", "A", "", true},
	policy.NumericEquals:             {"10", "1e1", "10.0", "9", "11", "0x0a", false},
	policy.NumericNotEquals:          {"10", "1e1", "10.0", "9", "11", "NaN", false},
	policy.NumericLessThan:           {"10", "9.9", "-1", "10", "11", "1e999", false},
	policy.NumericLessThanEquals:     {"10", "10", "-1", "10.1", "11", "+1", false},
	policy.NumericGreaterThan:        {"10", "11", "1E9", "10", "9", "1_0", false},
	policy.NumericGreaterThanEquals:  {"10", "10", "1E9", "9.999", "-11", "010", false},
	policy.DateEquals:                {"2026-01-02T00:00:00Z", "2026-01-02", "1767312000", "2026-01-01", "2026-01-03", "2026-02-30", false},
	policy.DateNotEquals:             {"2026-01-02T00:00:00Z", "2026-01-02", "1767312000", "2026-01-01", "2026-01-03", "2026-1-2", false},
	policy.DateLessThan:              {"2026-01-02", "2026-01-01", "0", "2026-01-02", "2026-01-03", "2026-01-02T00:00:00z", false},
	policy.DateLessThanEquals:        {"2026-01-02", "2026-01-02", "0", "2026-01-02T00:00:00.000000001Z", "2027-01-03", "2026-01-02T00:00:60Z", false},
	policy.DateGreaterThan:           {"2026-01-02", "2026-01-02T00:00:00.000000001Z", "2027-01-01", "2026-01-02", "0", "2026-01-02T00:00:00", false},
	policy.DateGreaterThanEquals:     {"2026-01-02", "2026-01-02", "2027-01-01", "2026-01-01T23:59:59.999999999Z", "0", "2026-01-02T24:00Z", false},
	policy.Bool:                      {"true", "TRUE", "true", "false", "False", "yes", false},
	policy.BinaryEquals:              {"YQ==", "YQ==", "YQ==", "Yg==", "YWE=", "YQ", true},
	policy.IPAddress:                 {"10.0.0.0/8", "10.1.2.3", "::ffff:10.0.0.1", "11.0.0.1", "::1", "10.1.2.3:80", false},
	policy.NotIPAddress:              {"10.0.0.0/8", "10.1.2.3", "::ffff:10.0.0.1", "11.0.0.1", "::1", "10.1.2.0/24", false},
	policy.ArnEquals:                 {"arn:*:s3:::b?/*", "arn:aws:s3:::b1/x:y", "arn:aws:s3:::b2/", "arn:aws:s3:::b1", "arn:a:b:s3:::b1/x", "arn:aws:s3::b", false},
	policy.ArnLike:                   {"arn:*:s3:::b?/*", "arn:aws:s3:::b1/x:y", "arn:aws:s3:::b2/", "arn:aws:s3:::b1", "arn:a:b:s3:::b1/x", "b", false},
	policy.ArnNotEquals:              {"arn:*:s3:::b?/*", "arn:aws:s3:::b1/x:y", "arn:aws:s3:::b2/", "arn:aws:s3:::b1", "arn:a:b:s3:::b1/x", "arn", false},
	policy.ArnNotLike:                {"arn:*:s3:::b?/*", "arn:aws:s3:::b1/x:y", "arn:aws:s3:::b2/", "arn:aws:s3:::b1", "arn:a:b:s3:::b1/x", "a:b:c:d:e", false},
}

// table is 1.7, Evaluation, by sign and qualifier. Its columns: absent; empty
// list; a lone empty string; one value that matches; one that does not; two
// that match; one of each; two that do not; an unreadable value; an unreadable
// value beside one that matches; beside one that does not; an object. U is
// what unreadable counts as. A lone empty string is `e` where it is a value
// that matches nothing, or unreadable.
var table = map[bool]map[string]string{
	false: {
		"":                    "F F e T F T T F U U U U",
		"IfExists":            "T T e T F T T F U U U U",
		"ForAllValues":        "T T T T F T F F U U U U",
		"ForAllValuesIfExist": "T T T T F T F F U U U U",
		"ForAnyValue":         "F F e T F T T F U U U U",
		"ForAnyValueIfExists": "F F e T F T T F U U U U",
	},
	true: {
		"":                    "T T e F T F F T U U U U",
		"IfExists":            "T T e F T F F T U U U U",
		"ForAllValues":        "T T T F T F F T U U U U",
		"ForAllValuesIfExist": "T T T F T F F T U U U U",
		"ForAnyValue":         "F F e F T F T T U U U U",
		"ForAnyValueIfExists": "F F e F T F T T U U U U",
	},
}

var qualifiers = map[string]policy.Operator{
	"":                    {},
	"IfExists":            {IfExists: true},
	"ForAllValues":        {Qualifier: policy.ForAllValues},
	"ForAllValuesIfExist": {Qualifier: policy.ForAllValues, IfExists: true},
	"ForAnyValue":         {Qualifier: policy.ForAnyValue},
	"ForAnyValueIfExists": {Qualifier: policy.ForAnyValue, IfExists: true},
}

// columns builds the requests of the table's columns; nil where the test reads
// every text.
func columns(x example) []*policy.Request {
	ask := func() *policy.Request { return request("s3:GetObject", "b/k") }
	object := ask()
	object.Context = []policy.Attribute{{Key: "k", Unreadable: true}}
	requests := []*policy.Request{
		ask(), with(ask(), "k"), with(ask(), "k", ""),
		with(ask(), "k", x.match), with(ask(), "k", x.other),
		with(ask(), "k", x.match, x.match2), with(ask(), "k", x.other, x.match), with(ask(), "k", x.other, x.other2),
		nil, nil, nil, object,
	}
	if x.unreadable != "" {
		requests[8] = with(ask(), "k", x.unreadable)
		requests[9] = with(ask(), "k", x.match, x.unreadable)
		requests[10] = with(ask(), "k", x.unreadable, x.other)
	}
	return requests
}

// TestConditionTable is the whole table of 1.7, Evaluation.
func TestConditionTable(t *testing.T) {
	cells := 0
	for _, test := range policy.Tests() {
		if test == policy.Null {
			continue
		}
		x, ok := examples[test]
		if !ok {
			t.Errorf("no example of %s", test)
			continue
		}
		for name, operator := range qualifiers {
			operator.Test = test
			row := strings.Fields(table[test.Negated()][name])
			for i, r := range columns(x) {
				if r == nil {
					continue
				}
				for _, effect := range []policy.Effect{policy.EffectAllow, policy.EffectDeny} {
					cell := row[i]
					if cell == "e" {
						cell = "U"
						if x.emptyReadable {
							cell = map[bool]string{false: "F", true: "T"}[test.Negated()]
						}
					}
					if cell == "U" {
						cell = map[policy.Effect]string{policy.EffectAllow: "F", policy.EffectDeny: "T"}[effect]
					}
					cells++
					got := decides(effect, policy.Condition{Operator: operator, Key: "K", Values: []string{x.policy}}, r)
					if got != (cell == "T") {
						t.Errorf("%s %s, column %d: %v, want %s", effect, operator, i+1, got, cell)
					}
				}
			}
		}
	}
	if cells < 26*6*9*2 {
		t.Errorf("only %d cells", cells)
	}
}

// TestNull: `"true"`: absent or an empty list; `"false"`: present; an object
// is unreadable.
func TestNull(t *testing.T) {
	requests := columns(example{match: "x", other: "y"})
	for _, c := range []struct {
		values []string
		allow  [12]bool
	}{
		{[]string{"true"}, [12]bool{0: true, 1: true}},
		{[]string{"FALSE"}, [12]bool{2: true, 3: true, 4: true, 5: true, 6: true, 7: true}},
		{[]string{"true", "false"}, [12]bool{0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true}},
	} {
		for i, r := range requests {
			if r == nil {
				continue
			}
			condition := policy.Condition{Operator: policy.Operator{Test: policy.Null}, Key: "k", Values: c.values}
			if got := decides(policy.EffectAllow, condition, r); got != c.allow[i] {
				t.Errorf("Allow, Null %q, column %d: %v", c.values, i+1, got)
			}
			if got := decides(policy.EffectDeny, condition, r); got != (c.allow[i] || i == 11) {
				t.Errorf("Deny, Null %q, column %d: %v", c.values, i+1, got)
			}
		}
	}
}

// TestConditionsCombine: operators AND, keys AND, values OR; and what is
// unreadable counts for its own operator and key only.
func TestConditionsCombine(t *testing.T) {
	both := func(effect policy.Effect) policy.Statement {
		return when(when(statement(effect, "*", "*"), "StringEquals", "a", "1", "2"), "NumericLessThan", "n", "5")
	}
	for _, c := range []struct {
		a, n        string
		allow, deny bool
	}{
		{"1", "4", true, true}, {"2", "4", true, true}, {"3", "4", false, false},
		{"1", "6", false, false}, {"1", "x", false, true}, {"3", "x", false, false},
	} {
		r := with(with(request("s3:GetObject", "b/k"), "A", c.a), "N", c.n)
		for _, effect := range []policy.Effect{policy.EffectAllow, policy.EffectDeny} {
			e := New(&policy.Directory{
				Organizations: map[string]*policy.DirectoryOrganization{"o1": organization("o1", allow("s3:*", "*"))},
				Buckets:       map[string]*policy.DirectoryBucket{"b": bucket(both(effect))},
			})
			reason := e.Evaluate(r).Decision.Reason
			if effect == policy.EffectAllow && (reason == policy.Allowed) != c.allow ||
				effect == policy.EffectDeny && (reason == policy.BucketDeny) != c.deny {
				t.Errorf("%s with a=%s n=%s: %s", effect, c.a, c.n, reason)
			}
		}
	}
}

// TestOperatorsReadText: a JSON number and the same text as a string are read
// alike.
func TestOperatorsReadText(t *testing.T) {
	for _, kind := range []policy.ValueKind{policy.ValueString, policy.ValueNumber} {
		r := request("s3:GetObject", "b/k")
		r.Context = []policy.Attribute{{Key: "k", Values: []policy.Value{{Kind: kind, Text: "10"}}}}
		for _, operator := range []string{"StringEquals", "NumericEquals", "DateGreaterThanEquals"} {
			o, _ := policy.ParseOperator(operator)
			if !decides(policy.EffectAllow, policy.Condition{Operator: o, Key: "k", Values: []string{"10"}}, r) {
				t.Errorf("%s of kind %d does not hold", operator, kind)
			}
		}
	}
}

// TestVariables: 1.7, Policy variables, in conditions.
func TestVariables(t *testing.T) {
	values := func(texts ...string) *policy.Request { return with(request("s3:GetObject", "b/k"), "v", texts...) }
	absent := request("s3:GetObject", "b/k")
	object := request("s3:GetObject", "b/k")
	object.Context = []policy.Attribute{{Key: "V", Unreadable: true}}
	for _, c := range []struct {
		operator, pattern, value string
		request                  *policy.Request
		want                     bool
	}{
		{"StringEquals", "x-${V}-y", "x-1-y", values("1"), true},
		{"StringEquals", "x-${v}-y", "x--y", values(""), true},
		{"StringEquals", "${v}", "", values(""), true},
		{"StringLike", "x-${v}-*", "x-*-y", values("*"), true},
		{"StringLike", "x-${v}-*", "x-1-y", values("*"), false},
		{"StringLike", "${v}", "a", values("?"), false},
		{"StringLike", "${v}", "${v}", values("${v}"), true},
		{"StringLike", "${v}", "${v}", values("x"), false},
		{"StringEqualsIgnoreCase", "A${v}", "ab", values("B"), true},
		{"StringEquals", "${v}", "a", values("a", "b"), false},
		{"StringEquals", "${v}", "a", absent, false},
		// Under a negated operator of an Allow a variable without a value fails.
		{"StringNotEquals", "${v}", "a", absent, false},
		{"StringNotEquals", "${v}", "a", values("a", "a"), false},
		{"StringNotEquals", "${v}", "a", values("b"), true},
		{"StringEquals", "${v, 'a'}", "a", absent, true},
		{"StringEquals", "${v, 'a'}", "a", values(), true},
		{"StringEquals", "${v, ''}", "", absent, true},
		{"StringEquals", "${v, 'a'}", "a", values("b"), false},
		{"StringEquals", "${v, 'a'}", "a", values("a", "b"), false},
		{"StringEquals", "${v, 'a'}", "a", object, false},
		{"StringNotEquals", "${v, 'a'}", "b", object, false},
		{"StringLike", "${v, '*'}", "x", absent, false},
		{"StringLike", "${v, '*'}", "*", absent, true},
		{"StringEquals", "${v, '${k'}", "${k", absent, true},
		{"StringLike", "a${*}", "ab", absent, false},
		{"StringLike", "a${*}${?}${$}{x}", "a*?${x}", absent, true},
		{"StringEquals", "a${*}", "a*", absent, true},
		{"StringEquals", "$", "$", absent, true},
		{"StringEquals", "${cw:PrincipalOrgID}/${AWS:resourceorgid}", "o1/o1", absent, true},
		{"StringEquals", "${aws:EpochTime}", "1800000000", absent, true},
		{"ArnLike", "arn:aws:iam::${v}:x/*", "arn:aws:iam::7:x/y", values("7"), true},
		{"ArnLike", "arn:aws:iam::${cw:PrincipalOrgID}:x/*", "arn:aws:iam::o1:x/y", absent, true},
		{"ArnLike", "arn:aws:${v}:x", "arn:aws:a:b:c:x", values("a:b:c"), false}, // 4 parts: the parser refuses it
		{"ArnLike", "arn:aws:s3::${v}:x", "arn:aws:s3::a:b:x", values("a:b"), false},
		{"ArnLike", "arn:aws:s3:::${v}", "arn:aws:s3:::a:b", values("a:b"), true},
		{"ArnNotLike", "arn:aws:s3:::${v}", "arn:aws:s3:::a", absent, false},
		{"ArnLike", "arn:aws:s3:::b:${v}:c", "arn:aws:s3:::b:1:c", values("1"), true},
		{"ArnLike", "arn:aws:s3:::b:*:c", "arn:aws:s3:::b:1:d", absent, false},
	} {
		o, _ := policy.ParseOperator(c.operator)
		r := *c.request
		got := decides(policy.EffectAllow, policy.Condition{Operator: o, Key: "value", Values: []string{c.pattern}}, with(&r, "value", c.value))
		if got != c.want {
			t.Errorf("%s %q of %q: %v, want %v", c.operator, c.pattern, c.value, got, c.want)
		}
	}

	// In version 2008-10-17 `${` is plain text.
	plain := &policy.Document{}
	o, _ := policy.ParseOperator("StringLike")
	for text, want := range map[string]bool{"${v}": true, "1": false} {
		got := decidesIn(plain, policy.EffectAllow, policy.Condition{Operator: o, Key: "value", Values: []string{"${v}"}}, with(values("1"), "value", text))
		if got != want {
			t.Errorf("2008-10-17: ${v} of %q: %v", text, got)
		}
	}
}

// TestVariablesInResources: a variable without a value makes its pattern match
// nothing; a Deny's NotResource excludes nothing by it, an Allow with it in
// NotResource is not satisfied (1.7).
func TestVariablesInResources(t *testing.T) {
	stated := with(request("s3:GetObject", "b/home/u1/k"), "x:user", "u1")
	other := with(request("s3:GetObject", "b/home/u1/k"), "x:user", "u2")
	absent := request("s3:GetObject", "b/home/u1/k")
	resource := []string{"b/home/${x:user}/*"}
	two := append(resource, "b/else")
	for _, c := range []struct {
		name      string
		statement policy.Statement
		reasons   [3]policy.Reason // of stated, other, absent
	}{
		{"Allow Resource", policy.Statement{Effect: policy.EffectAllow, Resources: resource},
			[3]policy.Reason{policy.Allowed, policy.BucketNoMatch, policy.BucketNoMatch}},
		{"Allow NotResource", policy.Statement{Effect: policy.EffectAllow, Resources: two, NotResource: true},
			[3]policy.Reason{policy.BucketNoMatch, policy.Allowed, policy.BucketNoMatch}},
		{"Deny Resource", policy.Statement{Effect: policy.EffectDeny, Resources: resource},
			[3]policy.Reason{policy.BucketDeny, policy.Allowed, policy.Allowed}},
		{"Deny NotResource", policy.Statement{Effect: policy.EffectDeny, Resources: two, NotResource: true},
			[3]policy.Reason{policy.Allowed, policy.BucketDeny, policy.BucketDeny}},
	} {
		s := c.statement
		s.Actions = []string{"*"}
		s.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
		b := bucket(s)
		if s.Effect == policy.EffectDeny {
			b = bucket(allow("*", "*"), s)
		}
		e := New(&policy.Directory{
			Organizations: map[string]*policy.DirectoryOrganization{"o1": organization("o1", allow("s3:*", "*"))},
			Buckets:       map[string]*policy.DirectoryBucket{"b": b},
		})
		for i, r := range []*policy.Request{stated, other, absent} {
			if got := e.Evaluate(r).Decision.Reason; got != c.reasons[i] {
				t.Errorf("%s, request %d: %s, want %s", c.name, i, got, c.reasons[i])
			}
		}
	}
}

// TestKeys: keys that the server sets, and folding (1.7).
func TestKeys(t *testing.T) {
	value := func(key, text string) policy.Attribute {
		return policy.Attribute{Key: key, Values: []policy.Value{{Kind: policy.ValueString, Text: text}}}
	}
	r := request("s3:GetObject", "b/k")
	r.Principal.Groups = []string{"Ops", "dev"}
	r.Principal.Claims = []policy.Attribute{value("sub", "s"), value(`"kubernetes.io".pod.name`, "p"), {Key: "a", Unreadable: true}, value("a.B", "x")}
	r.Principal.Properties = []policy.Attribute{value("Level", "7")}
	r.Resource.Properties = []policy.Attribute{value("x", "rx")}
	r.ActionProperties = []policy.Attribute{value("soft", "true")}
	r.Context = []policy.Attribute{value("Aws:UserName", "u"), value("aws:epochtime", "5"), value("ünï", "1")}

	for key, want := range map[string]string{
		"CW:principalORGid": "o1", "aws:PrincipalOrgID": "o1", "cw:ResourceOrgID": "o1", "aws:resourceorgid": "o1",
		"iam:o1:groups": "Ops dev", "IAM:o1:Groups": "Ops dev", "iam:O1:groups": "", "iam:o2:groups": "", "iam::groups": "", "iam:groups": "",
		"oidc:o1:sub": "s", "OIDC:o1:sub": "s", "oidc:o1:SUB": "", "oidc:O1:sub": "", "oidc:o1:": "", "oidc:sub": "",
		`oidc:o1:"kubernetes.io".pod.name`: "p", "oidc:o1:a": "!", "oidc:o1:a.B": "x", "oidc:o1:a.b": "",
		"subject.level": "7", "SUBJECT.LEVEL": "7", "resource.X": "rx", "action.SOFT": "true", "subject.x": "",
		"aws:username": "u", "aws:EpochTime": "5", "aws:CurrentTime": "2027-01-15T08:00:00Z", "ÜNÏ": "", "ünï": "1", "other": "",
	} {
		q := question{directory: &policy.Directory{}, request: r, caller: "o1", bucket: "b", owner: "o1"}
		f := q.lookup(key)
		got := strings.Join(f.values, " ")
		if f.unreadable {
			got = "!"
		}
		if got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}

	q := question{directory: &policy.Directory{}, request: r, caller: "o2", bucket: "b", owner: "o1"}
	for key, want := range map[string]string{"cw:PrincipalOrgID": "o2", "cw:ResourceOrgID": "o1", "iam:o1:groups": "", "iam:o2:groups": "Ops dev", "oidc:o1:sub": "", "oidc:o2:sub": "s"} {
		if got := strings.Join(q.lookup(key).values, " "); got != want {
			t.Errorf("for a foreign caller %s is %q, want %q", key, got, want)
		}
	}
	q.owner = ""
	if got := fmt.Sprint(q.lookup("aws:ResourceOrgID").values); got != "[o2]" {
		t.Errorf("where nobody owns, aws:ResourceOrgID is %s", got)
	}

	// A list that is empty states no time.
	r.Context = []policy.Attribute{{Key: "aws:CurrentTime"}}
	if got := fmt.Sprint(q.lookup("aws:CurrentTime").values); got != "[2027-01-15T08:00:00Z]" {
		t.Errorf("aws:CurrentTime is %s", got)
	}
	for a, b := range map[string]string{"AWS:UserName": "aws:username", "IAM:Ab:GROUPS": "iam:Ab:groups", "Oidc:Ab:cD:E": "oidc:Ab:cD:E", "OIDC:Ab": "oidc:ab", "iam::Groups": "iam::groups"} {
		if got := foldKey(a); got != b {
			t.Errorf("foldKey(%q) = %q, want %q", a, got, b)
		}
	}
}
