package policy

import "strings"

// Test is the comparison of a condition operator, without its qualifier and
// `IfExists` (specification 1.7).
type Test uint8

// The tests, in the order of specification 1.7.
const (
	TestNone Test = iota
	StringEquals
	StringNotEquals
	StringEqualsIgnoreCase
	StringNotEqualsIgnoreCase
	StringLike
	StringNotLike
	NumericEquals
	NumericNotEquals
	NumericLessThan
	NumericLessThanEquals
	NumericGreaterThan
	NumericGreaterThanEquals
	DateEquals
	DateNotEquals
	DateLessThan
	DateLessThanEquals
	DateGreaterThan
	DateGreaterThanEquals
	Bool
	BinaryEquals
	IPAddress
	NotIPAddress
	ArnEquals
	ArnLike
	ArnNotEquals
	ArnNotLike
	Null

	// TestCount is the length of an array that holds something of each test,
	// TestNone included.
	TestCount = iota
)

// Family tells how the values of a test are read.
type Family uint8

// The families of tests (specification 1.7, Values).
const (
	FamilyString Family = iota + 1
	FamilyNumeric
	FamilyDate
	FamilyBool
	FamilyBinary
	FamilyIP
	FamilyArn
	FamilyNull
)

// trait is a set of what a test is beside its family.
type trait uint8

const (
	negated  trait = 1 << iota
	patterns       // `*` and `?` in values are wildcards
)

// tests is the table of operators: whoever reads a value of a policy goes by it.
var tests = [TestCount]struct {
	name   string
	family Family
	traits trait
}{
	TestNone:                  {},
	StringEquals:              {"StringEquals", FamilyString, 0},
	StringNotEquals:           {"StringNotEquals", FamilyString, negated},
	StringEqualsIgnoreCase:    {"StringEqualsIgnoreCase", FamilyString, 0},
	StringNotEqualsIgnoreCase: {"StringNotEqualsIgnoreCase", FamilyString, negated},
	StringLike:                {"StringLike", FamilyString, patterns},
	StringNotLike:             {"StringNotLike", FamilyString, negated | patterns},
	NumericEquals:             {"NumericEquals", FamilyNumeric, 0},
	NumericNotEquals:          {"NumericNotEquals", FamilyNumeric, negated},
	NumericLessThan:           {"NumericLessThan", FamilyNumeric, 0},
	NumericLessThanEquals:     {"NumericLessThanEquals", FamilyNumeric, 0},
	NumericGreaterThan:        {"NumericGreaterThan", FamilyNumeric, 0},
	NumericGreaterThanEquals:  {"NumericGreaterThanEquals", FamilyNumeric, 0},
	DateEquals:                {"DateEquals", FamilyDate, 0},
	DateNotEquals:             {"DateNotEquals", FamilyDate, negated},
	DateLessThan:              {"DateLessThan", FamilyDate, 0},
	DateLessThanEquals:        {"DateLessThanEquals", FamilyDate, 0},
	DateGreaterThan:           {"DateGreaterThan", FamilyDate, 0},
	DateGreaterThanEquals:     {"DateGreaterThanEquals", FamilyDate, 0},
	Bool:                      {"Bool", FamilyBool, 0},
	BinaryEquals:              {"BinaryEquals", FamilyBinary, 0},
	IPAddress:                 {"IpAddress", FamilyIP, 0},
	NotIPAddress:              {"NotIpAddress", FamilyIP, negated},
	ArnEquals:                 {"ArnEquals", FamilyArn, patterns},
	ArnLike:                   {"ArnLike", FamilyArn, patterns},
	ArnNotEquals:              {"ArnNotEquals", FamilyArn, negated | patterns},
	ArnNotLike:                {"ArnNotLike", FamilyArn, negated | patterns},
	Null:                      {"Null", FamilyNull, 0},
}

// Tests returns every test, in the order of the specification.
func Tests() []Test {
	out := make([]Test, 0, TestCount-1)
	for t := TestNone + 1; t < TestCount; t++ {
		out = append(out, t)
	}
	return out
}

// String returns the test's name in policy files.
func (t Test) String() string { return tests[t].name }

// Family tells how the test's values are read.
func (t Test) Family() Family { return tests[t].family }

// Negated reports whether the test is a `...Not...` one.
func (t Test) Negated() bool { return tests[t].traits&negated != 0 }

// Patterns reports whether `*` and `?` in the test's values are wildcards.
func (t Test) Patterns() bool { return tests[t].traits&patterns != 0 }

// Qualifier is the set qualifier of an operator.
type Qualifier uint8

// The set qualifiers (specification 1.7).
const (
	QualifierNone Qualifier = iota
	ForAllValues
	ForAnyValue
)

// String returns the qualifier as it stands in front of an operator, with its
// colon; "" for QualifierNone.
func (q Qualifier) String() string {
	switch q {
	case ForAllValues:
		return "ForAllValues:"
	case ForAnyValue:
		return "ForAnyValue:"
	}
	return ""
}

// Operator is a condition operator in full.
type Operator struct {
	Test      Test
	Qualifier Qualifier
	IfExists  bool
}

// String returns the operator's name in policy files.
func (o Operator) String() string {
	s := o.Qualifier.String() + o.Test.String()
	if o.IfExists {
		s += "IfExists"
	}
	return s
}

// ParseOperator reads an operator's name, case-sensitively, as policy files
// have to spell it; false if there is no such operator (specification 1.7).
func ParseOperator(name string) (Operator, bool) {
	var o Operator
	for _, q := range []Qualifier{ForAllValues, ForAnyValue} {
		if rest, ok := strings.CutPrefix(name, q.String()); ok {
			o.Qualifier, name = q, rest
			break
		}
	}
	name, o.IfExists = strings.CutSuffix(name, "IfExists")
	for t := TestNone + 1; t < TestCount; t++ {
		if tests[t].name != name {
			continue
		}
		if t == Null && (o.IfExists || o.Qualifier != QualifierNone) {
			return Operator{}, false
		}
		o.Test = t
		return o, true
	}
	return Operator{}, false
}
