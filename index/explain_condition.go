package index

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/value"
	"postern/policy"
)

// failures collects what of the nearest Allow did not hold, in detail.
type failures struct{ *policy.Nearest }

// conditions adds the conditions of a statement that do not hold.
func (f failures) conditions(p *Policies, b block, r record, v *view) {
	for want := range p.conditionEntries(b, r) {
		how := b[want.entry+conditionHow]
		if want.conditionHolds(want.entry, lowered.KeyKind(how>>16), v, r.is(flagDeny)) {
			continue
		}
		if want.op&conditionVariables != 0 {
			for i := range want.n {
				f.variables(p, b.text(want.at, i), v)
			}
		}
		if len(f.Conditions) < policy.MaxFailedConditions {
			f.Conditions = append(f.Conditions, want.failed(v))
		}
	}
}

// resource adds the variables without a value in the resources of a statement.
func (f failures) resource(p *Policies, b block, r record, v *view) {
	exact, beginnings, globs := b.what(r)
	at := b.patterns(r) + textWords*(exact+beginnings)
	for i := range globs {
		f.variables(p, b.text(at, i), v)
	}
}

// variables adds those of a program that have no value.
func (f failures) variables(p *Policies, program string, v *view) {
	for len(f.Variables) < policy.MaxFailedConditions {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 {
			return
		}
		n, rest := glob.VariableNumber(program[i:])
		x := &p.variables[n]
		program = rest
		if _, ok := v.variable(x); ok {
			continue
		}
		if text := cut(x.String()); !slices.Contains(f.Variables, text) {
			f.Variables = append(f.Variables, text)
		}
	}
}

// failed tells of one condition that does not hold.
func (w *entryAt) failed(v *view) policy.FailedCondition {
	b := w.b
	how := b[w.entry+conditionHow]
	kind, test := lowered.KeyKind(how>>16), policy.Test(how>>24)
	name := b.str(b[w.entry+conditionKeyAt], b[w.entry+conditionKeyLen])
	out := policy.FailedCondition{Operator: w.operator(kind, test), Key: cut(lowered.Key{Kind: kind, Name: name}.String())}
	for i := range w.n {
		out.Values = appendCut(out.Values, w.value(i, test))
	}
	if kind == lowered.KeyResource { // one text of two forms, and always there
		out.Had = appendCut(out.Had, v.text)
		if uid := v.request.Resource.UID; uid != "" {
			out.Had = appendCut(out.Had, v.resourceType+":uid:"+uid)
		}
		return out
	}
	have, unreadable := v.lookup(kind, name, b[w.entry+conditionKeyTag], &v.values)
	out.Unreadable = unreadable
	for i := range have {
		text := have[i].Text
		out.Had = appendCut(out.Had, text)
		if w.how != lowered.CompareNull {
			_, ok := w.compare(text, v)
			out.Unreadable = out.Unreadable || !ok
		}
	}
	return out
}

// operator writes the operator as a policy does.
func (w *entryAt) operator(kind lowered.KeyKind, test policy.Test) string {
	negated := w.op&conditionNegated != 0
	switch {
	case test != policy.TestNone:
		o := policy.Operator{Test: test, IfExists: w.op&conditionIfExists != 0}
		switch {
		case w.op&conditionForAll != 0:
			o.Qualifier = policy.ForAllValues
		case w.op&conditionForAny != 0:
			o.Qualifier = policy.ForAnyValue
		}
		return o.String()
	case w.how == lowered.CompareNull && w.b[w.at] != 0:
		return "DoesNotExist"
	case w.how == lowered.CompareNull:
		return "Exists"
	case kind == lowered.KeyResource && negated:
		return "StringNotLike"
	case kind == lowered.KeyResource:
		return "StringLike"
	case negated:
		return "NotIn"
	}
	return "In"
}

// value writes a wanted value as a policy may.
func (w *entryAt) value(i uint32, test policy.Test) string {
	switch w.how {
	case lowered.CompareText, lowered.CompareTextFold, lowered.CompareLike, lowered.CompareArn, compareBegins:
		text := w.policies.programText(w.b.text(w.at, i))
		if w.how == compareBegins {
			text += "*"
		}
		if w.how == lowered.CompareText && test.Family() == policy.FamilyString && test != policy.StringLike && test != policy.StringNotLike || w.how == lowered.CompareTextFold {
			text = plainText.Replace(text) // where a `*` is no wildcard
		}
		return text
	case lowered.CompareBinary:
		return w.b.text(w.at, i)
	case lowered.CompareBool, lowered.CompareNull:
		return strconv.FormatBool(w.b[w.at+i] != 0)
	case lowered.CompareIP:
		var bytes [16]byte
		binary.BigEndian.PutUint64(bytes[:8], w.u64(i, 0))
		binary.BigEndian.PutUint64(bytes[8:], w.u64(i, 2))
		address, last := netip.AddrFrom16(bytes), w.b[w.at+5*i+4]
		if last&rangeIs4 != 0 {
			address = address.Unmap()
		}
		return netip.PrefixFrom(address, int(last&^rangeIs4)).String()
	case lowered.CompareDateEqual, lowered.CompareDateLess, lowered.CompareDateLessEqual, lowered.CompareDateGreater, lowered.CompareDateGreaterEqual:
		return string(value.AppendTime(nil, int64(w.u64(i, 0))))
	}
	number := math.Float64frombits(w.u64(i, 0))
	if math.Abs(number) < 1e15 {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return strconv.FormatFloat(number, 'g', -1, 64)
}

// plainText undoes literalText.
var plainText = strings.NewReplacer("${*}", "*", "${?}", "?")

// appendCut appends a value within the bounds of policy.FailedCondition.
func appendCut(list []string, text string) []string {
	switch {
	case len(list) < policy.MaxFailedConditions:
		return append(list, cut(text))
	case len(list) == policy.MaxFailedConditions:
		return append(list, "...")
	}
	return list
}

// cut copies a text within policy.MaxFailedValue.
func cut(text string) string {
	if len(text) <= policy.MaxFailedValue {
		return strings.Clone(text)
	}
	return strings.ToValidUTF8(text[:policy.MaxFailedValue-len("...")], "") + "..."
}
