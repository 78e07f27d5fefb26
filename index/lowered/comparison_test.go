package lowered

import (
	"slices"
	"testing"

	"postern/policy"
)

// TestComparisonsAreWhole: every test of policies has one comparison, which has
// values of its family; and what is to be known of a comparison is in its row.
func TestComparisonsAreWhole(t *testing.T) {
	kinds := map[policy.Family][]ValueKind{
		policy.FamilyString: {ValueText, ValuePattern}, policy.FamilyNumeric: {ValueNumber}, policy.FamilyDate: {ValueDate}, policy.FamilyBool: {ValueBool},
		policy.FamilyBinary: {ValueBytes}, policy.FamilyIP: {ValueRange}, policy.FamilyArn: {ValueArn}, policy.FamilyNull: {ValueBool},
	}
	count := 0
	for _, test := range policy.Tests() {
		c := ComparisonOf(test)
		if kind := c.Values(); !slices.Contains(kinds[test.Family()], kind) || test.Patterns() != (kind == ValuePattern || kind == ValueArn) {
			t.Errorf("%s, of family %d, compares %q with values of kind %d", test, test.Family(), c, kind)
		}
		if !slices.Contains(comparisons[c].tests, test) {
			t.Errorf("%s has the comparison %q, whose row lacks it", test, c)
		}
	}
	for c := CompareNone + 1; c < ComparisonCount; c++ {
		ordered := c.Values() == ValueNumber || c.Values() == ValueDate
		if c.String() == "" || c.Values() == ValueNone || ordered != (c.Order() != 0) {
			t.Errorf("the row of %q, %d, is not whole", c, c)
		}
		count += len(comparisons[c].tests)
	}
	if want := policy.TestCount - 1; count != want {
		t.Errorf("the rows have %d tests, want each of %d once", count, want)
	}
	for _, no := range []policy.Test{policy.TestNone, policy.TestCount, 255} {
		if c := ComparisonOf(no); c != CompareNone || c.Values() != ValueNone {
			t.Errorf("%d, which is no test, compares %q", no, c)
		}
	}
}

func TestOrder(t *testing.T) {
	for c, want := range map[int]Order{-1: Less, 0: Equal, 1: Greater} {
		for o := range Order(8) {
			if got := o.Has(c); got != (o&want != 0) {
				t.Errorf("%03b has %d: %v", o, c, got)
			}
		}
	}
}
