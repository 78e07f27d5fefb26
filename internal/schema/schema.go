// Package schema describes the documents of a policy directory, and files of
// tests, as JSON Schemas for editors (specification 9.1). The names of fields,
// what each should be and the words of the languages come from the tables that
// the parsers read by; here stands only what kind of value a field has.
//
// A schema says less than a parser: what it refuses the parser refuses, and
// postern validate finds the rest.
package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"postern/internal/policyjson"
)

// node is one schema, or a part of one.
type node = map[string]any

// kinds are the documents that have a schema, in the order of Kinds.
var kinds = []struct {
	name, title string
	make        func(*maker) node
}{
	{"organization-policy", "An organization policy of postern", (*maker).organization},
	{"bucket-policy", "A bucket policy of postern", (*maker).bucket},
	{"buckets", "The list of an organization's buckets of postern", func(m *maker) node { return m.object("buckets") }},
	{"access-policy", "A file of iam/ of postern: an AccessPolicy, or Pulumi's role records", (*maker).access},
	{"test", "A file of tests of postern", (*maker).test},
}

// Kinds returns the names of the documents that have a schema.
func Kinds() (out []string) {
	for _, k := range kinds {
		out = append(out, k.name)
	}
	return out
}

// Of returns the JSON Schema of a kind of document, and false if there is no
// such kind.
func Of(kind string) ([]byte, bool) {
	for _, k := range kinds {
		if k.name != kind {
			continue
		}
		m := &maker{shapes: policyjson.Shapes(), words: policyjson.LanguageWords(), defs: node{}}
		root := k.make(m)
		root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		root["title"] = k.title
		if len(m.defs) > 0 {
			root["$defs"] = m.defs
		}
		out, err := json.MarshalIndent(root, "", "  ")
		if err != nil {
			panic(err) // a schema is maps, lists and texts
		}
		return append(out, '\n'), true
	}
	return nil, false
}

// maker makes one schema.
type maker struct {
	shapes map[string]policyjson.Shape
	words  policyjson.Words
	defs   node
}

// object returns a reference to the definition of a shape, which it makes at
// the first use.
func (m *maker) object(name string) node {
	ref := node{"$ref": "#/$defs/" + name}
	if _, ok := m.defs[name]; ok {
		return ref
	}
	m.defs[name] = nil // so that shapes may hold themselves
	shape, ok := m.shapes[name]
	if !ok {
		panic("no shape " + name)
	}
	properties, patterns := node{}, node{}
	var required []string
	var all []any
	for _, f := range shape.Fields {
		make, ok := values[name+"."+f.Name]
		if !ok {
			panic(fmt.Sprintf("the field %q of %s has no row in values", f.Name, name))
		}
		value := node{"description": f.Want}
		for k, v := range make(m) {
			value[k] = v
		}
		properties[f.Name] = value
		if shape.AnyCase {
			patterns[anyCase(f.Name)] = value
			if f.Required { // a name of the object is this one, in some case
				all = append(all, node{"not": node{"propertyNames": node{"not": node{"pattern": anyCase(f.Name)}}}})
			}
		} else if f.Required {
			required = append(required, f.Name)
		}
	}
	def := node{"type": "object", "properties": properties, "additionalProperties": false}
	if len(patterns) > 0 {
		def["patternProperties"] = patterns
	}
	if required != nil {
		def["required"] = required
	}
	if all != nil {
		def["allOf"] = all
	}
	for k, v := range more[name] {
		def[k] = v
	}
	m.defs[name] = def
	return ref
}

// anyCase is a regular expression of a name in any ASCII case.
func anyCase(name string) string {
	var b strings.Builder
	b.WriteByte('^')
	for _, c := range name {
		upper := strings.ToUpper(string(c))
		b.WriteString("[" + upper + strings.ToLower(upper) + "]")
	}
	b.WriteByte('$')
	return b.String()
}

// organization is an organization policy, with or without its wrapper `policy`.
func (m *maker) organization() node {
	body := m.object("organization")
	return node{"anyOf": []any{body, node{
		"type": "object", "required": []string{"policy"}, "additionalProperties": false,
		"properties": node{"policy": body},
	}}}
}

// bucket is a bucket policy.
func (m *maker) bucket() node { return m.object("bucket") }

// access is a file of iam/: an AccessPolicy, one record, a list of them, or an
// object that has the list.
func (m *maker) access() node {
	record := m.object("record")
	records := node{"type": "array", "items": record}
	return node{"anyOf": []any{
		m.object("access"),
		record,
		records,
		node{"type": "object", "required": []string{"roles"}, "properties": node{"roles": records}},
	}}
}

// more are members of a definition that the tables of fields do not say.
var more = map[string]node{
	"access.selector": {"minProperties": 1},
	"record":          {"additionalProperties": true}, // what Pulumi adds is passed over
	"access.token": {"allOf": []any{
		tokenField("organization", "roles", "group", "user"),
		tokenField("team", "group", "roles", "user"),
		tokenField("personal", "user", "roles", "group"),
	}},
	"access.permissionSet": {"anyOf": eitherOf("actions", "include")},
	"access.role":          {"anyOf": eitherOf("rules", "include")},
	"access.rule":          {"anyOf": eitherOf("actions", "permissionSets")},
	"access.binding":       {"anyOf": eitherOf("roles", "permissionSets", "actions")},
}

// eitherOf asks for one of several fields, or more.
func eitherOf(names ...string) (out []any) {
	for _, n := range names {
		out = append(out, node{"required": []string{n}})
	}
	return out
}

// tokenField says which field a token of a type needs and which it must not
// have (specification 2, tokens).
func tokenField(kind, needs string, never ...string) node {
	forbidden := node{}
	for _, n := range never {
		forbidden[n] = false
	}
	return node{
		"if":   node{"required": []string{"type"}, "properties": node{"type": node{"const": kind}}},
		"then": node{"required": []string{needs}, "properties": forbidden},
	}
}

// sorted returns words in order, each once.
func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}
