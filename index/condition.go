package index

import (
	"encoding/binary"
	"math"
	"strings"

	"postern/internal/value"
)

// conditionsHold reports whether all conditions of the statement hold.
func (p *Policies) conditionsHold(r record, v *view) bool {
	n := r[recordFlags] >> flagBits
	if n == 0 {
		return true
	}
	list := p.conditions[r[recordConditions]:][:n]
	for i := range list {
		if !p.conditionHolds(&list[i], v, r.is(flagDeny)) {
			return false
		}
	}
	return true
}

// conditionHolds evaluates one operator with one key (specification 1.7,
// Evaluation): first the qualifier decides absence, then IfExists, then the
// sign. What the operator cannot read counts as false in an Allow and as true
// in a Deny.
func (p *Policies) conditionHolds(c *condition, v *view, deny bool) bool {
	have, unreadable := p.values(&p.keys[c.key], v, &v.values)
	if unreadable {
		return deny
	}
	want := p.constants[c.values.at:][:c.values.n]
	op := &c.op
	if op.Compare == CompareNull {
		return p.anyNull(want, len(have) == 0)
	}
	if len(have) == 0 || op.ForAll && len(have) == 1 && have[0].Text == "" {
		switch {
		case op.ForAll:
			return true
		case op.ForAny:
			return false
		}
		return op.IfExists || op.Negated
	}
	// Every value is read even when the answer is known: one that cannot be
	// read makes the list unreadable.
	all, any := true, false
	for i := range have {
		found, ok := p.compare(op.Compare, have[i].Text, want, v)
		if !ok {
			return deny
		}
		if found != op.Negated {
			any = true
		} else {
			all = false
		}
	}
	if op.ForAll || op.Negated && !op.ForAny {
		return all
	}
	return any
}

// anyNull answers Null: `"true"` holds if the key is absent, `"false"` if it is present.
func (p *Policies) anyNull(want []constant, absent bool) bool {
	for i := range want {
		if (want[i].a != 0) == absent {
			return true
		}
	}
	return false
}

// compare reports whether the text of a request is one of the wanted values by
// the comparison; ok is false if the comparison cannot read it.
func (p *Policies) compare(how Comparison, text string, want []constant, v *view) (found, ok bool) {
	switch how {
	case CompareText, CompareTextFold, CompareLike:
		for i := range want {
			if p.compareText(how, text, p.str(want[i].text), v) {
				return true, true
			}
		}
		return false, true
	case CompareArn:
		if strings.Count(text, ":") < 5 {
			return false, false
		}
		for i := range want {
			if p.compareArn(p.str(want[i].text), text, v) {
				return true, true
			}
		}
		return false, true
	case CompareBinary:
		if !value.Binary(text) {
			return false, false
		}
		for i := range want {
			if p.str(want[i].text) == text {
				return true, true
			}
		}
		return false, true
	case CompareBool:
		b, ok := value.Bool(text)
		for i := range want {
			found = found || b == (want[i].a != 0)
		}
		return found, ok
	case CompareIP:
		a, ok := value.Address(text)
		if !ok {
			return false, false
		}
		b := a.As16()
		high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
		for i := range want {
			found = found || want[i].holds(high, low, a.Is4())
		}
		return found, true
	case CompareNumberEqual, CompareNumberLess, CompareNumberLessEqual, CompareNumberGreater, CompareNumberGreaterEqual:
		n, ok := value.Number(text)
		if !ok {
			return false, false
		}
		for i := range want {
			found = found || ordered(how-CompareNumberEqual, order(n, math.Float64frombits(want[i].a)))
		}
		return found, true
	case CompareDateEqual, CompareDateLess, CompareDateLessEqual, CompareDateGreater, CompareDateGreaterEqual:
		at, ok := value.Date(text)
		if !ok {
			return false, false
		}
		for i := range want {
			other := value.Instant{Seconds: int64(want[i].a), Nanos: int32(want[i].b)}
			found = found || ordered(how-CompareDateEqual, at.Compare(other))
		}
		return found, true
	}
	return false, false
}

func order(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// ordered reads the result of a comparison as =, <, <=, >, >=, in that order.
func ordered(how Comparison, c int) bool {
	switch how {
	case 0:
		return c == 0
	case 1:
		return c < 0
	case 2:
		return c <= 0
	case 3:
		return c > 0
	}
	return c >= 0
}

// holds reports whether the range holds the address (IPv4 in its mapped form,
// as As16 gives it).
func (c *constant) holds(high, low uint64, is4 bool) bool {
	if c.is4 != is4 {
		return false
	}
	n := uint(c.bits)
	if is4 {
		n += 96
	}
	if n <= 64 {
		return (high^c.a)>>(64-n) == 0
	}
	return high == c.a && (low^c.b)>>(128-n) == 0
}

// compareText compares with a program; a variable without a value matches nothing.
func (p *Policies) compareText(how Comparison, text, program string, v *view) bool {
	if how == CompareLike {
		return p.match(program, text, v) == matches
	}
	if strings.IndexByte(program, opVariable) >= 0 {
		var ok bool
		if program, ok = p.expand(program, len(text), v); !ok {
			return false
		}
	}
	if how == CompareText {
		return program == text
	}
	return value.EqualFoldASCII(program, text)
}

// compareArn matches the six parts of an ARN one by one; text has five colons
// at least.
func (p *Policies) compareArn(program, text string, v *view) bool {
	for i := 0; i < 5; i++ {
		var part, have string
		part, program, _ = strings.Cut(program, separator)
		have, text, _ = strings.Cut(text, ":")
		if p.match(part, have, v) != matches {
			return false
		}
	}
	return p.match(program, text, v) == matches
}

const separator = string("\xfc") // opSeparator
