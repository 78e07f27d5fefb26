package compile

import (
	"reflect"
	"slices"

	"postern/policy"
)

// sameStatements reports whether two lists of documents, each in the order of
// files, have equal roles, permission sets, bindings and records, wherever in
// their files these stand. Groups, tokens, issuers, defaults and entities may
// differ.
func sameStatements(a, b []*policy.AccessDocument) bool {
	statements := func(docs []*policy.AccessDocument) (out []*policy.AccessDocument, legacy bool) {
		for _, d := range docs {
			legacy = legacy || d.LegacyGroups
			if len(d.PermissionSets)+len(d.Roles)+len(d.Bindings)+len(d.Records) > 0 {
				out = append(out, d)
			}
		}
		return out, legacy
	}
	x, legacyX := statements(a)
	y, legacyY := statements(b)
	return legacyX == legacyY && slices.EqualFunc(x, y, func(d, e *policy.AccessDocument) bool {
		return d == e || d.File == e.File &&
			same(reflect.ValueOf(d.PermissionSets), reflect.ValueOf(e.PermissionSets)) &&
			same(reflect.ValueOf(d.Roles), reflect.ValueOf(e.Roles)) &&
			same(reflect.ValueOf(d.Bindings), reflect.ValueOf(e.Bindings)) &&
			same(reflect.ValueOf(d.Records), reflect.ValueOf(e.Records))
	})
}

var position = reflect.TypeFor[policy.Position]()

// same is reflect.DeepEqual that takes all values of type policy.Position for
// equal. It recurses as deep as the files nest.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() || a.Pointer() == b.Pointer() {
			return a.Pointer() == b.Pointer()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		if a.Type() == position {
			return true
		}
		for i := range a.NumField() {
			if a.Type().Field(i).Name != "Line" && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
