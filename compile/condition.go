package compile

import (
	"encoding/binary"
	"math"
	"strings"

	"postern/index"
	"postern/internal/value"
	"postern/policy"
)

// namedKeys are the keys that the server sets, by their folded names; those
// that a context may state have one in the index too (specification 1.7).
var namedKeys = map[string]index.Key{
	"cw:principalorgid":    {Kind: index.KeyPrincipalOrg},
	"aws:principalorgid":   {Kind: index.KeyPrincipalOrg},
	"cw:resourceorgid":     {Kind: index.KeyResourceOrg},
	"aws:resourceorgid":    {Kind: index.KeyResourceOrg},
	"subject.type":         {Kind: index.KeySubjectType},
	"subject.id":           {Kind: index.KeySubjectID},
	"resource.type":        {Kind: index.KeyResourceType},
	"resource.id":          {Kind: index.KeyResourceID},
	"action.name":          {Kind: index.KeyActionName},
	"aws:currenttime":      {Kind: index.KeyCurrentTime, Name: "aws:currenttime"},
	"aws:epochtime":        {Kind: index.KeyEpochTime, Name: "aws:epochtime"},
	"aws:principalarn":     {Kind: index.KeyPrincipalArn, Name: "aws:principalarn"},
	"aws:principalaccount": {Kind: index.KeyPrincipalAccount, Name: "aws:principalaccount"},
	"aws:username":         {Kind: index.KeyUsername, Name: "aws:username"},
}

// key tells where a condition key's value comes from (specification 1.7).
func key(name string) index.Key {
	folded := value.FoldASCII(name)
	if k, ok := namedKeys[folded]; ok {
		return k
	}
	if strings.HasPrefix(folded, "iam:") && strings.HasSuffix(folded, ":groups") && len(folded) > len("iam::groups") {
		return index.Key{Kind: index.KeyGroups, Name: name[len("iam:") : len(name)-len(":groups")]}
	}
	if strings.HasPrefix(folded, "oidc:") && strings.Contains(name[len("oidc:"):], ":") {
		return index.Key{Kind: index.KeyClaim, Name: name[len("oidc:"):]}
	}
	for prefix, kind := range map[string]index.KeyKind{
		"subject.": index.KeySubjectProperty, "resource.": index.KeyResourceProperty, "action.": index.KeyActionProperty,
	} {
		if rest, ok := strings.CutPrefix(folded, prefix); ok {
			return index.Key{Kind: kind, Name: rest}
		}
	}
	return index.Key{Kind: index.KeyContext, Name: name}
}

var comparisons = map[policy.Test]index.Comparison{
	policy.StringEquals:              index.CompareText,
	policy.StringNotEquals:           index.CompareText,
	policy.StringEqualsIgnoreCase:    index.CompareTextFold,
	policy.StringNotEqualsIgnoreCase: index.CompareTextFold,
	policy.StringLike:                index.CompareLike,
	policy.StringNotLike:             index.CompareLike,
	policy.NumericEquals:             index.CompareNumberEqual,
	policy.NumericNotEquals:          index.CompareNumberEqual,
	policy.NumericLessThan:           index.CompareNumberLess,
	policy.NumericLessThanEquals:     index.CompareNumberLessEqual,
	policy.NumericGreaterThan:        index.CompareNumberGreater,
	policy.NumericGreaterThanEquals:  index.CompareNumberGreaterEqual,
	policy.DateEquals:                index.CompareDateEqual,
	policy.DateNotEquals:             index.CompareDateEqual,
	policy.DateLessThan:              index.CompareDateLess,
	policy.DateLessThanEquals:        index.CompareDateLessEqual,
	policy.DateGreaterThan:           index.CompareDateGreater,
	policy.DateGreaterThanEquals:     index.CompareDateGreaterEqual,
	policy.Bool:                      index.CompareBool,
	policy.BinaryEquals:              index.CompareBinary,
	policy.IPAddress:                 index.CompareIP,
	policy.NotIPAddress:              index.CompareIP,
	policy.ArnEquals:                 index.CompareArn,
	policy.ArnLike:                   index.CompareArn,
	policy.ArnNotEquals:              index.CompareArn,
	policy.ArnNotLike:                index.CompareArn,
	policy.Null:                      index.CompareNull,
}

func (l *lowering) condition(c *policy.Condition) index.Condition {
	how, ok := comparisons[c.Operator.Test]
	if !ok || len(c.Values) == 0 {
		l.refuse("a condition without operator or values")
	}
	out := index.Condition{
		Operator: index.Operator{
			Test:     c.Operator.Test,
			Compare:  how,
			Negated:  c.Operator.Test.Negated(),
			IfExists: c.Operator.IfExists,
			ForAll:   c.Operator.Qualifier == policy.ForAllValues,
			ForAny:   c.Operator.Qualifier == policy.ForAnyValue,
		},
		Key: key(c.Key),
	}
	l.values.begin()
	for _, text := range c.Values {
		v, ok := l.value(how, text)
		if !ok {
			l.refuse("%s cannot read %q", c.Operator, text)
		}
		l.values.add(v)
	}
	out.Values = l.values.end()
	return out
}

// value lowers one value of a condition; false if the comparison cannot read it.
func (l *lowering) value(how index.Comparison, text string) (index.Value, bool) {
	switch how {
	case index.CompareText, index.CompareTextFold:
		return index.Value{Text: l.text(text, l.document.Variables)}, true
	case index.CompareLike:
		return index.Value{Text: l.program(text, l.document.Variables)}, true
	case index.CompareArn:
		return index.Value{Text: l.arn(text, l.document.Variables)}, true
	case index.CompareBinary:
		return index.Value{Text: text}, value.Binary(text)
	case index.CompareBool, index.CompareNull:
		b, ok := value.Bool(text)
		if b {
			return index.Value{A: 1}, ok
		}
		return index.Value{}, ok
	case index.CompareIP:
		p, _, ok := value.Prefix(text)
		if !ok {
			return index.Value{}, false
		}
		b := p.Addr().As16()
		return index.Value{
			A: binary.BigEndian.Uint64(b[:8]), B: binary.BigEndian.Uint64(b[8:]), Bits: uint8(p.Bits()), Is4: p.Addr().Is4(),
		}, true
	case index.CompareDateEqual, index.CompareDateLess, index.CompareDateLessEqual, index.CompareDateGreater, index.CompareDateGreaterEqual:
		at, ok := value.Date(text)
		return index.Value{A: uint64(at.Seconds), B: uint64(at.Nanos)}, ok
	}
	n, ok := value.Number(text)
	return index.Value{A: math.Float64bits(n)}, ok
}
