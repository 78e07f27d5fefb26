package compile

import (
	"encoding/binary"
	"math"

	"postern/index/lowered"
	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// key lowers the name of a condition key (specification 1.7).
func key(text string) lowered.Key {
	kind, name := conditionkey.Split(text)
	k := lowered.Key{Kind: kind}
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

func (l *lowering) condition(c *policy.Condition) lowered.Condition {
	how := lowered.ComparisonOf(c.Operator.Test)
	read := readers[how.Values()]
	if read == nil || len(c.Values) == 0 {
		l.refuse("a condition without operator or values")
		return lowered.Condition{}
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
		v, ok := read(l, text)
		if !ok {
			l.refuse("%s cannot read %q", c.Operator, text)
		}
		l.values.add(v)
	}
	out.Values = l.values.end()
	return out
}

// readers lower one value of a condition, by the kind of value that the
// comparison has. A reader returns false if it cannot read the value. ValueNone
// has no reader.
var readers = [lowered.ValueKindCount]func(l *lowering, text string) (lowered.Value, bool){
	lowered.ValueText: func(l *lowering, text string) (lowered.Value, bool) {
		return lowered.Value{Text: l.text(text, l.document.Variables)}, true
	},
	lowered.ValuePattern: func(l *lowering, text string) (lowered.Value, bool) {
		return lowered.Value{Text: l.program(text, l.document.Variables)}, true
	},
	lowered.ValueArn: func(l *lowering, text string) (lowered.Value, bool) {
		return lowered.Value{Text: l.arn(text, l.document.Variables)}, true
	},
	lowered.ValueBytes: func(_ *lowering, text string) (lowered.Value, bool) {
		return lowered.Value{Text: text}, value.Binary(text)
	},
	lowered.ValueBool: func(_ *lowering, text string) (lowered.Value, bool) {
		b, ok := value.Bool(text)
		if b {
			return lowered.Value{A: 1}, ok
		}
		return lowered.Value{}, ok
	},
	lowered.ValueNumber: func(_ *lowering, text string) (lowered.Value, bool) {
		n, ok := value.Number(text)
		return lowered.Value{A: math.Float64bits(n)}, ok
	},
	lowered.ValueDate: func(_ *lowering, text string) (lowered.Value, bool) {
		at, ok := value.Date(text)
		return lowered.Value{A: uint64(at.Seconds), B: uint64(at.Nanos)}, ok
	},
	lowered.ValueRange: func(_ *lowering, text string) (lowered.Value, bool) {
		p, _, ok := value.Prefix(text)
		if !ok {
			return lowered.Value{}, false
		}
		b := p.Addr().As16()
		return lowered.Value{
			A: binary.BigEndian.Uint64(b[:8]), B: binary.BigEndian.Uint64(b[8:]), Bits: uint8(p.Bits()), Is4: p.Addr().Is4(),
		}, true
	},
}
