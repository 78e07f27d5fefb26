package reference

import (
	"bytes"
	"strings"

	"postern/policy"
)

// conditionsHold tells whether the conditions of a statement hold (1.7):
// "Operators AND, keys AND, values OR."
func (q *question) conditionsHold(d *policy.Document, s *policy.Statement) bool {
	for _, c := range s.Conditions {
		if !q.conditionHolds(d, s.Effect, c) {
			return false
		}
	}
	return true
}

// conditionHolds evaluates one operator with one key, by the table of 1.7,
// Evaluation: "First the qualifier decides absence, then IfExists, then the
// sign".
func (q *question) conditionHolds(d *policy.Document, effect policy.Effect, c policy.Condition) bool {
	// "a value in the request that the operator cannot read; one makes the
	// list unreadable: this operator and key count as false in an Allow, and
	// as true in a Deny, whatever qualifier or IfExists".
	unreadable := effect == policy.EffectDeny

	operator := c.Operator
	key := q.lookup(c.Key)
	if key.unreadable {
		return unreadable
	}
	absent := len(key.values) == 0

	// 1.7, Policy variables: "a negated operator holds in a Deny and, as soon as
	// one of its values has such a variable, the key's absence and IfExists
	// notwithstanding, is not satisfied in an Allow". In a Deny its pattern
	// matches nothing, and the table decides.
	if effect == policy.EffectAllow && operator.Test.Negated() && q.hasMissingVariable(d, operator.Test, c.Values) {
		return false
	}

	// "Null: "true": absent or an empty list; "false": present".
	if operator.Test == policy.Null {
		for _, text := range c.Values {
			wanted, ok := readBool(text)
			if !ok {
				return unreadable
			}
			if wanted == absent {
				return true
			}
		}
		return false
	}

	// "absent or an empty list, ForAllValues: true ...; a lone empty string
	// counts as absent here".
	if operator.Qualifier == policy.ForAllValues && len(key.values) == 1 && key.values[0] == "" {
		absent = true
	}
	if absent {
		switch {
		case operator.Qualifier == policy.ForAllValues:
			return true
		case operator.Qualifier == policy.ForAnyValue:
			return false // "also with IfExists"
		case operator.IfExists:
			return true
		}
		// "absent or an empty list, positive operator: false", "negated
		// operator (...Not...): true"
		return operator.Test.Negated()
	}

	var holds []bool // for each value alone
	for _, value := range key.values {
		// 7, Keys: "a policy variable of such a key matches in a Deny and not in
		// an Allow". What a negated operator matches does not hold.
		w := wanted{document: d, test: operator.Test, unseen: effect == policy.EffectDeny && !operator.Test.Negated()}
		matches, readable := q.matchesAny(w, value, c.Values)
		if !readable {
			return unreadable
		}
		// "each value alone: positive: it matches some policy value; negated:
		// it matches none".
		holds = append(holds, matches != operator.Test.Negated())
	}

	switch {
	case operator.Qualifier == policy.ForAllValues:
		return all(holds) // "every value holds"
	case operator.Qualifier == policy.ForAnyValue:
		return some(holds) // "one value holds"
	case operator.Test.Negated():
		return all(holds) // "several values, no qualifier: ... negated: all of them hold"
	}
	return some(holds) // "positive: any of them holds"
}

// wanted says how policy values are read.
type wanted struct {
	document *policy.Document
	test     policy.Test
	unseen   bool // a variable that cannot be seen stands for any text
}

// matchesAny tells whether a value of the request matches some policy value,
// and whether the operator can read it.
func (q *question) matchesAny(w wanted, value string, texts []string) (matches, readable bool) {
	for _, text := range texts {
		one, ok := q.compare(w, value, text)
		if !ok {
			return false, false
		}
		matches = matches || one
	}
	return matches, true
}

