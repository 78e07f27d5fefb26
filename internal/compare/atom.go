package compare

import (
	"cmp"
	"slices"

	"postern/internal/value"
	"postern/policy"
)

// An atom is one test of a statement on one slot of a request: on the caller's
// identifiers, on the resource, or on a condition key. Principal and Resource
// are tests like the conditions on keys: that one of the texts matches;
// NotPrincipal and NotResource are like the negated ones.
type atom struct {
	slot     string
	effect   policy.Effect
	operator policy.Operator
	// globs are what a text is matched with, of the families that match texts;
	// values are what the others compare with.
	globs  []glob
	values []string
	// inexact: the globs match more than the patterns, which have policy
	// variables; exact are those that match what their patterns do.
	inexact bool
	exact   []glob
	// missing: a variable has no value, and because of that the test of an Allow
	// fails whatever the key says (specification 1.7).
	missing bool
}

// textual reports that the atom's family matches texts with globs.
func (a *atom) textual() bool {
	f := a.operator.Test.Family()
	return f == policy.FamilyString || f == policy.FamilyArn
}

// conditionAtom reads a condition (specification 1.7).
func (sc *scenario) conditionAtom(slot string, c *clause, condition *policy.Condition) *atom {
	test := condition.Operator.Test
	a := &atom{slot: slot, effect: c.Effect, operator: condition.Operator, values: condition.Values}
	if !a.textual() {
		return a
	}
	like := test == policy.StringLike || test == policy.StringNotLike || test.Family() == policy.FamilyArn
	for _, text := range condition.Values {
		g, exact, missing := sc.readGlob(text, c.document.Variables, like)
		if missing {
			a.missing = a.missing || test.Negated() && c.Effect == policy.EffectAllow
			continue // it matches nothing
		}
		if test.Family() == policy.FamilyArn {
			g.fields = arnFields(g)
		}
		g.fold = test == policy.StringEqualsIgnoreCase || test == policy.StringNotEqualsIgnoreCase
		a.globs = append(a.globs, g)
		if exact {
			a.exact = append(a.exact, g)
		}
		a.inexact = a.inexact || !exact
	}
	return a
}

// absent is what the atom says of a key that is absent.
func (a *atom) absent() bool {
	o := a.operator
	switch {
	case o.Test == policy.Null:
		return slices.ContainsFunc(a.values, func(v string) bool { wanted, _ := value.Bool(v); return wanted })
	case o.Qualifier == policy.ForAllValues:
		return true
	case o.Qualifier == policy.ForAnyValue:
		return false
	case o.IfExists:
		return true
	}
	return o.Test.Negated()
}

// unreadable is what an atom says of what its operator cannot read.
func (a *atom) unreadable() bool { return a.effect == policy.EffectDeny }

// every reports that each of several texts has to hold, and not any of them.
func (a *atom) every() bool {
	switch a.operator.Qualifier {
	case policy.ForAllValues:
		return true
	case policy.ForAnyValue:
		return false
	}
	return a.operator.Test.Negated()
}

// holdsFor tells whether the test holds for one text alone, and whether it can
// read it.
func (a *atom) holdsFor(text string) (holds, readable bool) {
	matches := false
	if a.textual() {
		if a.operator.Test.Family() == policy.FamilyArn && !anArn.matches(text) {
			return false, false
		}
		matches = slices.ContainsFunc(a.globs, func(g glob) bool { return g.matches(text) })
		return matches != a.operator.Test.Negated(), true
	}
	for _, v := range a.values {
		one, ok := compareValues(a.operator.Test, text, v)
		if !ok {
			return false, false
		}
		matches = matches || one
	}
	return matches != a.operator.Test.Negated(), true
}

// holds tells what the atom says of a slot's content.
func (a *atom) holds(c content) bool {
	texts := c.texts
	if c.object {
		return a.unreadable()
	}
	if len(texts) == 0 || a.operator.Qualifier == policy.ForAllValues && len(texts) == 1 && texts[0] == "" {
		return a.absent()
	}
	if a.operator.Test == policy.Null {
		return slices.ContainsFunc(a.values, func(v string) bool { wanted, _ := value.Bool(v); return !wanted })
	}
	any, every := false, true
	for _, text := range texts {
		holds, readable := a.holdsFor(text)
		if !readable {
			return a.unreadable()
		}
		any, every = any || holds, every && holds
	}
	if a.every() {
		return every
	}
	return any
}

// content is what a request says in one slot.
type content struct {
	texts []string
	// object: the key is an object, which no operator can read.
	object bool
}

// compareValues compares a value of a request with one of a policy, by a test
// without its negation; readable is false if either cannot be read.
func compareValues(test policy.Test, text, wanted string) (matches, readable bool) {
	switch test.Family() {
	case policy.FamilyNumeric:
		v, ok := value.Number(text)
		w, okW := value.Number(wanted)
		return ordered(test, cmp.Compare(v, w)), ok && okW
	case policy.FamilyDate:
		v, ok := value.Date(text)
		w, okW := value.Date(wanted)
		return ordered(test, v.Compare(w)), ok && okW
	case policy.FamilyBool:
		v, ok := value.Bool(text)
		w, okW := value.Bool(wanted)
		return v == w, ok && okW
	case policy.FamilyBinary:
		return text == wanted, value.Binary(text) && value.Binary(wanted)
	case policy.FamilyIP:
		v, ok := value.Address(text)
		w, _, okW := value.Prefix(wanted)
		return ok && okW && w.Contains(v), ok && okW
	}
	return false, false
}

func ordered(test policy.Test, c int) bool {
	switch test {
	case policy.NumericEquals, policy.NumericNotEquals, policy.DateEquals, policy.DateNotEquals:
		return c == 0
	case policy.NumericLessThan, policy.DateLessThan:
		return c < 0
	case policy.NumericLessThanEquals, policy.DateLessThanEquals:
		return c <= 0
	case policy.NumericGreaterThan, policy.DateGreaterThan:
		return c > 0
	case policy.NumericGreaterThanEquals, policy.DateGreaterThanEquals:
		return c >= 0
	}
	return false
}
