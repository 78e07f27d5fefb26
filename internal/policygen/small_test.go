package policygen

import (
	"reflect"
	"testing"

	"postern/internal/reference"
	"postern/policy"
)

func TestSmallSameSeed(t *testing.T) {
	for seed := range uint64(50) {
		d1, r1 := Small(seed)
		d2, r2 := Small(seed)
		if !reflect.DeepEqual(d1, d2) || !reflect.DeepEqual(r1, r2) {
			t.Fatalf("seed %d gives two worlds", seed)
		}
		d3, r3 := Small(seed + 1)
		if reflect.DeepEqual(d1, d3) || reflect.DeepEqual(r1, r3) {
			t.Fatalf("seeds %d and %d give one world", seed, seed+1)
		}
	}
}

// TestSmallReaches: every reason but iam_deny is reached, allows and denials
// by a policy are frequent, and large documents are there.
func TestSmallReaches(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out how often the generator reaches each rule")
	}
	reasons := map[policy.Reason]int{}
	large := map[int]int{}
	requests := 0
	for seed := range uint64(1500) {
		d, rs := Small(seed)
		e := reference.New(d)
		for _, r := range rs {
			requests++
			reasons[e.Evaluate(r).Decision.Reason]++
		}
		documents(d, func(d *policy.Document) {
			for _, bound := range []int{64, 200} {
				if len(d.Statements) > bound {
					large[bound]++
				}
			}
		})
	}
	t.Logf("%d requests: %v; large documents %v", requests, reasons, large)
	for _, reason := range policy.Reasons() {
		if reason == policy.IAMDeny || reason == policy.TooCostly {
			continue // no iam statement can be made yet; the reference has no budget
		}
		if reasons[reason] < 20 {
			t.Errorf("%s is reached %d times", reason, reasons[reason])
		}
	}
	for _, reason := range []policy.Reason{policy.Allowed, policy.OrganizationDeny, policy.BucketDeny, policy.BucketNoMatch} {
		if reasons[reason] < requests/40 {
			t.Errorf("%s is reached %d times of %d", reason, reasons[reason], requests)
		}
	}
	if reasons[policy.ReasonNone] != 0 {
		t.Errorf("%d requests fit no layer", reasons[policy.ReasonNone])
	}
	if large[64] < 50 || large[200] < 20 {
		t.Errorf("large documents: %v", large)
	}
}

// TestSmallConditionsMatter: every test, with and without qualifier and
// IfExists, is the one condition that decides a request now and then.
func TestSmallConditionsMatter(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out how often the generator reaches each rule")
	}
	type shape struct {
		test      policy.Test
		qualifier policy.Qualifier
		ifExists  bool
	}
	tests, shapes := map[policy.Test]int{}, map[shape]int{}
	for seed := range uint64(600) {
		d, requests := Small(seed)
		whole := reference.New(d)
		with := make([]policy.Reason, len(requests))
		for k, r := range requests {
			with[k] = whole.Evaluate(r).Decision.Reason
		}
		documents(d, func(document *policy.Document) {
			if len(document.Statements) > 20 {
				return
			}
			for i := range document.Statements {
				s := &document.Statements[i]
				conditions := s.Conditions
				for j, c := range conditions {
					s.Conditions = append(append([]policy.Condition{}, conditions[:j]...), conditions[j+1:]...)
					for k, r := range requests {
						if whole.Evaluate(r).Decision.Reason != with[k] {
							tests[c.Operator.Test]++
							shapes[shape{0, c.Operator.Qualifier, c.Operator.IfExists}]++
						}
					}
					s.Conditions = conditions
				}
			}
		})
	}
	t.Logf("%v, %v", tests, shapes)
	for _, test := range policy.Tests() {
		if tests[test] < 3 {
			t.Errorf("%s decided %d times", test, tests[test])
		}
	}
	if len(shapes) != 6 {
		t.Errorf("only %d shapes of operators decide", len(shapes))
	}
}

func documents(d *policy.Directory, look func(*policy.Document)) {
	for _, o := range d.Organizations {
		for _, p := range o.Policies {
			look(p)
		}
	}
	for _, b := range d.Buckets {
		if b.Policy != nil {
			look(b.Policy)
		}
	}
}

func accessDocuments(d *policy.Directory, look func(*policy.AccessDocument)) {
	for _, o := range d.Organizations {
		for _, a := range o.Access {
			look(a)
		}
	}
}
