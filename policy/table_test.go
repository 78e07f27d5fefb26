package policy

import (
	"slices"
	"strings"
	"testing"
)

// TestTablesAreWhole: a layer, a reason or an outcome that is added without its
// row would be a row of zeros, which reads as "" and as an implicit deny.
func TestTablesAreWhole(t *testing.T) {
	seen := map[string]bool{} // what and name
	whole := func(what, name string) {
		t.Helper()
		if name == "" || seen[what+name] {
			t.Errorf("%s %q has no name of its own", what, name)
		}
		seen[what+name] = true
	}
	for l := range Layer(LayerCount) {
		whole("layer", l.String())
	}
	for o := range Outcome(OutcomeCount) {
		whole("outcome", o.String())
	}
	for _, test := range Tests() {
		whole("test", test.String())
		if test.Family() == 0 {
			t.Errorf("%s has no family", test)
		}
	}
	for r := range ReloadResult(ReloadResultCount) {
		whole("result", r.String())
	}
	for r := range Reason(ReasonCount) {
		whole("reason", r.String())
		if len(r.Layers()) == 0 || slices.Contains(r.Layers(), LayerCount) {
			t.Errorf("%s is decided by %v", r, r.Layers())
		}
		if !strings.HasSuffix(r.Sentence(), ".") {
			t.Errorf("%s has no sentence: %q", r, r.Sentence())
		}
		if explicit := strings.HasSuffix(r.String(), "_deny"); explicit != (r.Outcome() == ExplicitDeny) {
			t.Errorf("%s is %s", r, r.Outcome())
		}
		if (r == Allowed) != (r.Outcome() == Allow) {
			t.Errorf("%s is %s", r, r.Outcome())
		}
	}
	if len(Reasons()) != ReasonCount-1 || slices.Contains(Reasons(), ReasonNone) {
		t.Errorf("Reasons() is %v", Reasons())
	}
	if LayerNone != Layer(0) || ReasonNone != Reason(0) || ImplicitDeny != Outcome(0) {
		t.Error("the zero Decision is no implicit deny")
	}
	if got := Layer(LayerCount).String(); got != "none" {
		t.Errorf("a layer that does not exist is %q", got)
	}
	if got := Outcome(OutcomeCount).String(); got != "ImplicitDeny" {
		t.Errorf("an outcome that does not exist is %q", got)
	}
}
