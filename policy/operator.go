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

var tests = [TestCount]struct {
	name    string
	family  Family
	negated bool
}{
	TestNone:                  {},
	StringEquals:              {"StringEquals", FamilyString, false},
	StringNotEquals:           {"StringNotEquals", FamilyString, true},
	StringEqualsIgnoreCase:    {"StringEqualsIgnoreCase", FamilyString, false},
	StringNotEqualsIgnoreCase: {"StringNotEqualsIgnoreCase", FamilyString, true},
	StringLike:                {"StringLike", FamilyString, false},
	StringNotLike:             {"StringNotLike", FamilyString, true},
	NumericEquals:             {"NumericEquals", FamilyNumeric, false},
	NumericNotEquals:          {"NumericNotEquals", FamilyNumeric, true},
	NumericLessThan:           {"NumericLessThan", FamilyNumeric, false},
	NumericLessThanEquals:     {"NumericLessThanEquals", FamilyNumeric, false},
	NumericGreaterThan:        {"NumericGreaterThan", FamilyNumeric, false},
	NumericGreaterThanEquals:  {"NumericGreaterThanEquals", FamilyNumeric, false},
	DateEquals:                {"DateEquals", FamilyDate, false},
	DateNotEquals:             {"DateNotEquals", FamilyDate, true},
	DateLessThan:              {"DateLessThan", FamilyDate, false},
	DateLessThanEquals:        {"DateLessThanEquals", FamilyDate, false},
	DateGreaterThan:           {"DateGreaterThan", FamilyDate, false},
	DateGreaterThanEquals:     {"DateGreaterThanEquals", FamilyDate, false},
	Bool:                      {"Bool", FamilyBool, false},
	BinaryEquals:              {"BinaryEquals", FamilyBinary, false},
	IPAddress:                 {"IpAddress", FamilyIP, false},
	NotIPAddress:              {"NotIpAddress", FamilyIP, true},
	ArnEquals:                 {"ArnEquals", FamilyArn, false},
	ArnLike:                   {"ArnLike", FamilyArn, false},
	ArnNotEquals:              {"ArnNotEquals", FamilyArn, true},
	ArnNotLike:                {"ArnNotLike", FamilyArn, true},
	Null:                      {"Null", FamilyNull, false},
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
func (t Test) Negated() bool { return tests[t].negated }

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
