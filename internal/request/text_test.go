package request

import (
	"reflect"
	"strings"
	"testing"

	"postern/policy"
)

// TestCheckText: no text of a request may be anything but UTF-8, wherever it
// stands. It walks policy.Request, so that a text that is added to it is held
// too.
func TestCheckText(t *testing.T) {
	full := func() *policy.Request {
		one := func(key string) []policy.Attribute {
			return []policy.Attribute{{Key: key, Values: []policy.Value{{Kind: policy.ValueString, Text: "v"}}}}
		}
		return &policy.Request{
			Principal: policy.Principal{
				Org: "o1", IDs: []string{"saml/jean", "role/Admin"}, Groups: []string{"g"}, Claims: one("sub"), ClaimsStated: true, Properties: one("p"),
			},
			Action: "s3:GetObject", ActionProperties: one("a"),
			Resource: policy.Resource{
				Type: "object", ID: "b/k", Org: "o1", UID: "u", Tags: []policy.Tag{{Key: "t", Value: "v"}}, TagsKnown: true, Properties: one("r"),
			},
			Context: one("c"),
		}
	}
	if err := Check(full()); err != nil {
		t.Fatal(err)
	}
	texts := textsOf(reflect.ValueOf(full()).Elem(), "")
	if len(texts) < 19 {
		t.Fatalf("found %d texts of a request, want all 19: %v", len(texts), texts)
	}
	for i, path := range texts {
		for _, bad := range []string{"\xff", "\xfc", "\xed\xa0\x80", "\xc3"} {
			r := full()
			setText(reflect.ValueOf(r).Elem(), new(int), i, bad)
			err := Check(r)
			if err == nil || !strings.Contains(err.Error(), "UTF-8") {
				t.Errorf("%s with %q: %v, want that it is no UTF-8", path, bad, err)
			}
		}
	}
}

// textsOf lists the strings of a value, in the order of setText.
func textsOf(v reflect.Value, path string) (out []string) {
	switch v.Kind() {
	case reflect.String:
		return []string{path}
	case reflect.Struct:
		for i := range v.NumField() {
			out = append(out, textsOf(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			return []string{path + " is empty: fill it"}
		}
		for i := range v.Len() {
			out = append(out, textsOf(v.Index(i), path+"[]")...)
		}
	}
	return out
}

// setText appends bad to the n-th string of a value.
func setText(v reflect.Value, at *int, n int, bad string) {
	switch v.Kind() {
	case reflect.String:
		if *at == n {
			v.SetString(v.String() + bad)
		}
		*at++
	case reflect.Struct:
		for i := range v.NumField() {
			setText(v.Field(i), at, n, bad)
		}
	case reflect.Slice:
		for i := range v.Len() {
			setText(v.Index(i), at, n, bad)
		}
	}
}