// compare tells whether a value of the request matches one policy value under
// the test without its negation, and whether it is readable. A policy value
// that its operator cannot read is refused by the parser; here it counts as an
// unreadable request, which denies.
func (q *question) compare(how wanted, value, wanted string) (matches, readable bool) {
	test := how.test
	switch test.Family() {
	case policy.FamilyString:
		return q.compareString(how, value, wanted), true
	case policy.FamilyArn:
		return q.compareArn(how, value, wanted)
	case policy.FamilyNumeric:
		v, ok1 := readNumber(value)
		w, ok2 := readNumber(wanted)
		return ordered(test, v < w, v == w), ok1 && ok2
	case policy.FamilyDate:
		v, ok1 := readDate(value)
		w, ok2 := readDate(wanted)
		return ordered(test, v.before(w), v == w), ok1 && ok2
	case policy.FamilyBool:
		v, ok1 := readBool(value)
		w, ok2 := readBool(wanted)
		return v == w, ok1 && ok2
	case policy.FamilyBinary:
		v, ok1 := readBinary(value)
		w, ok2 := readBinary(wanted)
		return bytes.Equal(v, w), ok1 && ok2
	case policy.FamilyIP:
		v, ok1 := readAddress(value)
		w, ok2 := readRange(wanted)
		return ok1 && ok2 && w.Contains(v), ok1 && ok2
	}
	return false, false
}

// ordered is the comparison of a Numeric or Date test, given how the request's
// value stands to the policy's.
func ordered(test policy.Test, less, equal bool) bool {
	switch test {
	case policy.NumericEquals, policy.NumericNotEquals, policy.DateEquals, policy.DateNotEquals:
		return equal
	case policy.NumericLessThan, policy.DateLessThan:
		return less
	case policy.NumericLessThanEquals, policy.DateLessThanEquals:
		return less || equal
	case policy.NumericGreaterThan, policy.DateGreaterThan:
		return !less && !equal
	case policy.NumericGreaterThanEquals, policy.DateGreaterThanEquals:
		return !less
	}
	return false
}

// hasMissingVariable tells whether one of the values of a String or Arn
// operator has a variable without a value.
func (q *question) hasMissingVariable(d *policy.Document, test policy.Test, values []string) bool {
	if family := test.Family(); family != policy.FamilyString && family != policy.FamilyArn {
		return false // "in the values of String and Arn operators"
	}
	for _, text := range values {
		if _, ok := q.readPattern(text, d.Variables, false); !ok {
			return true
		}
	}
	return false
}

// compareString is the String family. A variable without a value makes its
// pattern match nothing (1.7).
func (q *question) compareString(how wanted, value, wanted string) bool {
	p, ok := q.readPattern(wanted, how.document.Variables, how.unseen)
	if !ok {
		return false
	}
	switch how.test {
	case policy.StringEquals, policy.StringNotEquals:
		return p.text().matches(value)
	case policy.StringEqualsIgnoreCase, policy.StringNotEqualsIgnoreCase:
		return p.text().lower().matches(lowerASCII(value)) // "folds ASCII only"
	case policy.StringLike, policy.StringNotLike:
		return p.matches(value)
	}
	return false
}

// compareArn is the Arn family (1.7): "ArnEquals is ArnLike: both sides split
// at the first five colons, each of the six parts matched as a pattern; fewer
// parts are an error in a policy, and unreadable in a request".
func (q *question) compareArn(how wanted, value, wanted string) (matches, readable bool) {
	parts := strings.SplitN(value, ":", 6)
	if len(parts) < 6 {
		return false, false
	}
	p, ok := q.readPattern(wanted, how.document.Variables, how.unseen)
	if !ok {
		return false, true
	}
	patterns := p.splitArn()
	if len(patterns) < 6 {
		return false, false
	}
	for i := range parts {
		if !patterns[i].matches(parts[i]) {
			return false, true
		}
	}
	return true, true
}

// splitArn cuts a pattern at its first five colons: those of the policy, not
// those of a variable's name or value.
func (p pattern) splitArn() []pattern {
	parts := []pattern{nil}
	for _, t := range p {
		if t.kind == literal && t.text == ":" && len(parts) < 6 {
			parts = append(parts, nil)
			continue
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], t)
	}
	return parts
}

func all(holds []bool) bool {
	for _, h := range holds {
		if !h {
			return false
		}
	}
	return true
}

func some(holds []bool) bool {
	for _, h := range holds {
		if h {
			return true
		}
	}
	return false
}
