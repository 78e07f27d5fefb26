package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/internal/policyjson"
	"postern/internal/value"
	"postern/policy"
)

// Rules about the values of conditions.

// equalsWithWildcard warns of wildcards, and of ranges of addresses, under
// operators that compare text as it is (specification 1.7).
func equalsWithWildcard(l *look, st *policy.Statement) {
	for i, c := range st.Conditions {
		o, literal := readings(c.Operator)
		if o.addresses.Test == policy.TestNone {
			continue
		}
		for k, v := range c.Values {
			at := l.at(policyjson.PartValue, i)
			at.Value = k
			switch shown := policyjson.Quote(v); {
			case isRange(v):
				l.warnFix(policy.CodeWildcardWithoutLike, at,
					fmt.Sprintf("%q compares the range %s as text, which no address equals; write %q", c.Operator, shown, o.addresses), l.operatorFix(st, i, o.addresses))
			case !literal || !strings.ContainsAny(l.withoutVariables(v), "*?"):
			case o.patterns.Test == policy.TestNone:
				l.warn(policy.CodeWildcardWithoutLike, at,
					fmt.Sprintf(`%q takes a wildcard literally, and %s has one; write "StringLike" or "StringNotLike", with each spelling that is meant`, c.Operator, shown))
			default:
				l.warnFix(policy.CodeWildcardWithoutLike, at,
					fmt.Sprintf("%q takes a wildcard literally, and %s has one; write %q", c.Operator, shown, o.patterns), l.operatorFix(st, i, o.patterns))
			}
		}
	}
}

// alike are operators that test the same in other readings of their values; the
// zero value where there is none.
type alike struct{ patterns, addresses policy.Operator }

// readings returns the operators that read patterns, and addresses, where one reads
// text, and whether that one takes wildcards literally.
func readings(o policy.Operator) (other alike, literal bool) {
	with := func(t policy.Test) policy.Operator {
		return policy.Operator{Test: t, Qualifier: o.Qualifier, IfExists: o.IfExists}
	}
	switch o.Test {
	case policy.StringEquals:
		return alike{with(policy.StringLike), with(policy.IPAddress)}, true
	case policy.StringNotEquals:
		return alike{with(policy.StringNotLike), with(policy.NotIPAddress)}, true
	case policy.StringEqualsIgnoreCase:
		return alike{addresses: with(policy.IPAddress)}, true
	case policy.StringNotEqualsIgnoreCase:
		return alike{addresses: with(policy.NotIPAddress)}, true
	case policy.StringLike:
		return alike{addresses: with(policy.IPAddress)}, false
	case policy.StringNotLike:
		return alike{addresses: with(policy.NotIPAddress)}, false
	}
	return alike{}, false
}

// isRange reports whether a value is a range of addresses with its length.
func isRange(v string) bool {
	if !strings.Contains(v, "/") {
		return false
	}
	_, _, ok := value.Prefix(v)
	return ok
}

// withoutVariables is a value without its policy variables, and without the escapes
// `${*}` and `${?}`.
func (l *look) withoutVariables(v string) string {
	if !l.Variables || !strings.Contains(v, "${") {
		return v
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(v, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, v, _ = strings.Cut(after, "}")
	}
}

// operatorFix gives the operator of condition i another name, if that leaves a
// good document which says the same of its other keys.
func (l *look) operatorFix(st *policy.Statement, i int, to policy.Operator) fix {
	from := st.Conditions[i].Operator
	for k, c := range st.Conditions {
		if c.Operator == to || c.Operator == from && k != i {
			return fix{}
		}
	}
	if to.Test.Family() == policy.FamilyIP && slices.ContainsFunc(st.Conditions[i].Values, func(v string) bool {
		_, _, ok := value.Prefix(v)
		return !ok
	}) {
		return fix{}
	}
	return fix{l.at(policyjson.PartOperator, i), to.String()}
}

// datesLikeNumbers warns of dates that are read as seconds, and look like a year, a
// day, or milliseconds.
func datesLikeNumbers(l *look, st *policy.Statement) {
	for i, c := range st.Conditions {
		if c.Operator.Test.Family() != policy.FamilyDate {
			continue
		}
		for k, v := range c.Values {
			instead, looks := dateMeant(v)
			if !looks {
				continue
			}
			at := l.at(policyjson.PartValue, i)
			at.Value = k
			read, _ := value.Date(v)
			l.warnFix(policy.CodeDateLikeNumber, at, fmt.Sprintf("%s is read as seconds since 1970, which is %s; write %s",
				policyjson.Quote(v), moment(read), policyjson.Quote(instead)), fix{at, instead})
		}
	}
}

// dateMeant returns the date that a number looks like; false if it looks like none.
func dateMeant(v string) (instead string, looks bool) {
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return "", false
	}
	switch len(v) {
	case len("2026"):
		return v + "-01-01", true
	case len("20260131"):
		day := v[:4] + "-" + v[4:6] + "-" + v[6:]
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return "", false
		}
		return day, true
	case len("1769903999000"):
		return v[:len(v)-3], true
	}
	return "", false
}

// moment is a time as a date that a policy may hold.
func moment(at value.Instant) string {
	return time.Unix(at.Seconds, 0).UTC().Format(time.RFC3339)
}
