package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"testing"
)

// fits holds a text of JSON to a schema of docs/, of which it knows type,
// properties, required, additionalProperties, items, enum, oneOf and references
// within the file.
func fits(t *testing.T, schema, text string) {
	t.Helper()
	data, err := os.ReadFile(schema)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	var value any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, fault := range misfits(root, root, value, "") {
		t.Errorf("%s: %s", schema, fault)
	}
}

func misfits(root, s map[string]any, v any, at string) (faults []string) {
	if ref, ok := s["$ref"].(string); ok {
		definition, ok := root["$defs"].(map[string]any)[ref[len("#/$defs/"):]].(map[string]any)
		if !ok {
			return []string{"no definition " + ref}
		}
		return misfits(root, definition, v, at)
	}
	if ways, ok := s["oneOf"].([]any); ok {
		fitting := 0
		for _, w := range ways {
			if len(misfits(root, w.(map[string]any), v, at)) == 0 {
				fitting++
			}
		}
		if fitting != 1 {
			faults = append(faults, fmt.Sprintf("%s fits %d of oneOf", at, fitting))
		}
	}
	if values, ok := s["enum"].([]any); ok && !slices.Contains(values, v) {
		faults = append(faults, fmt.Sprintf("%s is %v", at, v))
	}
	is := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		is["object"] = true
		properties, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				faults = append(faults, at+" lacks "+name.(string))
			}
		}
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			if p, ok := properties[name].(map[string]any); ok {
				faults = append(faults, misfits(root, p, v[name], at+"."+name)...)
			} else if s["additionalProperties"] == false {
				faults = append(faults, at+" has "+name)
			}
		}
	case []any:
		is["array"] = true
		if items, ok := s["items"].(map[string]any); ok {
			for i, e := range v {
				faults = append(faults, misfits(root, items, e, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case string:
		is["string"] = true
	case bool:
		is["boolean"] = true
	case float64:
		is["number"], is["integer"] = true, v == float64(int64(v))
	}
	if want, ok := s["type"].(string); ok && !is[want] {
		faults = append(faults, fmt.Sprintf("%s is no %s", at, want))
	}
	return faults
}

// TestSchemaBites: what does not fit is told.
func TestSchemaBites(t *testing.T) {
	schema := map[string]any{"type": "object", "required": []any{"a"}, "additionalProperties": false, "properties": map[string]any{
		"a": map[string]any{"type": "array", "items": map[string]any{"type": "integer"}},
		"b": map[string]any{"enum": []any{"x"}},
	}}
	for text, want := range map[string]int{`{"a": [1]}`: 0, `{"a": [1.5]}`: 1, `{}`: 1, `{"a": [], "c": 1}`: 1, `{"a": [], "b": "y"}`: 1, `[]`: 1} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := misfits(schema, schema, v, ""); len(got) != want {
			t.Errorf("%s: %q, want %d faults", text, got, want)
		}
	}
}
