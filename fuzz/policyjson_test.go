package fuzz

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/tools/txtar"

	"postern/internal/diagnostic"
	"postern/internal/jsonscan"
	"postern/internal/policygen"
	"postern/internal/policyjson"
	"postern/internal/policywrite"
	"postern/policy"
)

// FuzzPolicyJSON reads arbitrary bytes as every kind of document. Nothing
// panics. What is accepted is strict JSON with unique names by jsontext's
// verdict, has no diagnostics but warnings, keeps the promises of
// policy.Document or policy.AccessDocument, and (iam documents aside) comes back
// the same from Append. What is refused has an
// error with a place inside the file, and prints. On whether the bytes are
// JSON at all, jsonscan and jsontext agree.
func FuzzPolicyJSON(f *testing.F) {
	for _, seed := range policyFiles(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		strict := agreeOnJSON(t, data)
		for kind, read := range map[string]func() (any, *policy.Document, []policy.Diagnostic){
			"organization": func() (any, *policy.Document, []policy.Diagnostic) {
				doc, ds := policyjson.ParseOrganization("f", data, policyjson.Limits{})
				return doc, doc, ds
			},
			"bucket": func() (any, *policy.Document, []policy.Diagnostic) {
				doc, ds := policyjson.ParseBucket("f", "my-bucket", data, policyjson.Limits{})
				return doc, doc, ds
			},
			"list": func() (any, *policy.Document, []policy.Diagnostic) {
				list, ds := policyjson.ParseBucketList("f", data, policyjson.Limits{})
				return list, nil, ds
			},
			"access": func() (any, *policy.Document, []policy.Diagnostic) {
				doc, ds := policyjson.ParseAccess("f", data, policyjson.Limits{})
				return doc, nil, ds
			},
			"any": func() (any, *policy.Document, []policy.Diagnostic) {
				file, ds := policyjson.Parse("f", data, policyjson.Limits{})
				switch {
				case file.Document != nil:
					return file.Document, file.Document, ds
				case file.Access != nil:
					return file.Access, nil, ds
				}
				return file.Buckets, nil, ds
			},
		} {
			result, doc, ds := read()
			none := reflect.ValueOf(result).IsNil()
			if none != policy.HasErrors(ds) {
				t.Fatalf("%s: result %v with %v", kind, result, ds)
			}
			if !none && !strict {
				t.Fatalf("%s: accepted what is no strict JSON", kind)
			}
			checkPolicyDiagnostics(t, data, ds)
			if access, ok := result.(*policy.AccessDocument); ok && access != nil {
				checkAccessDocument(t, access, strings.Count(string(data), "\n")+1)
			}
			if doc != nil {
				checkPolicyDocument(t, doc, strings.Count(string(data), "\n")+1)
				checkPolicyRoundTrip(t, doc)
			}
		}
		if !bytes.Equal(data, before) {
			t.Fatal("the input was written to")
		}
	})
}

// agreeOnJSON holds jsonscan to jsontext, and returns their verdict on data without
// a byte-order mark.
func agreeOnJSON(t *testing.T, data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	d := jsontext.NewDecoder(bytes.NewReader(data))
	valid, deep := true, 0
	for values := 0; ; {
		if _, err := d.ReadToken(); err != nil {
			valid = errors.Is(err, io.EOF) && values == 1
			break
		}
		deep = max(deep, d.StackDepth())
		if d.StackDepth() == 0 {
			values++
		}
		if values > 1 {
			valid = false
			break
		}
	}
	valid = valid && deep <= jsonscan.MaxDepth
	var s jsonscan.Scanner
	s.Reset(data, jsonscan.MaxDepth, 0, false)
	if ok := s.Skip() && s.End(); ok != valid {
		t.Fatalf("jsonscan: %v, jsontext: accepted = %v", s.Err(), valid)
	}
	if err := (*jsonscan.Error)(nil); errors.As(s.Err(), &err) && (err.Offset < 0 || err.Offset > len(data)) {
		t.Fatalf("an error at %d of %d", err.Offset, len(data))
	}
	return valid
}

func checkPolicyDiagnostics(t *testing.T, data []byte, ds []policy.Diagnostic) {
	lines := bytes.Split(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), []byte("\n"))
	for i, d := range ds {
		p := d.Position
		if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1])+1 || d.Message == "" || !utf8.ValidString(d.Message) {
			t.Fatalf("diagnostic %v", d)
		}
		if i > 0 && (ds[i-1].Position.Line > p.Line || ds[i-1].Position.Line == p.Line && ds[i-1].Position.Column > p.Column) {
			t.Fatalf("%v before %v", ds[i-1], d)
		}
	}
	var out bytes.Buffer
	if err := diagnostic.Print(&out, ds, func(string) []byte { return data }, diagnostic.Options{Max: 20}); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			t.Fatalf("control character in %q", out.String())
		}
	}
}

