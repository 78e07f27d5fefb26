package policygen

import (
	"strings"

	"postern/policy"
)

// subject is a condition key and what its values look like.
type subject struct {
	key    string
	family policy.Family
}

// stated are the keys that a request's context may state; set are those that
// the server sets.
var (
	stated = []subject{
		{"k", policy.FamilyString}, {"aws:username", policy.FamilyString}, {"s3:prefix", policy.FamilyString}, {"n", policy.FamilyNumeric},
		{"d", policy.FamilyDate}, {"flag", policy.FamilyBool}, {"bin", policy.FamilyBinary}, {"aws:SourceIp", policy.FamilyIP},
		{"arn", policy.FamilyArn}, {"ünit", policy.FamilyString}, {"aws:PrincipalArn", policy.FamilyArn}, {"aws:PrincipalAccount", policy.FamilyString},
	}
	set = []subject{
		{"aws:CurrentTime", policy.FamilyDate}, {"aws:EpochTime", policy.FamilyNumeric}, {"cw:PrincipalOrgID", policy.FamilyString},
		{"cw:ResourceOrgID", policy.FamilyString}, {"aws:PrincipalOrgID", policy.FamilyString}, {"aws:ResourceOrgID", policy.FamilyString},
		{"iam:o1:groups", policy.FamilyString}, {"iam:o2:groups", policy.FamilyString}, {"iam:O1:groups", policy.FamilyString}, {"oidc:o1:sub", policy.FamilyString}, {"oidc:o1:obj", policy.FamilyString},
		{`oidc:o1:"k.io".pod`, policy.FamilyString}, {"oidc:o1:SUB", policy.FamilyString}, {"subject.level", policy.FamilyNumeric}, {"subject.Team", policy.FamilyString},
		{"resource.x", policy.FamilyString}, {"action.soft", policy.FamilyBool}, {"iam:groups", policy.FamilyString}, {"oidc:sub", policy.FamilyString},
		{"subject.type", policy.FamilyString}, {"subject.id", policy.FamilyString}, {"Resource.Type", policy.FamilyString}, {"resource.id", policy.FamilyString},
		{"action.name", policy.FamilyString}, {"aws:PrincipalArn", policy.FamilyArn}, {"aws:PrincipalAccount", policy.FamilyString}, {"aws:username", policy.FamilyString},
	}
)

// readable are texts that a family's operators read, in policies and requests.
var readable = map[policy.Family][]string{
	policy.FamilyString:  {"a", "b", "ab", "A", "é", "É", "", "o1", "o2", "g1", "日", "10", "true"},
	policy.FamilyNumeric: {"0", "-0", "1", "10", "1e1", "10.0", "9.5", "-1", "1E3", "1767225600"},
	policy.FamilyDate: {"2026-01-01", "2026-01-01T00:00:00Z", "1767225600", "2026-01-01T01:00+01:00", "2025-12-31T23:59:59.999Z", "0", "2026-01-01T00:00:00.5Z",
		"2026-01-01T00:00-00:30", "2027-01-01"},
	policy.FamilyBool:   {"true", "false", "TRUE", "False"},
	policy.FamilyBinary: {"YQ==", "Yg==", "YWI=", ""},
	policy.FamilyIP:     {"10.0.0.1", "10.0.0.2", "::1", "::ffff:10.0.0.1", "2001:db8::1", "192.168.0.1"},
	policy.FamilyArn:    {"arn:aws:s3:::b", "arn:aws:s3:::b/a", "a:b:c:d:e:f", "arn:aws:iam::o1:role/a", "arn:aws:s3:::a:b", ":::::"},
	policy.FamilyNull:   {"true", "false", "TRUE"},
}

// inPolicies are further texts that a family's operators read in policies.
var inPolicies = map[policy.Family][]string{
	policy.FamilyString: {"a*", "*", "?", "*b", "?*", "o?"},
	policy.FamilyIP:     {"10.0.0.0/8", "10.0.0.1/31", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "::ffff:0:0/95", "2001:db8::/32", "10.0.0.1/32"},
	policy.FamilyArn:    {"arn:aws:s3:::b*", "arn:*:s3:::?", "*:*:*:*:*:*", "arn:aws:s3:::?:*", "arn:aws:iam::o1:role/*", "???:aws:s3:::b/a"},
}

