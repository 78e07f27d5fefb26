package match

import (
	"testing"

	"postern/index/lowered"
	"postern/policy"
)

// TestComparersAreWhole: every comparison has a row; and what has none, as what
// no comparison stands for, is unreadable: false in an Allow, true in a Deny.
func TestComparersAreWhole(t *testing.T) {
	for c := range lowered.Comparison(lowered.ComparisonCount) {
		if comparers[c].compare == nil || comparers[c].work == nil {
			t.Errorf("%q has no comparer", c)
		}
	}
	r := policy.Request{Context: []policy.Attribute{{Key: "k", Values: []policy.Value{{Text: "0"}}}}}
	var v View
	v.Begin(&r, "")
	for _, negated := range []bool{false, true} {
		b := blockOf(&lowered.Statement{Conditions: []lowered.Condition{{
			Operator: lowered.Operator{Compare: lowered.CompareNone, Negated: negated}, Key: lowered.Key{Name: "k"}, Values: []lowered.Value{{}},
		}}})
		for _, deny := range []bool{false, true} {
			record := b.Record(0)
			if deny {
				record = record.AsDeny()
			}
			if got := new(Variables).ConditionsHold(b, record, &v); got != deny {
				t.Errorf("no comparison, negated %v, deny %v: %v", negated, deny, got)
			}
		}
	}
}
