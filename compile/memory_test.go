package compile

import (
	"reflect"
	"testing"
	"unsafe"

	"postern/internal/arena"
	"postern/internal/policygen"
	"postern/internal/policyjson"
	"postern/internal/policywrite"
	"postern/policy"
)

// TestLoweringForgets: what a unit is compiled to does not depend on what was
// compiled before with the same memory, and holds none of the texts of the
// documents that it was made from, but for the names of their files.
func TestLoweringForgets(t *testing.T) {
	worlds := []*policy.Directory{policygen.Conditions(20, 1).Directory, policygen.FieldTenants(40, 1).Directory}
	for seed := range uint64(20) {
		d, _ := policygen.Small(seed)
		worlds = append(worlds, d)
	}
	used := newLowering()
	used.programTexts = arena.Texts{Size: 1 << 10, Most: 128}
	check := func(docs []*policy.Document, bucket string) {
		t.Helper()
		mine := reread(t, docs, bucket)
		got, ds := used.policies(mine, bucket, Compiler{})
		want, _ := newLowering().policies(reread(t, docs, bucket), bucket, Compiler{})
		if ds != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: compiled otherwise with memory that was used before (%v)", docs[0].File, ds)
		}
		for _, d := range mine {
			d.File = ""
			scribble(reflect.ValueOf(d).Elem())
		}
		used.forget()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: the policies changed with what they were made from", docs[0].File)
		}
	}
	for _, d := range worlds {
		for bucket, k := range d.Buckets {
			if k.Policy != nil {
				check([]*policy.Document{k.Policy}, bucket)
			}
		}
		for _, o := range d.Organizations {
			if len(o.Policies) > 0 {
				check(o.Policies, "")
			}
		}
	}
}

// reread returns the documents with texts of their own.
func reread(t *testing.T, docs []*policy.Document, bucket string) (out []*policy.Document) {
	t.Helper()
	for _, d := range docs {
		data := policywrite.Append(nil, d)
		doc, ds := policyjson.ParseOrganization(d.File, data, policyjson.Limits{})
		if bucket != "" {
			doc, ds = policyjson.ParseBucket(d.File, bucket, data, policyjson.Limits{})
		}
		if doc == nil {
			t.Fatal(ds)
		}
		out = append(out, doc)
	}
	return out
}

// scribble overwrites every text that v holds or leads to.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		text := v.String()
		clear(unsafe.Slice(unsafe.StringData(text), len(text)))
	case reflect.Struct:
		for i := range v.NumField() {
			scribble(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			scribble(v.Index(i))
		}
	}
}