// unreadable are texts that no operator of the family reads.
var unreadable = map[policy.Family][]string{
	policy.FamilyNumeric: {"x", "0x1", "NaN", "1e999", "01", "+1", "", " 1"},
	policy.FamilyDate:    {"x", "2026-02-30", "2026-01-01T00:00:00", "2026-01-01T24:00Z", "-1", "99999999999999999999", ""},
	policy.FamilyBool:    {"x", "yes", "1", ""},
	policy.FamilyBinary:  {"YQ", "YR==", "Y-==", "YQ==\n"},
	policy.FamilyIP:      {"x", "10.0.0.0/8", "10.0.0.1:80", "fe80::1%eth0", "010.0.0.1", ""},
	policy.FamilyArn:     {"x", "arn:aws:s3::b", ""},
}

// conditions makes the conditions of a statement of a bucket policy: often
// none.
func (w *smallWorld) conditions(variables bool) []policy.Condition {
	if w.chance(3) && !w.narrow {
		return nil
	}
	var out []policy.Condition
	for range pick(w.generator, 0, 1, 1, 1, 2, 3) {
		c := w.condition(variables)
		twice := false
		for _, other := range out {
			// Folding all of the key finds more twins than there are; none is
			// missed.
			twice = twice || other.Operator == c.Operator && strings.EqualFold(other.Key, c.Key)
		}
		if !twice {
			out = append(out, c)
		}
	}
	return out
}

func (w *smallWorld) condition(variables bool) policy.Condition {
	about := pick(w.generator, stated...)
	if w.chance(3) {
		about = pick(w.generator, set...)
	}
	operator := w.operator(about.family)
	return policy.Condition{
		Operator: operator,
		Key:      w.otherCase(about.key),
		Values:   some(w.generator, 3, func() string { return w.policyValue(operator.Test.Family(), variables) }),
	}
}

// operator is mostly one of the given family.
func (w *smallWorld) operator(family policy.Family) policy.Operator {
	tests := policy.Tests()
	anyFamily := w.chance(6)
	for {
		t := pick(w.generator, tests...)
		if t == policy.Null && w.chance(8) {
			return policy.Operator{Test: t}
		}
		if t != policy.Null && (anyFamily || t.Family() == family) {
			return policy.Operator{
				Test:      t,
				Qualifier: pick(w.generator, policy.QualifierNone, policy.QualifierNone, policy.ForAllValues, policy.ForAnyValue),
				IfExists:  w.chance(3),
			}
		}
	}
}

func (w *smallWorld) policyValue(family policy.Family, variables bool) string {
	if variables && w.chance(4) {
		switch family {
		case policy.FamilyString:
			return pick(w.generator, "", "a", "*") + pick(w.generator, w.variable(), w.variable(), "${*}", "${?}", "${$}") + pick(w.generator, "", "", "*", "?")
		case policy.FamilyArn:
			return pick(w.generator, "arn:aws:iam::"+w.variable()+":role/*", "arn:aws:s3:::"+w.variable(), "arn:aws:s3:::*${*}", w.variable()+":aws:s3:::b", "arn:aws:s3:::"+w.variable()+":b")
		}
	}
	if w.chance(3) && inPolicies[family] != nil {
		return pick(w.generator, inPolicies[family]...)
	}
	return pick(w.generator, readable[family]...)
}

// otherCase now and then changes the case of a key's ASCII letters.
func (w *smallWorld) otherCase(key string) string {
	if !w.chance(4) {
		return key
	}
	out := []byte(key)
	for i, c := range out {
		if w.chance(2) && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			out[i] = c ^ 0x20
		}
	}
	return string(out)
}

// attribute states a key: absent values, one, several, some that its operators
// cannot read, an object.
func (w *smallWorld) attribute(key string, family policy.Family) policy.Attribute {
	a := policy.Attribute{Key: key}
	value := func() {
		v := policy.Value{Kind: policy.ValueString, Text: pick(w.generator, readable[family]...)}
		switch {
		case w.chance(8):
			if texts := unreadable[family]; texts != nil {
				v.Text = pick(w.generator, texts...)
			}
		case family == policy.FamilyNumeric && w.chance(2):
			v.Kind = policy.ValueNumber
		case family == policy.FamilyBool && w.chance(2):
			v = policy.Value{Kind: policy.ValueBool, Text: pick(w.generator, "true", "false")}
		}
		a.Values = append(a.Values, v)
	}
	switch w.IntN(16) {
	case 0:
		a.Unreadable = true
	case 1: // an empty list
	case 2:
		a.Values = []policy.Value{{Kind: policy.ValueString, Text: ""}}
	case 3, 4:
		value()
		value()
		if w.chance(3) {
			value()
		}
	default:
		value()
	}
	return a
}
