package glob

import "testing"

// TestBudget: work is free up to freeWork; what goes beyond is taken from the
// budget, a quarter more than it came to, and so are the steps of tests in full.
func TestBudget(t *testing.T) {
	var m Matcher
	m.Begin()
	if !m.Spend(freeWork) || m.Spent() != 0 {
		t.Errorf("free work has spent %d", m.Spent())
	}
	if !m.Spend(1000) || m.Spent() != 1250 {
		t.Errorf("1,000 beyond what is free have spent %d, want 1,250", m.Spent())
	}
	if !m.SpendSteps(100) || m.Spent() != 1350 {
		t.Errorf("100 steps more, and %d are spent, want 1,350", m.Spent())
	}
	if !m.Spend((Budget-1350)/5*4) || m.Over() {
		t.Errorf("within the budget, and %d of %d are spent", m.Spent(), Budget)
	}
	if m.Spend(100) || !m.Over() {
		t.Errorf("past the budget, and %d of %d are spent", m.Spent(), Budget)
	}
	if m.Begin(); m.Over() || m.Spent() != 0 {
		t.Errorf("%d are spent at the beginning", m.Spent())
	}
}
