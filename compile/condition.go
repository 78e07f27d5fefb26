package compile

import (
	"encoding/binary"
	"math"

	"postern/index/lowered"
	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// keyKinds maps each kind of condition key to the place where its values come
// from.
var keyKinds = [conditionkey.KindCount]lowered.KeyKind{
	conditionkey.Caller:           lowered.KeyContext,
	conditionkey.PrincipalOrg:     lowered.KeyPrincipalOrg,
	conditionkey.ResourceOrg:      lowered.KeyResourceOrg,
	conditionkey.SubjectType:      lowered.KeySubjectType,
	conditionkey.SubjectID:        lowered.KeySubjectID,
	conditionkey.ResourceType:     lowered.KeyResourceType,
	conditionkey.ResourceID:       lowered.KeyResourceID,
	conditionkey.ActionName:       lowered.KeyActionName,
	conditionkey.Groups:           lowered.KeyGroups,
	conditionkey.Claim:            lowered.KeyClaim,
	conditionkey.SubjectProperty:  lowered.KeySubjectProperty,
	conditionkey.ResourceProperty: lowered.KeyResourceProperty,
	conditionkey.ActionProperty:   lowered.KeyActionProperty,
	conditionkey.CurrentTime:      lowered.KeyCurrentTime,
	conditionkey.EpochTime:        lowered.KeyEpochTime,
	conditionkey.PrincipalArn:     lowered.KeyPrincipalArn,
	conditionkey.PrincipalAccount: lowered.KeyPrincipalAccount,
	conditionkey.Username:         lowered.KeyUsername,
}

// key lowers the name of a condition key (specification 1.7).
func key(text string) lowered.Key {
	kind, name := conditionkey.Split(text)
	k := lowered.Key{Kind: keyKinds[kind]}
	switch kind {
	case conditionkey.Caller, conditionkey.Groups, conditionkey.Claim:
		k.Name = name
	case conditionkey.SubjectProperty, conditionkey.ResourceProperty, conditionkey.ActionProperty:
		k.Name = value.FoldASCII(name)
	default:
		if !kind.ServerSet() { // the request's context may state it
			k.Name = value.FoldASCII(name)
		}
	}
	return k
}

var comparisons = map[policy.Test]lowered.Comparison{
	policy.StringEquals:              lowered.CompareText,
	policy.StringNotEquals:           lowered.CompareText,
	policy.StringEqualsIgnoreCase:    lowered.CompareTextFold,
	policy.StringNotEqualsIgnoreCase: lowered.CompareTextFold,
	policy.StringLike:                lowered.CompareLike,
	policy.StringNotLike:             lowered.CompareLike,
	policy.NumericEquals:             lowered.CompareNumberEqual,
	policy.NumericNotEquals:          lowered.CompareNumberEqual,
	policy.NumericLessThan:           lowered.CompareNumberLess,
	policy.NumericLessThanEquals:     lowered.CompareNumberLessEqual,
	policy.NumericGreaterThan:        lowered.CompareNumberGreater,
	policy.NumericGreaterThanEquals:  lowered.CompareNumberGreaterEqual,
	policy.DateEquals:                lowered.CompareDateEqual,
	policy.DateNotEquals:             lowered.CompareDateEqual,
	policy.DateLessThan:              lowered.CompareDateLess,
	policy.DateLessThanEquals:        lowered.CompareDateLessEqual,
	policy.DateGreaterThan:           lowered.CompareDateGreater,
	policy.DateGreaterThanEquals:     lowered.CompareDateGreaterEqual,
	policy.Bool:                      lowered.CompareBool,
	policy.BinaryEquals:              lowered.CompareBinary,
	policy.IPAddress:                 lowered.CompareIP,
	policy.NotIPAddress:              lowered.CompareIP,
	policy.ArnEquals:                 lowered.CompareArn,
	policy.ArnLike:                   lowered.CompareArn,
	policy.ArnNotEquals:              lowered.CompareArn,
	policy.ArnNotLike:                lowered.CompareArn,
	policy.Null:                      lowered.CompareNull,
}

func (l *lowering) condition(c *policy.Condition) lowered.Condition {
	how, ok := comparisons[c.Operator.Test]
	if !ok || len(c.Values) == 0 {
		l.refuse("a condition without operator or values")
	}
	out := lowered.Condition{
		Operator: lowered.Operator{
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

// value lowers one value of a condition. It returns false if the comparison
// cannot read the value.
func (l *lowering) value(how lowered.Comparison, text string) (lowered.Value, bool) {
	switch how {
	case lowered.CompareText, lowered.CompareTextFold:
		return lowered.Value{Text: l.text(text, l.document.Variables)}, true
	case lowered.CompareLike:
		return lowered.Value{Text: l.program(text, l.document.Variables)}, true
	case lowered.CompareArn:
		return lowered.Value{Text: l.arn(text, l.document.Variables)}, true
	case lowered.CompareBinary:
		return lowered.Value{Text: text}, value.Binary(text)
	case lowered.CompareBool, lowered.CompareNull:
		b, ok := value.Bool(text)
		if b {
			return lowered.Value{A: 1}, ok
		}
		return lowered.Value{}, ok
	case lowered.CompareIP:
		p, _, ok := value.Prefix(text)
		if !ok {
			return lowered.Value{}, false
		}
		b := p.Addr().As16()
		return lowered.Value{
			A: binary.BigEndian.Uint64(b[:8]), B: binary.BigEndian.Uint64(b[8:]), Bits: uint8(p.Bits()), Is4: p.Addr().Is4(),
		}, true
	case lowered.CompareDateEqual, lowered.CompareDateLess, lowered.CompareDateLessEqual, lowered.CompareDateGreater, lowered.CompareDateGreaterEqual:
		at, ok := value.Date(text)
		return lowered.Value{A: uint64(at.Seconds), B: uint64(at.Nanos)}, ok
	}
	n, ok := value.Number(text)
	return lowered.Value{A: math.Float64bits(n)}, ok
}
