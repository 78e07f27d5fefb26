package schema

import (
	"slices"
	"testing"

	"postern/internal/policyjson"
)

// TestEveryFieldHasAValue: the table of values is that of the parsers' fields,
// and every schema can be made.
func TestEveryFieldHasAValue(t *testing.T) {
	known := map[string]bool{}
	for name, s := range policyjson.Shapes() {
		for _, f := range s.Fields {
			known[name+"."+f.Name] = true
			if values[name+"."+f.Name] == nil {
				t.Errorf("values has no row for the field %q of %s", f.Name, name)
			}
		}
	}
	for name := range values {
		if !known[name] {
			t.Errorf("values has a row for %s, which no parser reads", name)
		}
	}
	for _, kind := range Kinds() {
		if text, ok := Of(kind); !ok || !slices.Contains(text, '{') {
			t.Errorf("%s has no schema", kind)
		}
	}
	if _, ok := Of("policy"); ok {
		t.Error("a kind that does not exist has a schema")
	}
}
