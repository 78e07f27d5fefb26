package lowered

import "postern/policy"

// Comparison is how a value of a request is compared with a value of a
// condition.
type Comparison uint8

// The comparisons.
const (
	// CompareNone is no comparison: it can read no value of a request.
	CompareNone Comparison = iota
	CompareText
	CompareTextFold
	CompareLike
	// CompareBegins stands in place of CompareLike and CompareArn if all patterns
	// are literal text and then `*`: the values are prefixes. The index makes it.
	CompareBegins
	CompareArn
	CompareNumberEqual
	CompareNumberLess
	CompareNumberLessEqual
	CompareNumberGreater
	CompareNumberGreaterEqual
	CompareDateEqual
	CompareDateLess
	CompareDateLessEqual
	CompareDateGreater
	CompareDateGreaterEqual
	CompareBool
	CompareBinary
	CompareIP
	CompareNull

	// ComparisonCount is the length of an array that holds something of each.
	ComparisonCount = iota
)

// ValueKind is the form that the values of a comparison have.
type ValueKind uint8

// The kinds of value.
const (
	ValueNone    ValueKind = iota
	ValueText              // Value.Text is a program that may have variables, but no wildcards
	ValuePattern           // Value.Text is a program
	ValueArn               // Value.Text is a program with separators
	ValueBytes             // Value.Text is the text
	ValueBool              // Value.A is 1 or 0
	ValueNumber            // Value.A has the bits of a double
	ValueDate              // Value.A has the seconds of an instant, Value.B its nanoseconds
	ValueRange             // Value.A has the high half of an address, Value.B the low half; Bits and Is4 are set

	// ValueKindCount is the length of an array that holds something of each.
	ValueKindCount = iota
)

// Order is a set of results of comparing a value of a request with a value of a
// condition.
type Order uint8

// The results.
const (
	Less Order = 1 << iota
	Equal
	Greater
)

// Has reports whether the set has the result c of a comparison: -1, 0 or 1.
func (o Order) Has(c int) bool { return o>>(c+1)&1 != 0 }

// comparisons has a row for each comparison. How a comparison compares is in a
// table of the index, in internal/match.
var comparisons = [ComparisonCount]struct {
	name   string // for people
	values ValueKind
	// order has the results with which the comparison holds, if its values have an
	// order.
	order Order
	// rank orders the conditions of a statement, lowest first. It is a guess at
	// what is cheap and selective, and changes no answer.
	rank uint8
	// tests are the tests of policies that compare so.
	tests []policy.Test
}{
	CompareNone:               {name: "none"},
	CompareText:               {"text", ValueText, 0, 0, []policy.Test{policy.StringEquals, policy.StringNotEquals}},
	CompareTextFold:           {"folded text", ValueText, 0, 0, []policy.Test{policy.StringEqualsIgnoreCase, policy.StringNotEqualsIgnoreCase}},
	CompareLike:               {"like", ValuePattern, 0, 2, []policy.Test{policy.StringLike, policy.StringNotLike}},
	CompareBegins:             {"begins", ValuePattern, 0, 2, nil},
	CompareArn:                {"ARN like", ValueArn, 0, 2, []policy.Test{policy.ArnEquals, policy.ArnLike, policy.ArnNotEquals, policy.ArnNotLike}},
	CompareNumberEqual:        {"number =", ValueNumber, Equal, 1, []policy.Test{policy.NumericEquals, policy.NumericNotEquals}},
	CompareNumberLess:         {"number <", ValueNumber, Less, 4, []policy.Test{policy.NumericLessThan}},
	CompareNumberLessEqual:    {"number <=", ValueNumber, Less | Equal, 4, []policy.Test{policy.NumericLessThanEquals}},
	CompareNumberGreater:      {"number >", ValueNumber, Greater, 4, []policy.Test{policy.NumericGreaterThan}},
	CompareNumberGreaterEqual: {"number >=", ValueNumber, Greater | Equal, 4, []policy.Test{policy.NumericGreaterThanEquals}},
	CompareDateEqual:          {"date =", ValueDate, Equal, 1, []policy.Test{policy.DateEquals, policy.DateNotEquals}},
	CompareDateLess:           {"date <", ValueDate, Less, 4, []policy.Test{policy.DateLessThan}},
	CompareDateLessEqual:      {"date <=", ValueDate, Less | Equal, 4, []policy.Test{policy.DateLessThanEquals}},
	CompareDateGreater:        {"date >", ValueDate, Greater, 4, []policy.Test{policy.DateGreaterThan}},
	CompareDateGreaterEqual:   {"date >=", ValueDate, Greater | Equal, 4, []policy.Test{policy.DateGreaterThanEquals}},
	CompareBool:               {"boolean", ValueBool, 0, 3, []policy.Test{policy.Bool}},
	CompareBinary:             {"bytes", ValueBytes, 0, 0, []policy.Test{policy.BinaryEquals}},
	CompareIP:                 {"address in", ValueRange, 0, 1, []policy.Test{policy.IPAddress, policy.NotIPAddress}},
	CompareNull:               {"absent", ValueBool, 0, 3, []policy.Test{policy.Null}},
}

// ofTests has the comparisons by tests of policies.
var ofTests = func() (of [policy.TestCount]Comparison) {
	for c := range comparisons {
		for _, t := range comparisons[c].tests {
			of[t] = Comparison(c)
		}
	}
	return of
}()

// ComparisonOf returns the comparison of a test. It returns CompareNone for
// TestNone, and for anything that is no test.
func ComparisonOf(t policy.Test) Comparison {
	if int(t) < len(ofTests) {
		return ofTests[t]
	}
	return CompareNone
}

// String returns the comparison's name, for people.
func (c Comparison) String() string { return comparisons[c].name }

// Values returns the kind of the comparison's values.
func (c Comparison) Values() ValueKind { return comparisons[c].values }

// Order returns the results with which the comparison holds, if its values have
// an order.
func (c Comparison) Order() Order { return comparisons[c].order }

// Rank returns a number that orders the conditions of a statement, lowest first.
func (c Comparison) Rank() int { return int(comparisons[c].rank) }
