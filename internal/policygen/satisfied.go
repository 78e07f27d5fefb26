package policygen

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"postern/policy"
)

// satisfied tells whether a statement that a workload made is satisfied by a
// request that it made. It knows the shapes that workloads use, and no more:
// no variables, no `?`, no other names of an action, no unreadable values.
func satisfied(s *policy.Statement, r *policy.Request) bool {
	return slices.ContainsFunc(s.Principals, func(p policy.PrincipalPattern) bool { return namesCaller(p, &r.Principal) }) &&
		slices.ContainsFunc(s.Actions, func(a string) bool { return glob(a, r.Action) }) &&
		slices.ContainsFunc(s.Resources, func(p string) bool { return glob(p, r.Resource.ID) }) &&
		!slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool { return !holds(c, r) })
}

func namesCaller(p policy.PrincipalPattern, caller *policy.Principal) bool {
	switch p.Kind {
	case policy.PrincipalEveryone:
		return true
	case policy.PrincipalOrganization, policy.PrincipalAccount:
		return p.Org == caller.Org
	case policy.PrincipalExact:
		return slices.Contains(caller.IDs, p.Name)
	case policy.PrincipalPrefix:
		return slices.ContainsFunc(caller.IDs, func(id string) bool { return strings.HasPrefix(id, p.Name) })
	}
	return false
}

// glob matches a pattern in which `*` is the only wildcard: each literal part
// is taken where it is found first, the last at the end.
func glob(pattern, text string) bool {
	before, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	if !strings.HasPrefix(text, before) {
		return false
	}
	text = text[len(before):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], after
	}
}

// holds evaluates a condition that conditions.go made.
func holds(c policy.Condition, r *policy.Request) bool {
	var values []policy.Value
	for _, a := range r.Context {
		if a.Key == c.Key {
			values = a.Values
		}
	}
	switch c.Key {
	case "cw:PrincipalOrgID":
		values = []policy.Value{{Text: r.Principal.Org}}
	case "aws:CurrentTime":
		values = []policy.Value{{Text: workloadClock}}
	}
	negated := c.Operator.Test.Negated()
	if c.Operator.Test == policy.Null {
		return slices.Contains(c.Values, strconv.FormatBool(len(values) == 0))
	}
	if len(values) == 0 {
		if c.Operator.Qualifier == policy.ForAnyValue {
			return false
		}
		return negated || c.Operator.IfExists || c.Operator.Qualifier == policy.ForAllValues
	}
	any, all := false, true
	for _, v := range values {
		one := slices.ContainsFunc(c.Values, func(want string) bool { return compare(c.Operator.Test, v.Text, want) }) != negated
		any, all = any || one, all && one
	}
	if c.Operator.Qualifier == policy.ForAllValues || c.Operator.Qualifier == policy.QualifierNone && negated {
		return all
	}
	return any
}

// compare is a test without its negation, on values as conditions.go writes
// them: whole numbers, dates in one form, no mapped addresses.
func compare(t policy.Test, value, want string) bool {
	switch t.Family() {
	case policy.FamilyString:
		switch t {
		case policy.StringLike, policy.StringNotLike:
			return glob(want, value)
		case policy.StringEqualsIgnoreCase, policy.StringNotEqualsIgnoreCase:
			return strings.EqualFold(want, value)
		}
		return value == want
	case policy.FamilyNumeric, policy.FamilyDate:
		order := strings.Compare(value, want) // dates in one form order as texts
		if t.Family() == policy.FamilyNumeric {
			v, _ := strconv.Atoi(value)
			w, _ := strconv.Atoi(want)
			order = v - w
		}
		switch t {
		case policy.NumericLessThan, policy.DateLessThan:
			return order < 0
		case policy.NumericLessThanEquals, policy.DateLessThanEquals:
			return order <= 0
		case policy.NumericGreaterThan, policy.DateGreaterThan:
			return order > 0
		case policy.NumericGreaterThanEquals, policy.DateGreaterThanEquals:
			return order >= 0
		}
		return order == 0
	case policy.FamilyIP:
		network, err := netip.ParsePrefix(want)
		return err == nil && network.Contains(netip.MustParseAddr(value))
	case policy.FamilyArn:
		return glob(want, value) // `*` stands in the last part only
	}
	return value == want // Bool and Binary in one form
}
