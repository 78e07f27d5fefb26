package policygen

import (
	"cmp"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postern/internal/policyjson"
	"postern/internal/policywrite"
	"postern/policy"
)

// TestDocumentsAreParsed: every document is one that the strict parser
// produces, from the text that says the same.
func TestDocumentsAreParsed(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the generator's documents as text")
	}
	parsed := 0
	check := func(from string, d *policy.Document) {
		t.Helper()
		for _, text := range [][]byte{policywrite.Append(nil, d), policywrite.AppendVaried(nil, d)} {
			got, diagnostics := policyjson.ParseOrganization(d.File, text, policyjson.Limits{})
			if d.Kind == policy.KindBucket {
				got, diagnostics = policyjson.ParseBucket(d.File, strings.TrimSuffix(path.Base(d.File), ".json"), text, policyjson.Limits{})
			}
			if policy.HasErrors(diagnostics) {
				t.Fatalf("%s, %s: %v\n%s", from, d.File, diagnostics[0], text)
			}
			if !reflect.DeepEqual(withoutPlaces(got), withoutPlaces(d)) {
				t.Fatalf("%s, %s: parsed\n%+v\nwant\n%+v\n%s", from, d.File, withoutPlaces(got), withoutPlaces(d), text)
			}
		}
		parsed++
	}
	for seed := range uint64(600) {
		d, _ := Small(seed)
		documents(d, func(d *policy.Document) { check("small", d) })
	}
	for _, shape := range shapes {
		documents(shape.make(5).Directory, func(d *policy.Document) { check(shape.name, d) })
	}
	if parsed < 1000 {
		t.Errorf("only %d documents", parsed)
	}
}

// withoutPlaces copies a document without its places, and with conditions in
// an order of their own.
func withoutPlaces(d *policy.Document) policy.Document {
	out := *d
	out.NameLine, out.NameColumn = 0, 0
	out.Statements = slices.Clone(d.Statements)
	for i := range out.Statements {
		s := &out.Statements[i]
		s.Line, s.Column = 0, 0
		s.Conditions = slices.Clone(s.Conditions)
		if len(s.Conditions) == 0 {
			s.Conditions = nil
		}
		for j := range s.Conditions {
			s.Conditions[j].Line = 0
		}
		slices.SortFunc(s.Conditions, func(a, b policy.Condition) int {
			return cmp.Or(cmp.Compare(a.Operator.String(), b.Operator.String()), cmp.Compare(a.Key, b.Key))
		})
	}
	return out
}
