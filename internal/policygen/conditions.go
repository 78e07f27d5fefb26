package policygen

import (
	"strconv"
	"strings"

	"postern/policy"
)

// kinds are the conditions of the workload `conditions`, each on a key of its
// own: the operators that it may have, and the values that stand in policies.
// All values of a key are written in one form, so that satisfied.go can
// compare them as texts or numbers.
var kinds = []struct {
	key       string
	operators []string
	values    func(i int) string
}{
	{"s3:prefix", []string{"StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringEqualsIgnoreCase"}, func(i int) string { return numbered("p", i%50) }},
	{"aws:UserAgent", []string{"StringLike", "StringNotLike", "StringLikeIfExists"}, func(i int) string { return "agent-" + strconv.Itoa(i%100) + "*" }},
	{"aws:PrincipalTag/team", []string{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"}, func(i int) string { return numbered("team", i%40) }},
	{"s3:max-keys", []string{"NumericLessThanEquals", "NumericLessThan", "NumericEquals", "NumericNotEquals"}, func(i int) string { return strconv.Itoa(i * 7 % 1000) }},
	{"x:size", []string{"NumericGreaterThan", "NumericGreaterThanEquals", "NumericLessThanIfExists"}, func(i int) string { return strconv.Itoa(i * 977 % 1_000_000) }},
	{"aws:CurrentTime", []string{"DateGreaterThan", "DateLessThan", "DateGreaterThanEquals", "DateLessThanEquals"}, date},
	{"x:created", []string{"DateEquals", "DateNotEquals", "DateLessThan", "DateGreaterThanIfExists"}, date},
	{"aws:SecureTransport", []string{"Bool", "BoolIfExists"}, func(i int) string { return strconv.FormatBool(i%4 != 0) }},
	{"x:digest", []string{"BinaryEquals"}, func(i int) string { return string([]byte{'A' + byte(i%26), 'A' + byte(i/26%26), 'E', '='}) }},
	{"aws:SourceIp", []string{"IpAddress", "NotIpAddress", "IpAddressIfExists"}, func(i int) string {
		if i%3 == 0 {
			return "10." + strconv.Itoa(i%200) + "." + strconv.Itoa(i/3%8*32) + ".0/19"
		}
		return "10." + strconv.Itoa(i%200) + ".0.0/16"
	}},
	{"aws:SourceArn", []string{"ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"}, func(i int) string { return "arn:aws:s3:::source-" + strconv.Itoa(i%60) + "/*" }},
	{"aws:TagKeys", []string{"ForAnyValue:StringEquals", "ForAllValues:StringLike", "ForAllValues:StringNotEquals"}, func(i int) string { return numbered("tag", i%30) }},
	{"x:session", []string{"Null"}, func(i int) string { return strconv.FormatBool(i%2 == 0) }},
	{"cw:PrincipalOrgID", []string{"StringEquals", "StringNotEquals"}, func(i int) string {
		if i%8 == 0 {
			return "partner"
		}
		return acme
	}},
}

// date is a day in 2025 to 2027.
func date(i int) string {
	two := func(n int) string { return numbered("", n)[2:] }
	return strconv.Itoa(2025+i%3) + "-" + two(1+i/3%12) + "-" + two(1+i/36%28) + "T00:00:00Z"
}

// conditionValues keeps one copy of each text that stands in policies.
var conditionValues = func() [][]string {
	out := make([][]string, len(kinds))
	for k := range kinds {
		for i := range 1024 {
			out[k] = append(out[k], kinds[k].values(i))
		}
	}
	return out
}()

var conditionOperators = func() [][]policy.Operator {
	out := make([][]policy.Operator, len(kinds))
	for k := range kinds {
		for _, name := range kinds[k].operators {
			o, ok := policy.ParseOperator(name)
			if !ok {
				panic("no operator " + name)
			}
			out[k] = append(out[k], o)
		}
	}
	return out
}()

// conditions makes 1 to 5 conditions on different keys.
func (t *tenancy) conditions(line int) []policy.Condition {
	var list [5]policy.Condition
	n := t.between(1, 5)
	first := t.IntN(len(kinds))
	for i := range n {
		// Steps of 3 around 14 kinds meet each once.
		k := (first + 3*i) % len(kinds)
		values := conditionValues[k]
		count := t.between(1, 3)
		if kinds[k].key == "cw:PrincipalOrgID" || kinds[k].key == "x:session" || kinds[k].key == "aws:SecureTransport" {
			count = 1
		}
		from := t.IntN(len(values) - count)
		list[i] = policy.Condition{
			Operator: pick(t.generator, conditionOperators[k]...),
			Key:      kinds[k].key,
			Values:   values[from : from+count : from+count],
			Line:     line,
		}
	}
	return t.conditionLists.list(list[:n]...)
}

// context states keys so that the given conditions are likely to hold, or, if
// spoiled, one of them is likely not to.
func (t *tenancy) context(g generator, conditions []policy.Condition, spoiled bool) []policy.Attribute {
	if conditions == nil {
		return nil
	}
	bad := -1
	if spoiled {
		bad = g.IntN(len(conditions))
	}
	var out []policy.Attribute
	for k, kind := range kinds {
		if kind.key == "cw:PrincipalOrgID" || kind.key == "aws:CurrentTime" {
			continue // the server sets them
		}
		at := -1
		for i := range conditions {
			if conditions[i].Key == kind.key {
				at = i
			}
		}
		switch {
		case at >= 0 && at != bad:
			if text, stated := fitting(g, conditions[at]); stated {
				out = append(out, attribute(kind.key, conditions[at].Operator.Test, text))
			}
		case at >= 0 || g.chance(2):
			if kind.key == "x:session" && g.chance(2) {
				continue
			}
			text := plain(g, kind.key, pick(g, conditionValues[k]...))
			out = append(out, attribute(kind.key, conditionOperators[k][0].Test, text))
		}
	}
	return out
}

func attribute(key string, test policy.Test, text string) policy.Attribute {
	v := policy.Value{Kind: policy.ValueString, Text: text}
	switch test.Family() {
	case policy.FamilyNumeric:
		v.Kind = policy.ValueNumber
	case policy.FamilyBool:
		v.Kind = policy.ValueBool
	}
	return policy.Attribute{Key: key, Values: []policy.Value{v}}
}

// fitting makes a value for which a condition holds, if one is easy to make;
// false if the key has to be absent.
func fitting(g generator, c policy.Condition) (text string, stated bool) {
	want := c.Values[g.IntN(len(c.Values))]
	if c.Operator.Test == policy.Null {
		return "s", want == "false"
	}
	number, _ := strconv.Atoi(want)
	switch c.Operator.Test {
	case policy.NumericLessThan:
		return strconv.Itoa(number - 1 - g.IntN(50)), true
	case policy.NumericGreaterThan:
		return strconv.Itoa(number + 1 + g.IntN(50)), true
	case policy.DateLessThan:
		return "2024-01-01T00:00:00Z", true
	case policy.DateGreaterThan:
		return "2028-01-01T00:00:00Z", true
	}
	if c.Operator.Test.Negated() {
		switch c.Operator.Test.Family() {
		case policy.FamilyNumeric:
			return strconv.Itoa(1000 + g.IntN(1000)), true
		case policy.FamilyDate:
			return "2028-01-01T00:00:00Z", true
		case policy.FamilyIP:
			return "192.168.0." + strconv.Itoa(g.IntN(256)), true
		case policy.FamilyArn:
			return "arn:aws:s3:::other/" + strconv.Itoa(g.IntN(1000)), true
		}
		return "other" + strconv.Itoa(g.IntN(1000)), true
	}
	return plain(g, c.Key, want), true
}

// plain returns a value of a request that matches a policy's value.
func plain(g generator, key, want string) string {
	if key == "aws:SourceIp" {
		network, _, _ := strings.Cut(want, "/")
		return network[:strings.LastIndexByte(network, '.')+1] + strconv.Itoa(g.IntN(256))
	}
	return strings.ReplaceAll(want, "*", "v"+strconv.Itoa(g.IntN(1000)))
}