// checkPolicyDocument checks what the comments of policy.Document promise.
func checkPolicyDocument(t *testing.T, doc *policy.Document, lines int) {
	bad := func(what string) { t.Fatalf("%s: %+v", what, doc) }
	if len(doc.Statements) == 0 || (doc.Name == "") != (doc.NameLine == 0) || (doc.NameLine == 0) != (doc.NameColumn == 0) || doc.NameLine > lines {
		bad("document")
	}
	names := map[string]bool{}
	for _, st := range doc.Statements {
		if st.Name != "" && names[st.Name] || doc.Kind == policy.KindOrganization && st.Name == "" {
			bad("statement name")
		}
		names[st.Name] = true
		if st.Line < 1 || st.Line > lines || st.Effect != policy.EffectAllow && st.Effect != policy.EffectDeny ||
			len(st.Principals) == 0 || len(st.Actions) == 0 || len(st.Resources) == 0 || st.NotPrincipal && st.Effect != policy.EffectDeny {
			bad("statement")
		}
		for _, p := range st.Principals {
			identifier := p.Kind == policy.PrincipalExact || p.Kind == policy.PrincipalPrefix
			provider, name, _ := strings.Cut(p.Name, "/")
			nobody := p.Kind == policy.PrincipalNobody
			org := p.Kind != policy.PrincipalEveryone && !nobody && doc.Kind == policy.KindBucket
			if nobody && (len(st.Principals) > 1 || st.NotPrincipal || doc.Kind != policy.KindBucket) {
				bad("nobody")
			}
			if p.Kind == 0 || identifier != (p.Name != "") || org != (p.Org != "") || identifier && (provider == "" || provider == "group" || provider == "token") ||
				p.Kind == policy.PrincipalExact && name == "" || strings.Contains(p.Name, "*") {
				bad("principal")
			}
		}
		for _, a := range st.Actions {
			if a == "" || len(a) > 2048 || a != "*" && !strings.Contains(a, ":") {
				bad("action")
			}
		}
		for _, r := range st.Resources {
			if r == "" || len(r) > 2048 {
				bad("resource")
			}
		}
		type place struct {
			op  policy.Operator
			key string
		}
		seen := map[place]bool{}
		for _, c := range st.Conditions {
			if c.Operator.Test == policy.TestNone || c.Key == "" || len(c.Values) == 0 || c.Line < st.Line || c.Line > lines || seen[place{c.Operator, c.Key}] {
				bad("condition")
			}
			seen[place{c.Operator, c.Key}] = true
		}
		if doc.Kind == policy.KindOrganization && (len(st.Conditions) > 0 || st.NotAction || st.NotPrincipal || st.NotResource) {
			bad("organization statement")
		}
	}
}

func checkPolicyRoundTrip(t *testing.T, doc *policy.Document) {
	text := policywrite.Append(nil, doc)
	again, ds := policyjson.ParseOrganization(doc.File, text, policyjson.Limits{})
	if doc.Kind == policy.KindBucket {
		again, ds = policyjson.ParseBucket(doc.File, "my-bucket", text, policyjson.Limits{})
	}
	if again == nil {
		t.Fatalf("what Append wrote does not parse: %v\n%s", ds, text)
	}
	for _, d := range []*policy.Document{doc, again} {
		d.NameLine, d.NameColumn = 0, 0
		for i := range d.Statements {
			d.Statements[i].Line, d.Statements[i].Column = 0, 0
			cs := d.Statements[i].Conditions
			for j := range cs {
				cs[j].Line = 0
			}
			// Append puts those of one operator together.
			slices.SortStableFunc(cs, func(a, b policy.Condition) int {
				return strings.Compare(a.Operator.String(), b.Operator.String())
			})
		}
	}
	if !reflect.DeepEqual(doc, again) {
		t.Fatalf("%+v became %+v\n%s", doc, again, text)
	}
}

// TestPolicyJSONGenerated: what the generator of adversarial worlds makes, and
// policies as people write them, can be written as files, and mean the same when
// they are read.
func TestPolicyJSONGenerated(t *testing.T) {
	statements := 0
	check := func(doc *policy.Document) {
		statements += len(doc.Statements)
		checkPolicyRoundTrip(t, doc)
	}
	for seed := range uint64(300) {
		world, _ := policygen.Small(seed)
		for _, o := range world.Organizations {
			for _, doc := range o.Policies {
				check(doc)
			}
		}
		for _, b := range world.Buckets {
			if b.Policy != nil {
				check(b.Policy)
			}
		}
	}
	for _, w := range []*policygen.Workload{policygen.Field(200, 1), policygen.FieldTenants(200, 1)} {
		for _, o := range w.Directory.Organizations {
			for _, doc := range o.Policies {
				check(doc)
			}
		}
		for _, b := range w.Directory.Buckets {
			check(b.Policy)
		}
	}
	if statements < 1000 {
		t.Errorf("%d statements only", statements)
	}
}

// policyFiles are the parser's own examples and mistakes.
func policyFiles(f *testing.F) (out [][]byte) {
	const dir = "../internal/policyjson/testdata/"
	var seeds []string
	for _, folder := range []string{"seeds", "access", "pulumi"} {
		paths, _ := filepath.Glob(dir + folder + "/*.json")
		if len(paths) == 0 {
			f.Fatalf("%s%s holds no files", dir, folder)
		}
		seeds = append(seeds, paths...)
	}
	for _, path := range seeds {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, data)
	}
	mistakes, _ := filepath.Glob(dir + "errors/*.txtar")
	for _, path := range mistakes {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		data := a.Files[0].Data
		if strings.HasSuffix(a.Files[0].Name, ".quoted") {
			text, err := strconv.Unquote(strings.TrimSpace(string(data)))
			if err != nil {
				f.Fatal(err)
			}
			data = []byte(text)
		}
		out = append(out, data)
	}
	if len(out) < 100 {
		f.Fatalf("found %d policy files", len(out))
	}
	return out
}
