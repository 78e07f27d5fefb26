package test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"postern/internal/policyjson"
	"postern/internal/policytest"
	"postern/internal/schema"
	"postern/policy"
)

// root is the repository's root, seen from here.
const root = "../../.."

// kind is one kind of document with its schema and its parser.
type kind struct {
	schema  *jsonschema.Schema
	refuses func(data []byte) bool
}

func kinds(t *testing.T) map[string]kind {
	t.Helper()
	var limits policyjson.Limits
	parsers := map[string]func([]byte) []policy.Diagnostic{
		"organization-policy": func(b []byte) []policy.Diagnostic {
			_, ds := policyjson.ParseOrganization("f", b, limits)
			return ds
		},
		"bucket-policy": func(b []byte) []policy.Diagnostic {
			_, ds := policyjson.ParseBucket("f", "", b, limits)
			return ds
		},
		"buckets": func(b []byte) []policy.Diagnostic {
			_, ds := policyjson.ParseBucketList("f", b, limits)
			return ds
		},
		"access-policy": func(b []byte) []policy.Diagnostic {
			_, ds := policyjson.ParseAccess("f", b, limits)
			return ds
		},
		"test": func(b []byte) []policy.Diagnostic {
			_, ds := policytest.Parse("f", b)
			return ds
		},
	}
	out := map[string]kind{}
	for _, name := range schema.Kinds() {
		text, _ := schema.Of(name)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, value); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		compiled, err := c.Compile(name) // also against the schema of schemas
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parse := parsers[name]
		if parse == nil {
			t.Fatalf("no parser for %s", name)
		}
		out[name] = kind{compiled, func(b []byte) bool { return policy.HasErrors(parse(b)) }}
	}
	return out
}

// kindOf tells from a file's path what it should hold.
func kindOf(path string) string {
	base := filepath.Base(path)
	switch dir := filepath.Base(filepath.Dir(path)); {
	case base == "buckets.json":
		return "buckets"
	case strings.HasSuffix(base, ".test.json"):
		return "test"
	case dir == "access-policies", strings.HasPrefix(base, "organization"):
		return "organization-policy"
	case dir == "buckets", strings.HasPrefix(base, "bucket"):
		return "bucket-policy"
	case dir == "iam", dir == "pulumi", dir == "access", base == "access.json":
		return "access-policy"
	}
	return ""
}

// document is a text that should be of a kind.
type document struct {
	from, kind string
	data       []byte
}

// documents are the examples, the golden files of the parser, and the files of
// the corpus, of which those with a template are what its lines make of it.
func documents(t *testing.T) (out []document) {
	t.Helper()
	add := func(from, path string, data []byte) {
		if k := kindOf(path); k != "" && strings.HasSuffix(path, ".json") {
			out = append(out, document{from, k, data})
		}
	}
	for _, dir := range []string{"examples", "internal/policyjson/testdata", "internal/conformance/testdata"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil || filepath.Ext(path) != ".txtar" {
				add(path, path, data)
				return err
			}
			for _, f := range txtar.Parse(data).Files {
				at := path + ":" + f.Name
				if name, ok := strings.CutSuffix(f.Name, ".quoted"); ok {
					text, err := strconv.Unquote(strings.TrimSpace(string(f.Data)))
					if err != nil {
						return err
					}
					f.Name, f.Data = name, []byte(text)
				}
				if target, ok := strings.CutPrefix(f.Name, "documents "); ok {
					for i, text := range made(string(f.Data)) {
						add(at+"#"+strconv.Itoa(i), target, []byte(text))
					}
				} else {
					add(at, f.Name, f.Data)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// made are the documents of a section of the corpus: each line `good` or `bad`
// stands for @ of the template. A line that is read wrongly is a text that both
// sides judge all the same.
func made(section string) (out []string) {
	template := "@"
	for line := range strings.Lines(section) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "template":
			template = rest
		case "good", "bad":
			text, _, _ := strings.Cut(rest, " => ")
			out = append(out, strings.ReplaceAll(template, "@", text))
		}
	}
	return out
}

// TestSchemasHoldToTheParsers: what a schema refuses its parser refuses, so that
// every good file passes, for all documents that the tests have and for what small
// mistakes make of them; and the schemas refuse most of what the golden files
// of mistakes hold, so that they are of use.
func TestSchemasHoldToTheParsers(t *testing.T) {
	all := kinds(t)
	faults := 0
	good, bad, found := map[string]int{}, map[string]int{}, map[string]int{}
	judge := func(d document) (accepted bool) {
		k := all[d.kind]
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.TrimPrefix(d.data, []byte("\xef\xbb\xbf"))))
		if err != nil {
			return false // no JSON: no schema is asked
		}
		refused := k.schema.Validate(value)
		if k.refuses(d.data) {
			bad[d.kind]++
			if refused != nil {
				found[d.kind]++
			}
			return false
		}
		good[d.kind]++
		if refused != nil {
			if faults++; faults > 10 {
				t.FailNow()
			}
			t.Errorf("%s: the parser accepts, and the schema of %s says: %v\n%.700s", d.from, d.kind, refused, d.data)
		}
		return true
	}
	mutants := 0
	for _, d := range documents(t) {
		if !judge(d) || len(d.data) > 1<<13 || mutants > 30_000 {
			continue
		}
		for _, text := range mistakes(t, d.data) {
			mutants++
			judge(document{d.from + ", mutated", d.kind, text})
		}
	}
	for _, name := range schema.Kinds() {
		t.Logf("%s: %d good, %d refused by the parser, %d of them by the schema", name, good[name], bad[name], found[name])
		if good[name] < 3 || bad[name] < 10 || 2*found[name] < bad[name] {
			t.Errorf("%s: too few documents, or a schema that finds too little", name)
		}
	}
}

// mistakes are texts that differ from a document in one place: a member or
// element removed, renamed, doubled or of another kind.
func mistakes(t *testing.T, data []byte) (out [][]byte) {
	t.Helper()
	var value any
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &value); err != nil {
		t.Fatal(err)
	}
	var whole any
	keep := func() {
		text, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	others := []any{"", "x", 1, true, nil, []any{}, map[string]any{}, []any{"x"}}
	var walk func(v any, set func(any))
	walk = func(v any, set func(any)) {
		for _, o := range others {
			set(o)
			keep()
		}
		set(v)
		switch v := v.(type) {
		case map[string]any:
			names := make([]string, 0, len(v))
			for name := range v {
				names = append(names, name)
			}
			sort.Strings(names)
			for _, name := range names {
				was := v[name]
				delete(v, name)
				keep()
				for _, other := range []string{name + "x", strings.ToLower(name), strings.ToUpper(name), ""} {
					if _, there := v[other]; !there {
						v[other] = was
						keep()
						delete(v, other)
					}
				}
				v[name] = was
				walk(was, func(n any) { v[name] = n })
			}
		case []any:
			for i := range v {
				if i == 2 {
					break // the others are alike
				}
				was := v[i]
				set(slices.Delete(slices.Clone(v), i, i+1))
				keep()
				set(v)
				walk(was, func(n any) { v[i] = n })
			}
		}
	}
	whole = value
	walk(value, func(n any) { whole = n })
	return out
}
